//! Where a listing stands, as a text.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{Account, Error, ErrorKind, Fate, PagePosition, Query, Result};

const VERSION: &str = "tf1";

/// Where a listing stands: a text to store and to resume from, also in another process.
///
/// It names the account and the query that it belongs to and is refused with any other. It holds no secret. It points
/// at the page being consumed, so a resumed listing may repeat tokens of that page but never skips one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    provider: String,
    account: String,
    query: u64,
    /// The page being consumed.
    pub(crate) position: PagePosition,
    /// The size of the pages that the position counts in.
    pub(crate) size: Option<u32>,
    /// The total when that page was read.
    pub(crate) total: Option<u64>,
}

impl Cursor {
    pub(crate) fn new(
        account: &Account,
        query: &Query,
        position: PagePosition,
        size: Option<u32>,
        total: Option<u64>,
    ) -> Self {
        Self {
            provider: account.provider().to_owned(),
            account: account.name().to_owned(),
            query: fingerprint(query),
            position,
            size,
            total,
        }
    }

    /// Refuses a cursor of another account or query.
    pub(crate) fn check(&self, account: &Account, query: &Query) -> Result<()> {
        let refusal = if self.provider != account.provider() || self.account != account.name() {
            "the cursor belongs to another account"
        } else if self.query != fingerprint(query) {
            "the cursor belongs to another query"
        } else {
            return Ok(());
        };
        Err(invalid(refusal).with_account(account))
    }
}

pub(crate) fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidCursor, Fate::NotSent, message)
        .with_advice("start the listing anew, without a cursor")
}

/// Tells queries apart, the same in every process: FNV-1a over what decides which tokens come in which order.
fn fingerprint(query: &Query) -> u64 {
    let decisive = (&query.filter, &query.sort, query.offset, query.limit);
    format!("{decisive:?}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        write!(
            f,
            "{VERSION}.{}.{}.{:016x}.",
            encode(&self.provider),
            encode(&self.account),
            self.query
        )?;
        match &self.position {
            PagePosition::First => f.write_str("f")?,
            PagePosition::Number(number) => write!(f, "n{number}")?,
            PagePosition::Token(token) => write!(f, "t{}", encode(token))?,
        }
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        write!(
            f,
            ".{}.{}",
            number(self.size.map(u64::from)),
            number(self.total)
        )
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| invalid("this is no cursor of this version"))
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let decode = |text| {
        let decoded = percent_decode_str(text).decode_utf8().ok()?;
        Some(decoded.into_owned())
    };
    let number = |text: &str| match text {
        "" => Some(None),
        digits => digits.parse::<u64>().ok().map(Some),
    };
    let fields: [&str; 7] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
    let [version, provider, account, query, position, size, total] = fields;
    if version != VERSION {
        return None;
    }
    let position = match (position.get(..1)?, position.get(1..)?) {
        ("f", "") => PagePosition::First,
        ("n", digits) => PagePosition::Number(digits.parse().ok()?),
        ("t", token) => PagePosition::Token(decode(token)?),
        _ => return None,
    };
    Some(Cursor {
        provider: decode(provider)?,
        account: decode(account)?,
        query: u64::from_str_radix(query, 16).ok()?,
        position,
        size: match number(size)? {
            Some(size) => Some(u32::try_from(size).ok().filter(|size| *size > 0)?),
            None => None,
        },
        total: number(total)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Filter;

    proptest! {
        #[test]
        fn a_cursor_survives_its_text(
            provider in ".{1,8}",
            account in ".{0,8}",
            position in prop_oneof![
                Just(PagePosition::First),
                any::<u64>().prop_map(PagePosition::Number),
                ".{0,8}".prop_map(PagePosition::Token),
            ],
            size in proptest::option::of(1u32..),
            total in proptest::option::of(any::<u64>()),
        ) {
            let account = Account::new(&provider, &account);
            let query = Query::new().matching(Filter::name("x"));
            let cursor = Cursor::new(&account, &query, position, size, total);
            let read: Cursor = cursor.to_string().parse().unwrap();
            prop_assert_eq!(&read, &cursor);
            prop_assert!(read.check(&account, &query).is_ok());
            prop_assert_eq!(read.check(&account, &Query::new()).unwrap_err().kind(), ErrorKind::InvalidCursor);
        }

        #[test]
        fn any_other_text_is_refused_without_a_panic(text in ".{0,40}") {
            prop_assert!(text.parse::<Cursor>().is_err());
        }
    }
}
