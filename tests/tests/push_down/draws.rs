//! What the tests draw: names, tokens, platforms, queries.

use std::collections::HashSet;
use std::fmt;

use proptest::bool::weighted;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use tokenfleet_conformance::MemoryProfile;
use tokenfleet_core::capability::{
    FilterCapability, ListCapability, OrderCapability, Paging, TokenField,
};
use tokenfleet_core::model::Principal;
use tokenfleet_core::query::{OwnerPredicate, SortBy, TimePredicate};
use tokenfleet_core::{
    Capabilities, Direction, Fact, Filter, Query, SortKey, Timestamp, Token, TokenId, TokenState,
};

pub(crate) const STATES: [TokenState; 5] = [
    TokenState::Active,
    TokenState::Suspended,
    TokenState::Revoked,
    TokenState::Expired,
    TokenState::Unknown,
];

/// Names that collide, differ in case alone, or mean something to a query language, a database or a URL.
const NAMES: [&str; 40] = [
    "ci",
    "CI",
    "Ci",
    "ci-1",
    "ci-10",
    "ci*",
    "*",
    "a%b",
    "a_b",
    "aXb",
    "100%",
    "_",
    "%",
    "say \"ci\"",
    "it's",
    "back\\slash",
    "\\",
    "and",
    "or",
    "not",
    "has",
    "null?",
    "ci and not or",
    "(x)",
    "a,b",
    "a;b",
    "name = ci",
    "^x",
    "!ci",
    "~",
    "naïve",
    "NAÏVE",
    "ß",
    "SS",
    "İ",
    "ключ",
    "КЛЮЧ",
    "日本",
    "🔑",
    "e\u{301}",
];

/// Names that people get past a form, or do not.
const BLANK: [&str; 7] = [
    "",
    " ",
    " ci",
    "ci ",
    "two  words",
    "line\nbreak",
    "tab\there",
];

pub(crate) fn name() -> impl Strategy<Value = String> {
    let known = || prop_oneof![6 => select(&NAMES[..]), 1 => select(&BLANK[..])];
    prop_oneof![
        8 => known().prop_map(str::to_owned),
        2 => (known(), known()).prop_map(|(first, second)| format!("{first}{second}")),
        1 => "[^\u{0}]{0,6}",
    ]
}

/// Beginnings of names around `*`, or a name in which one stands for a part.
fn pattern(names: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let piece = (names.clone(), 0usize..4);
    let piece = piece.prop_map(|(name, length)| name.chars().take(length).collect());
    let partly = (names, 0usize..8, 0usize..4).prop_map(|(name, at, length)| {
        let before = name.chars().take(at);
        let after = name.chars().skip(at + length);
        before.chain(['*']).chain(after).collect()
    });
    prop_oneof![
        vec(piece, 1..4).prop_map(|pieces: Vec<String>| pieces.join("*")),
        partly,
    ]
}

/// Few enough to be shared.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    (0i64..8).prop_map(at_day)
}

/// That many days after a certain one.
pub(crate) fn at_day(day: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_770_000_000 + day * 86_400).unwrap()
}

fn fact<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Fact<T>> {
    prop_oneof![
        4 => value.prop_map(Fact::Known),
        1 => Just(Fact::Absent),
        1 => Just(Fact::NotReported),
    ]
}

const PEOPLE: [&str; 5] = ["1", "2", "alice", "Alice", "bob"];

fn principal() -> impl Strategy<Value = Principal> {
    let named = option::of(select(&PEOPLE[..]));
    (select(&PEOPLE[..]), named)
        .prop_map(|(id, name)| Principal::new(id).with_name(name.map(str::to_owned)))
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![8 => (1u32..400).prop_map(|id| id.to_string()), 1 => "[a-cA]{1,3}"]
}

fn tokens() -> impl Strategy<Value = Vec<Token>> {
    let times = || (fact(time()), fact(time()), fact(time()), fact(time()));
    let token = || {
        (
            fact(name()),
            select(&STATES[..]),
            times(),
            fact(principal()),
        )
    };
    let all = prop_oneof![
        1 => btree_map(id(), token(), 0..6),
        3 => btree_map(id(), token(), 0..61),
    ];
    (all, any::<bool>()).prop_map(|(all, unique_names)| {
        let read = |(id, (name, state, times, owner)): (String, (Fact<String>, _, _, _))| {
            let mut token = Token::new(TokenId::new(id.as_str()), state);
            token.name = match unique_names {
                true => Fact::Known(format!("{} {id}", name.known().map_or("", String::as_str))),
                false => name,
            };
            (
                token.created_at,
                token.updated_at,
                token.expiry,
                token.last_used,
            ) = times;
            token.owner = owner;
            token
        };
        all.into_iter().map(read).collect()
    })
}

/// A platform in memory that rests.
#[derive(Clone)]
pub(crate) struct Drawn {
    pub(crate) list: ListCapability,
    pub(crate) tokens: Vec<Token>,
}

impl Drawn {
    pub(crate) fn profile(&self) -> MemoryProfile {
        let capabilities = Capabilities::none().with_list(self.list.clone());
        MemoryProfile::new("drawn", capabilities.with_reported_fields(TokenField::ALL))
    }
}

/// A line for each token.
impl fmt::Debug for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.list)?;
        self.tokens.iter().try_for_each(|token| {
            let (id, name, state) = (&token.id, &token.name, token.state);
            let times = (
                token.created_at,
                token.updated_at,
                token.expiry,
                token.last_used,
            );
            writeln!(f, "{id} {name:?} {state:?} {times:?} {:?}", token.owner)
        })
    }
}

/// A platform that declares no more than is true of its tokens.
pub(crate) fn platform() -> impl Strategy<Value = Drawn> {
    let paging = prop_oneof![
        3 => Just(Paging::Numbered),
        1 => Just(Paging::Snapshot),
        1 => Just(Paging::Sequential),
    ];
    let sizes = (option::of(1u32..80), option::of(1u32..80));
    let order = (weighted(0.7), weighted(0.7), any::<bool>());
    let orders = vec(option::weighted(0.7, order), SortKey::ALL.len());
    let states = subsequence(STATES.to_vec(), 0..=STATES.len());
    let flags = any::<[bool; 6]>();
    (tokens(), paging, sizes, orders, states, flags).prop_map(
        |(tokens, paging, (largest, usual), orders, states, flags)| {
            let [totals, vanish, name_exact, name_pattern, combined, settled] = flags;
            let mut list = ListCapability::new(paging);
            (list.totals, list.tokens_vanish) = (totals, vanish);
            list.max_page_size = largest;
            list.default_page_size = usual.map(|usual| usual.min(largest.unwrap_or(usual)));
            for (key, order) in SortKey::ALL.into_iter().zip(orders) {
                let Some((exact, stable, appends)) = order else {
                    continue;
                };
                let mut order = OrderCapability::new(key);
                order.exact = exact;
                order.stable = stable && tells_all_apart(key, &tokens);
                order.appends = appends;
                list = list.with_order(order);
            }
            let mut filters = FilterCapability::default().with_states(states);
            (filters.name_exact, filters.name_pattern) = (name_exact, name_pattern);
            (filters.combinations, filters.immutable_matches) = (combined, settled);
            let list = list.with_filters(filters);
            Drawn { list, tokens }
        },
    )
}

fn tells_all_apart(key: SortKey, tokens: &[Token]) -> bool {
    let mut values = HashSet::new();
    tokens.iter().all(|token| {
        values.insert(match key {
            SortKey::Id => token.id.to_string(),
            SortKey::Name => format!("{:?}", token.name),
            SortKey::State => format!("{:?}", token.state),
            SortKey::Created => format!("{:?}", token.created_at),
            SortKey::Updated => format!("{:?}", token.updated_at),
            SortKey::Expiry => format!("{:?}", token.expiry),
            _ => format!("{:?}", token.last_used),
        })
    })
}

fn filter(names: BoxedStrategy<String>) -> impl Strategy<Value = Filter> {
    let when = || {
        prop_oneof![
            time().prop_map(TimePredicate::Before),
            time().prop_map(TimePredicate::From),
            Just(TimePredicate::Never),
            Just(TimePredicate::NotReported),
        ]
    };
    let owner = prop_oneof![
        3 => select(&PEOPLE[..]).prop_map(|text| OwnerPredicate::Is(text.to_owned())),
        1 => Just(OwnerPredicate::Absent),
        1 => Just(OwnerPredicate::NotReported),
    ];
    let condition = prop_oneof![
        2 => names.clone().prop_map(Filter::name),
        2 => pattern(names.clone()).prop_map(Filter::name_prefix),
        3 => pattern(names.clone()).prop_map(Filter::name_glob),
        3 => select(&STATES[..]).prop_map(Filter::State),
        1 => owner.prop_map(Filter::Owner),
        1 => when().prop_map(Filter::Created),
        1 => when().prop_map(Filter::Expiry),
        1 => when().prop_map(Filter::LastUsed),
    ];
    condition.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 0..4).prop_map(Filter::All),
            3 => vec(inner.clone(), 0..4).prop_map(Filter::Any),
            1 => inner.prop_map(|filter| !filter),
        ]
    })
}

pub(crate) fn sort_by() -> impl Strategy<Value = SortBy> {
    let direction = select(&[Direction::Ascending, Direction::Descending][..]);
    let key = prop_oneof![
        2 => select(&[SortKey::Id, SortKey::Name][..]),
        3 => select(&SortKey::ALL[..]),
    ];
    (key, direction, 0..4).prop_map(|(key, direction, absent)| {
        let sort = SortBy::new(key, direction);
        match absent {
            0 => sort.nulls_first(),
            1 => sort.nulls_last(),
            _ => sort,
        }
    })
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    query_naming(name().boxed())
}

/// Whose filters name these.
pub(crate) fn query_naming(names: BoxedStrategy<String>) -> impl Strategy<Value = Query> {
    let offset = prop_oneof![2 => Just(0), 1 => 0u64..70];
    let filter = option::weighted(0.7, filter(names));
    let limit = option::weighted(0.35, prop_oneof![0u64..12, 0u64..70]);
    let page_size = option::of(prop_oneof![1u32..10, 1u32..80]);
    let sort = prop_oneof![1 => Just(vec![]), 2 => vec(sort_by(), 1..4)];
    (filter, sort, offset, limit, page_size, 1u32..17).prop_map(
        |(filter, sort, offset, limit, page_size, max_concurrency)| {
            let mut query = Query::new().sort_by_keys(sort).offset(offset);
            (query.filter, query.limit, query.page_size) = (filter, limit, page_size);
            query.max_concurrency(max_concurrency)
        },
    )
}

/// With a page no larger than the platform takes.
pub(crate) fn fitting(mut query: Query, list: &ListCapability) -> Query {
    query.page_size = query.page_size.min(list.max_page_size.or(query.page_size));
    query
}
