//! The texts of cursors.

use std::collections::BTreeSet;

use tokenfleet::{Cursor, Query, Result, TokenProviderExt};

use crate::run;
use crate::shelf::{Kind, Shelf};
use crate::witness::assert_silent;

/// A cursor says the same when it is printed and read again, and a listing that is resumed from it ends and hands out no id
/// twice.
///
/// The first character chooses how the platform pages; a text that begins with `@` then has the version, account and query of
/// a real cursor in its place.
pub fn cursor(data: &[u8]) {
    let Some((kind, text)) = data.split_first() else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let kind = Kind::usual(kind.wrapping_sub(b'0') % 5);
    let shelf = Shelf::new(kind.list(), (1..=30).collect(), Vec::new(), false);
    if let Err(error) = run(resume(&shelf, text)) {
        assert_silent(&error);
    }
}

async fn resume(shelf: &Shelf, text: &str) -> Result<()> {
    let listing = shelf.list(Query::new().page_size(5))?;
    let text = match text.strip_prefix('@') {
        Some(rest) => {
            let real = listing.cursor().to_string();
            let belonging: Vec<_> = real.split('.').take(4).collect();
            format!("{}{rest}", belonging.join("."))
        }
        None => text.to_owned(),
    };
    let cursor: Cursor = text.parse()?;
    assert_eq!(cursor.to_string().parse::<Cursor>()?, cursor);
    let mut listing = listing.resume(&cursor)?;
    let mut seen = BTreeSet::new();
    while let Some(token) = listing.next().await {
        let id = token?.id;
        assert!(seen.insert(id.clone()), "{id} twice");
        let cursor = listing.cursor();
        assert_eq!(cursor.to_string().parse::<Cursor>()?, cursor);
    }
    Ok(())
}
