//! Cursors as text.

use std::collections::BTreeSet;

use tokenfleet::{Cursor, Query, Result, TokenProviderExt};

use crate::fake_pages::{Declaration, FakePages};
use crate::run;
use crate::secrets::assert_no_secret;

/// Checks that a cursor is the same after printing and parsing, and that a listing resumed from it
/// ends and yields no id twice.
///
/// The first character selects how the platform pages. An `@` at the start of the rest stands for
/// the version, account and query of a real cursor.
pub fn cursor(data: &[u8]) {
    let Some((number, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let list = Declaration::typical(number.wrapping_sub(b'0') % 6).list();
    let provider = FakePages::new(list, (1..=30).collect(), Vec::new(), false);
    if let Err(error) = run(resume(&provider, text)) {
        assert_no_secret(&error);
    }
}

async fn resume(provider: &FakePages, text: &str) -> Result<()> {
    let listing = provider.list(Query::new().page_size(5))?;
    let text = match text.strip_prefix('@') {
        Some(rest) => {
            let real = listing.cursor().to_string();
            let prefix: Vec<_> = real.split('.').take(4).collect();
            format!("{}{rest}", prefix.join("."))
        }
        None => text.to_owned(),
    };
    let cursor: Cursor = text.parse()?;
    assert_eq!(cursor.to_string().parse::<Cursor>()?, cursor);
    let mut listing = listing.resume(&cursor)?;
    let mut yielded = BTreeSet::new();
    while let Some(token) = listing.next().await {
        let id = token?.id;
        assert!(yielded.insert(id.clone()), "{id} twice");
        let cursor = listing.cursor();
        assert_eq!(cursor.to_string().parse::<Cursor>()?, cursor);
    }
    Ok(())
}
