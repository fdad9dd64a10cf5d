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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::listing::fake_pages::{appending, vanishing};
    use crate::provider::FilterCapability;

    fn account() -> Account {
        Account::new("losant", "iot")
    }

    fn query() -> Query {
        Query::new().filter(Filter::name("x"))
    }

    prop_compose! {
        fn any_cursor()(
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
            descending in proptest::option::of(any::<bool>()),
            filter in proptest::option::of(any::<u64>()),
            partial in prop_oneof![Just(None), Just(Some(PartialReason::UnexpectedOrder))],
        ) -> Cursor {
            let (account, query) = (fingerprint_of_account(&account()), fingerprint(&query()));
            let directions = [Direction::Ascending, Direction::Descending];
            let descending = key.and(descending);
            let direction = descending.map(|descending| directions[usize::from(descending)]);
            Cursor {
                account, query, position, after, size, total, to_skip, to_yield, scan, key,
                direction, filter, partial,
            }
        }
    }

    /// Returns a cursor of these fields, with the check that belongs to them.
    fn with_check(fields: &str) -> Result<Cursor> {
        format!("{fields}.{}", check_of(fields)).parse()
    }

    proptest! {
        #[test]
        fn a_cursor_is_parsed_from_its_text_and_belongs_to_its_query(cursor in any_cursor()) {
            let read: Cursor = cursor.to_string().parse().unwrap();
            prop_assert_eq!(&read, &cursor);
            prop_assert!(read.check(&account(), &query()).is_ok());
            let error = read.check(&account(), &Query::new()).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::InvalidCursor);
        }

        #[test]
        fn a_cursor_that_was_cut_short_or_edited_is_rejected(
            cursor in any_cursor(),
            other in any::<char>(),
        ) {
            let text: Vec<char> = cursor.to_string().chars().collect();
            let refused = |damaged: &[&[char]]| {
                let damaged: String = damaged.concat().into_iter().collect();
                damaged.parse::<Cursor>().is_err()
            };
            for (at, character) in text.iter().enumerate() {
                let (before, after) = (&text[..at], &text[at + 1..]);
                prop_assert!(refused(&[before]), "cut at {at}");
                prop_assert!(refused(&[before, after]), "without {at}");
                for edit in [other, '0', '1', 'f', '.', character.to_ascii_uppercase()] {
                    prop_assert!(edit == *character || refused(&[before, &[edit], after]));
                    prop_assert!(refused(&[before, &[edit], &text[at..]]), "{edit} before {at}");
                }
            }
            prop_assert!(refused(&[&text, &[other]]));
        }

        #[test]
        fn anything_with_a_check_is_parsed_or_rejected_without_a_panic(
            cursor in any_cursor(),
            at in any::<proptest::sample::Index>(),
            damage in ".{0,3}",
        ) {
            let text: Vec<char> = cursor.to_string().chars().collect();
            let at = at.index(text.len());
            let (before, after) = (text[..at].iter().copied(), text[at + 1..].iter().copied());
            let damaged: String = before.chain(damage.chars()).chain(after).collect();
            let fields = damaged.rsplit_once('.').map_or("", |(fields, _)| fields);
            if let Ok(read) = with_check(fields) {
                prop_assert_eq!(read.to_string().parse::<Cursor>().unwrap(), read);
            }
        }
    }

    #[test]
    fn numbers_that_no_listing_has_are_rejected() {
        const FIELDS: &str = "tf2.0000000000000001.0000000000000002.n7.10.20.0..fc..id.";
        let read = with_check(FIELDS).unwrap();
        assert_eq!(read.position, PagePosition::Number(7));
        assert_eq!((read.account, read.query), (1, 2));
        assert_eq!((read.key, read.direction), (Some(SortKey::Id), None));
        for (part, damaged) in [
            ("tf2", "tf1"),
            ("n7", "n18446744073709551615"),
            ("n7", "n+7"),
            ("n7", "n"),
            ("n7", "x7"),
            ("n7", "f7"),
            (".10.", ".0."),
            (".10.", ".+10."),
            (".10.", ".4294967296."),
            (".0..fc", "...fc"),
            (".fc.", ".xc."),
            (".fc.", ".fx."),
            ("0001.", "000g."),
            ("0001.", "+001."),
            (".id.", ".it."),
            (".id.", ".id:."),
            (".id.", ".id:up."),
            (".id.", ".:asc."),
        ] {
            let damaged = FIELDS.replacen(part, damaged, 1);
            assert!(with_check(&damaged).is_err(), "{damaged}");
        }
        let last = FIELDS.replace("n7", &format!("n{LAST_PAGE}"));
        assert!(with_check(&last).is_ok());
        let beyond = FIELDS.replace("n7", &format!("n{}", LAST_PAGE + 1));
        assert!(with_check(&beyond).is_err());
    }

    #[test]
    fn a_cursor_is_rejected_with_another_account_or_query() {
        let queries = [
            Query::new(),
            query(),
            Query::new().filter(Filter::name("y")),
            Query::new().offset(1),
            Query::new().limit(1),
            Query::new().sort_by(SortKey::Name, Direction::Ascending),
            Query::new().sort_by(SortKey::Name, Direction::Descending),
        ];
        let others = [
            Account::new("losant", "other"),
            Account::new("foreman", "iot"),
            Account::new("losan", "tiot"),
            account().with_place("https://staging.example.com"),
        ];
        for (at, query) in queries.iter().enumerate() {
            let plan = Plan::for_query(query, &appending()).unwrap();
            let cursor = Cursor::new(&account(), query, &plan);
            for (other_at, other) in queries.iter().enumerate() {
                assert_eq!(cursor.check(&account(), other).is_ok(), at == other_at);
            }
            for other in &others {
                let error = cursor.check(other, query).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidCursor);
                assert!(error.to_string().contains("another account"), "{error}");
            }
        }
    }

    #[test]
    fn a_cursor_holds_what_its_plan_and_place_say() {
        let filters = FilterCapability::for_names().with_immutable_matches();
        let list = vanishing().with_filters(filters);
        let of = |name: &str| {
            let query = Query::new().filter(Filter::name(name)).offset(3).limit(4);
            let plan = Plan::for_query(&query, &list).unwrap();
            Cursor::new(&account(), &query, &plan)
        };
        let cursor = of("x");
        assert_eq!(cursor.scan, ScanDirection::Backward);
        assert_eq!(cursor.key, Some(SortKey::Id));
        assert_eq!((cursor.to_skip, cursor.to_yield), (3, Some(4)));
        assert_eq!(
            cursor.filter,
            Some(fingerprint_of_filter(&Filter::name("x")))
        );
        assert_ne!(cursor.filter, of("y").filter);
        let place = || Place {
            position: PagePosition::Number(7),
            after: Some(TokenId::new("8")),
            size: Some(9),
            total: Some(10),
            filter: None,
            partial: Some(PartialReason::UnexpectedOrder),
        };
        let moved = cursor.at(place()).with_remaining(1, None);
        let Place {
            position,
            after,
            size,
            total,
            filter,
            partial,
        } = place();
        assert_eq!((&moved.position, &moved.after), (&position, &after));
        assert_eq!(
            (moved.size, moved.total, moved.filter),
            (size, total, filter)
        );
        assert_eq!(moved.partial, partial);
        assert_eq!((moved.to_skip, moved.to_yield), (1, None));
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_process() {
        // The published values of FNV-1a.
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
