//! Generators of names, tokens, platforms and queries.

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

/// Names that collide, differ only in case, or mean something to a query language, a database or a
/// URL.
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

/// Names with white space, which a form may or may not accept.
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

/// Generates prefixes of names joined by `*`, or a name of which `*` replaces a part.
fn pattern(names: BoxedStrategy<String>) -> impl Strategy<Value = String> {
    let piece = (names.clone(), 0usize..4);
    let piece = piece.prop_map(|(name, length)| name.chars().take(length).collect());
    let partial = (names, 0usize..8, 0usize..4).prop_map(|(name, at, length)| {
        let before = name.chars().take(at);
        let after = name.chars().skip(at + length);
        before.chain(['*']).chain(after).collect()
    });
    prop_oneof![
        vec(piece, 1..4).prop_map(|pieces: Vec<String>| pieces.join("*")),
        partial,
    ]
}

/// Generates one of a few times, so that tokens share them.
pub(crate) fn time() -> impl Strategy<Value = Timestamp> {
    (0i64..8).prop_map(at_day)
}

/// Returns the time that many days after a fixed one.
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
        let build = |(id, (name, state, times, owner)): (String, (Fact<String>, _, _, _))| {
            let mut token = Token::new(TokenId::new(id.as_str()), state);
            token.name = if unique_names {
                Fact::Known(format!("{} {id}", name.known().map_or("", String::as_str)))
            } else {
                name
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
        all.into_iter().map(build).collect()
    })
}

/// A generated platform in memory whose tokens do not change.
#[derive(Clone)]
pub(crate) struct GeneratedPlatform {
    pub(crate) list: ListCapability,
    pub(crate) tokens: Vec<Token>,
}

impl GeneratedPlatform {
    pub(crate) fn profile(&self) -> MemoryProfile {
        let capabilities = Capabilities::none().with_list(self.list.clone());
        MemoryProfile::new(
            "generated",
            capabilities.with_reported_fields(TokenField::ALL),
        )
    }
}

/// Prints a line for each token.
impl fmt::Debug for GeneratedPlatform {
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

/// Generates a platform whose declared capabilities are true of its tokens.
pub(crate) fn platform() -> impl Strategy<Value = GeneratedPlatform> {
    let paging = prop_oneof![
        3 => Just(Paging::Numbered),
        1 => Just(Paging::Snapshot),
        1 => Just(Paging::Keyset),
        1 => Just(Paging::Sequential),
    ];
    let sizes = (option::of(1u32..80), option::of(1u32..80));
    let direction = prop_oneof![
        3 => Just(None),
        1 => Just(Some(Direction::Ascending)),
        1 => Just(Some(Direction::Descending)),
    ];
    let order = (weighted(0.7), weighted(0.7), any::<bool>(), direction);
    let orders = vec(option::weighted(0.7, order), SortKey::ALL.len());
    let states = subsequence(STATES.to_vec(), 0..=STATES.len());
    let flags = any::<[bool; 6]>();
    (tokens(), paging, sizes, orders, states, flags).prop_map(
        |(tokens, paging, (max_size, default_size), orders, states, flags)| {
            let [
                totals,
                vanish,
                name_exact,
                name_pattern,
                combinations,
                immutable,
            ] = flags;
            let mut list = ListCapability::new(paging);
            (list.totals, list.tokens_vanish) = (totals, vanish);
            list.max_page_size = max_size;
            list.default_page_size = default_size.map(|size| size.min(max_size.unwrap_or(size)));
            for (key, order) in SortKey::ALL.into_iter().zip(orders) {
                let Some((exact, stable, appends, direction)) = order else {
                    continue;
                };
                let mut order = OrderCapability::new(key);
                order.exact = exact;
                order.stable = stable && is_unique(key, &tokens);
                (order.appends, order.direction) = (appends, direction);
                list = list.with_order(order);
            }
            let mut filters = FilterCapability::default().with_states(states);
            (filters.name_exact, filters.name_pattern) = (name_exact, name_pattern);
            (filters.combinations, filters.immutable_matches) = (combinations, immutable);
            let list = list.with_filters(filters);
            GeneratedPlatform { list, tokens }
        },
    )
}

fn is_unique(key: SortKey, tokens: &[Token]) -> bool {
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
    let time_predicate = || {
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
    let predicate = prop_oneof![
        2 => names.clone().prop_map(Filter::name),
        2 => pattern(names.clone()).prop_map(Filter::name_prefix),
        3 => pattern(names.clone()).prop_map(Filter::name_glob),
        3 => select(&STATES[..]).prop_map(Filter::State),
        1 => owner.prop_map(Filter::Owner),
        1 => time_predicate().prop_map(Filter::Created),
        1 => time_predicate().prop_map(Filter::Expiry),
        1 => time_predicate().prop_map(Filter::LastUsed),
        1 => time_predicate().prop_map(Filter::Updated),
        1 => id().prop_map(Filter::id),
        1 => Just(Filter::attribute("kind", "session")),
        1 => Just(Filter::scope("read")),
    ];
    predicate.prop_recursive(3, 12, 4, |inner| {
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
    (key, direction, 0..4).prop_map(|(key, direction, nulls)| {
        let sort = SortBy::new(key, direction);
        match nulls {
            0 => sort.nulls_first(),
            1 => sort.nulls_last(),
            _ => sort,
        }
    })
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    query_about(name().boxed())
}

/// Generates a query whose filters compare with these names.
pub(crate) fn query_about(names: BoxedStrategy<String>) -> impl Strategy<Value = Query> {
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

/// Returns the query with a page size that the platform accepts.
pub(crate) fn with_valid_page_size(mut query: Query, list: &ListCapability) -> Query {
    query.page_size = query.page_size.min(list.max_page_size.or(query.page_size));
    query
}
