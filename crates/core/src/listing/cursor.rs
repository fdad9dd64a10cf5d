//! The position in a listing, as a string to resume from.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Account, Error, ErrorKind, Fate, Result};
use crate::listing::{PartialReason, Plan, ScanDirection};
use crate::model::TokenId;
use crate::provider::LAST_PAGE;
use crate::provider::PagePosition;
use crate::query::{Filter, Query, SortBy, SortKey};

const VERSION: &str = "tf1";

/// A position in a listing, as a string that can be stored and resumed from, even in another
/// process.
///
/// It names the account and the query that it belongs to and is rejected with any other. It holds
/// no secret, only the id of a token. It points at the page being consumed, so a resumed listing
/// may repeat tokens of that page but never skips one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    provider: String,
    account: String,
    query: u64,
    /// The page being consumed.
    pub(crate) position: PagePosition,
    /// The token emitted last before that page. It and those before it may have moved onto the page
    /// since.
    pub(crate) after: Option<TokenId>,
    /// The size of the pages that the position counts.
    pub(crate) size: Option<u32>,
    /// The total when that page was read.
    pub(crate) total: Option<u64>,
    /// The number of tokens to skip from that page on.
    pub(crate) to_skip: u64,
    /// The number of tokens still wanted from that page on.
    pub(crate) to_yield: Option<u64>,
    /// The direction in which the pages are read.
    pub(crate) scan: ScanDirection,
    /// The key that the platform orders by.
    pub(crate) key: Option<SortKey>,
    /// The fingerprint of the filter that the platform applies: positions count only its matches.
    pub(crate) filter: Option<u64>,
    /// The reason why the listing cannot be complete any more.
    pub(crate) partial: Option<PartialReason>,
}

/// The place of a listing in its pages, and what it can no longer claim.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) position: PagePosition,
    pub(crate) after: Option<TokenId>,
    pub(crate) size: Option<u32>,
    pub(crate) total: Option<u64>,
    pub(crate) filter: Option<u64>,
    pub(crate) partial: Option<PartialReason>,
}

impl Cursor {
    /// Returns a cursor at the beginning of a listing.
    pub(crate) fn new(account: &Account, query: &Query, plan: &Plan) -> Self {
        Self {
            provider: account.provider().to_owned(),
            account: account.name().to_owned(),
            query: fingerprint(query),
            position: PagePosition::First,
            after: None,
            size: None,
            total: None,
            to_skip: query.offset,
            to_yield: query.limit,
            scan: plan.scan,
            key: plan.pushed_order.map(|order| order.key),
            filter: plan.pushed_filter.as_ref().map(fingerprint_of_filter),
            partial: None,
        }
    }

    /// Moves the cursor to a place.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.position = place.position;
        self.after = place.after;
        self.size = place.size;
        self.total = place.total;
        self.filter = place.filter;
        self.partial = place.partial;
        self
    }

    /// Sets how many tokens are still skipped and returned from the place on.
    pub(crate) fn with_remaining(mut self, to_skip: u64, to_yield: Option<u64>) -> Self {
        self.to_skip = to_skip;
        self.to_yield = to_yield;
        self
    }

    /// Rejects the cursor with any other account or query.
    pub(crate) fn check(&self, account: &Account, query: &Query) -> Result<()> {
        let message = if self.provider != account.provider() || self.account != account.name() {
            "the cursor belongs to another account"
        } else if self.query != fingerprint(query) {
            "the cursor belongs to another query"
        } else {
            return Ok(());
        };
        Err(invalid(message).with_account(account))
    }
}

/// Returns an error about a cursor that cannot be resumed from.
pub(crate) fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidCursor, Fate::NotSent, message)
        .with_advice("start the listing again without a cursor")
}

/// Hashes the parts of a query that decide which tokens come in which order.
fn fingerprint(query: &Query) -> u64 {
    let filter = query.filter.as_ref().map(Filter::to_string);
    let sort: Vec<_> = query.sort.iter().map(SortBy::to_string).collect();
    let (offset, limit) = (query.offset, query.limit);
    hash(&format!("{filter:?} {sort:?} {offset} {limit:?}"))
}

/// Hashes a filter.
pub(crate) fn fingerprint_of_filter(filter: &Filter) -> u64 {
    hash(&filter.to_string())
}

/// Hashes a string with FNV-1a, which gives the same result in every process.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
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
            ".{}.{}.{}.{}.{}{}.",
            number(self.size.map(u64::from)),
            number(self.total),
            self.to_skip,
            number(self.to_yield),
            match self.scan {
                ScanDirection::Forward => 'f',
                ScanDirection::Backward => 'b',
            },
            self.partial.as_ref().map_or('c', PartialReason::letter),
        )?;
        if let Some(filter) = self.filter {
            write!(f, "{filter:016x}")?;
        }
        let key = self.key.map_or("", SortKey::as_str);
        let after = self.after.as_ref().map_or("", TokenId::as_str);
        write!(f, ".{key}.{}", encode(after))
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| invalid("not a valid cursor for this version"))
    }
}

fn parse(text: &str) -> Option<Cursor> {
    let decode = |text| {
        let decoded = percent_decode_str(text).decode_utf8().ok()?;
        Some(decoded.into_owned())
    };
    let optional = |text: &str| match text {
        "" => Some(None),
        digits => number(digits).map(Some),
    };
    let fields: [&str; 13] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
    let [
        version,
        provider,
        account,
        query,
        position,
        size,
        total,
        to_skip,
        to_yield,
        scan_and_claim,
        filter,
        key,
        after,
    ] = fields;
    if version != VERSION {
        return None;
    }
    let position = match (position.get(..1)?, position.get(1..)?) {
        ("f", "") => PagePosition::First,
        ("n", digits) => PagePosition::Number(number(digits).filter(|n| *n <= LAST_PAGE)?),
        ("t", token) => PagePosition::Token(decode(token)?),
        _ => return None,
    };
    let (scan, partial) = (scan_and_claim.get(..1)?, scan_and_claim.get(1..)?);
    Some(Cursor {
        provider: decode(provider)?,
        account: decode(account)?,
        query: hexadecimal(query)?,
        position,
        after: match after {
            "" => None,
            after => Some(TokenId::new(decode(after)?)),
        },
        size: match optional(size)? {
            Some(size) => Some(u32::try_from(size).ok().filter(|size| *size > 0)?),
            None => None,
        },
        total: optional(total)?,
        to_skip: number(to_skip)?,
        to_yield: optional(to_yield)?,
        scan: match scan {
            "f" => ScanDirection::Forward,
            "b" => ScanDirection::Backward,
            _ => return None,
        },
        key: match key {
            "" => None,
            key => Some(
                SortKey::ALL
                    .into_iter()
                    .find(|known| known.as_str() == key)?,
            ),
        },
        filter: match filter {
            "" => None,
            filter => Some(hexadecimal(filter)?),
        },
        partial: match partial {
            "c" => None,
            letter => Some(PartialReason::from_letter(letter)?),
        },
    })
}

fn hexadecimal(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u64::from_str_radix(digits, 16).ok())?
}

fn number(digits: &str) -> Option<u64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query() -> Query {
        Query::new().filter(Filter::name("x"))
    }

    prop_compose! {
        fn any_cursor()(
            provider in ".{1,8}",
            account in ".{0,8}",
            position in prop_oneof![
                Just(PagePosition::First),
                (0..=LAST_PAGE).prop_map(PagePosition::Number),
                ".{0,8}".prop_map(PagePosition::Token),
            ],
            after in proptest::option::of(".{1,8}".prop_map(TokenId::new)),
            size in proptest::option::of(1u32..),
            total in proptest::option::of(any::<u64>()),
            to_skip in any::<u64>(),
            to_yield in proptest::option::of(any::<u64>()),
            scan in prop_oneof![Just(ScanDirection::Forward), Just(ScanDirection::Backward)],
            key in proptest::option::of(proptest::sample::select(SortKey::ALL.to_vec())),
            filter in proptest::option::of(any::<u64>()),
            partial in prop_oneof![Just(None), Just(Some(PartialReason::UnexpectedOrder))],
        ) -> Cursor {
            let query = fingerprint(&query());
            Cursor {
                provider, account, query, position, after, size, total, to_skip, to_yield, scan,
                key, filter, partial,
            }
        }
    }

    proptest! {
        #[test]
        fn a_cursor_is_parsed_from_its_text_and_belongs_to_its_query(cursor in any_cursor()) {
            let account = Account::new(&cursor.provider, &cursor.account);
            let read: Cursor = cursor.to_string().parse().unwrap();
            prop_assert_eq!(&read, &cursor);
            prop_assert!(read.check(&account, &query()).is_ok());
            let error = read.check(&account, &Query::new()).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::InvalidCursor);
        }

        #[test]
        fn a_damaged_cursor_is_parsed_or_rejected_without_a_panic(
            cursor in any_cursor(),
            at in any::<proptest::sample::Index>(),
            damage in ".{0,3}",
        ) {
            let text: Vec<char> = cursor.to_string().chars().collect();
            let at = at.index(text.len());
            let (before, after) = (text[..at].iter().copied(), text[at + 1..].iter().copied());
            let damaged: String = before.chain(damage.chars()).chain(after).collect();
            if let Ok(read) = damaged.parse::<Cursor>() {
                prop_assert_eq!(read.to_string().parse::<Cursor>().unwrap(), read);
            }
        }
    }

    #[test]
    fn page_numbers_beyond_all_platforms_are_rejected() {
        let text = "tf1.losant.iot.0000000000000000.n18446744073709551615.10.20.0..fc..id.";
        assert!(text.parse::<Cursor>().is_err());
        assert!(
            text.replace("18446744073709551615", "7")
                .parse::<Cursor>()
                .is_ok()
        );
        assert!(
            text.replace("n18446744073709551615", "n+7")
                .parse::<Cursor>()
                .is_err()
        );
    }
}
