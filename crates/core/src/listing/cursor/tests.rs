//! Cursors: their text, and what they refuse.

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
