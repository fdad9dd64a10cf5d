//! The work before anything is sent.

use std::hint::black_box;

use tokenfleet::losant::capabilities;
use tokenfleet::{Cursor, Direction, Filter, Plan, Query, SortKey};

use super::{Amount, Micro, Prepare};

const FILTER: &str =
    "state = active and (last_used < 2026-01-01T00:00:00Z or last_used is never) and name ^= ci-";

const CURSOR: &str = "tf2.0123456789abcdef.0123456789abcdef.n41.100.4200.0.10.bc...575ec7417ae143cd83dc4a95.ae06bc2ae39d5597";

pub(super) const ALL: [(&str, Prepare); 3] = [
    ("plan a query", |_| plan()),
    ("read a filter", |_| filter()),
    ("write and read a cursor", |_| cursor()),
];

fn plan() -> Micro {
    let list = capabilities().list.expect("Losant lists");
    let filter: Filter = FILTER.parse().expect("a valid filter");
    let query = Query::new()
        .filter(filter)
        .sort_by(SortKey::Created, Direction::Ascending)
        .limit(10);
    Micro::new(Amount::Times(1), move || {
        black_box(Plan::for_query(&query, &list)).expect("the query can be planned");
    })
}

fn filter() -> Micro {
    Micro::new(Amount::Times(1), || {
        black_box(black_box(FILTER).parse::<Filter>()).expect("a valid filter");
    })
}

fn cursor() -> Micro {
    let cursor: Cursor = CURSOR.parse().expect("a valid cursor");
    Micro::new(Amount::Times(1), move || {
        let text = black_box(&cursor).to_string();
        black_box(text.parse::<Cursor>()).expect("a printed cursor is valid");
    })
}
