//! The position in a listing, as a string to resume from.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::error::{Account, Error, ErrorKind, Fate, Result};
use crate::listing::{PartialReason, Plan, ScanDirection};
use crate::model::TokenId;
use crate::provider::LAST_PAGE;
use crate::provider::PagePosition;
use crate::query::{Direction, Filter, Query, SortBy, SortKey};

const VERSION: &str = "tf2";

/// A position in a listing, as a string that can be stored and resumed from, even in another
/// process.
///
/// It belongs to an account and a query and is rejected with any other. It ends in a check, so that
/// one that was cut short or edited is rejected too. It holds no secret, only the id of a token. It
/// points at the page being consumed, so a resumed listing may repeat tokens of that page but never
/// skips one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The fingerprint of the account.
    account: u64,
    /// The fingerprint of the query.
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
    /// The direction of that key; `None` if an older version took the cursor.
    pub(crate) direction: Option<Direction>,
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
            account: fingerprint_of_account(account),
            query: fingerprint(query),
            position: PagePosition::First,
            after: None,
            size: None,
            total: None,
            to_skip: query.offset,
            to_yield: query.limit,
            scan: plan.scan,
            key: plan.pushed_order.map(|order| order.key),
            direction: plan.pushed_order.map(|order| order.direction),
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
        let message = if self.account != fingerprint_of_account(account) {
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

/// Hashes what tells an account from every other.
fn fingerprint_of_account(account: &Account) -> u64 {
    let (provider, name, place) = (account.provider(), account.name(), account.place());
    hash(&format!("{provider:?} {name:?} {place:?}"))
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
        let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
        let hexadecimal = |number: u64| format!("{number:016x}");
        let fields = [
            VERSION.to_owned(),
            hexadecimal(self.account),
            hexadecimal(self.query),
            match &self.position {
                PagePosition::First => "f".to_owned(),
                PagePosition::Number(number) => format!("n{number}"),
                PagePosition::Token(token) => format!("t{}", encode(token)),
            },
            number(self.size.map(u64::from)),
            number(self.total),
            self.to_skip.to_string(),
            number(self.to_yield),
            format!(
                "{}{}",
                match self.scan {
                    ScanDirection::Forward => 'f',
                    ScanDirection::Backward => 'b',
                },
                self.partial.as_ref().map_or('c', PartialReason::letter),
            ),
            self.filter.map(hexadecimal).unwrap_or_default(),
            format!(
                "{}{}",
                self.key.map_or("", SortKey::as_str),
                match self.direction {
                    None => "",
                    Some(Direction::Ascending) => ":asc",
                    Some(Direction::Descending) => ":desc",
                }
            ),
            encode(self.after.as_ref().map_or("", TokenId::as_str)).to_string(),
        ];
        let text = fields.join(".");
        write!(f, "{text}.{}", check_of(&text))
    }
}

/// Returns the check at the end of a cursor, which no part or edit of its text bears.
fn check_of(text: &str) -> String {
    format!("{:016x}", hash(text))
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
    let (text, _) = (text.rsplit_once('.')).filter(|(text, check)| *check == check_of(text))?;
    let fields: [&str; 12] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
    let [
        version,
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
    let (key, direction) = match key.split_once(':') {
        None => (key, None),
        Some(("", _)) => return None,
        Some((key, "asc")) => (key, Some(Direction::Ascending)),
        Some((key, "desc")) => (key, Some(Direction::Descending)),
        Some(_) => return None,
    };
    let (scan, partial) = (scan_and_claim.get(..1)?, scan_and_claim.get(1..)?);
    Some(Cursor {
        account: hexadecimal(account)?,
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
        direction,
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
mod tests;
