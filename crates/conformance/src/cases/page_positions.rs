//! Laws 3 and 4: the positions of pages that name the next one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokenfleet_core::adapter::{Page, PagePosition};
use tokenfleet_core::capability::{Paging, TokenField};
use tokenfleet_core::query::NamePattern;
use tokenfleet_core::{
    Capabilities, Completeness, Cursor, Filter, Query, Secret, TokenId, TokenProvider,
    TokenProviderExt, TokenState, UpdateToken,
};

use super::listing::has_too_many_new;
use super::preconditions::lists;
use crate::case::case;
use crate::case_result::{CaseResult, ensure, expect_ok, not_applicable};
use crate::harness::{Harness, collect_ids, format_ids, ids_of};
use crate::{Case, Decision, Fault, InsertedToken};

const GROUP: &str = "page positions";

pub(super) const CASES: &[Case] = &[
    case! {
        law 3: "a snapshot shows no token that was created or deleted after its first page",
        when: |declared| has_paging(declared, Paging::Snapshot, "it lists no snapshot"),
        run: snapshot,
        killed_by: [
            DeclaresSnapshot on keyset,
            DeclaresSnapshot on keyset_newest_first,
            DeclaresSnapshot on read_only,
        ],
    },
    case! {
        law 3: "deletions and creations move no token between the pages of a keyset",
        when: has_keyset,
        run: changes,
        killed_by: [
            PagesByOffset on keyset,
            PagesByOffset on keyset_newest_first,
            PagesByOffsetIfFiltered on keyset,
        ],
    },
    case! {
        law 3: "neither an update nor a use moves a token between the pages of a keyset",
        when: updates_keyset,
        run: updates,
        killed_by: [PagesByUpdate on keyset, PagesByUse on keyset_with_uses],
    },
    case! {
        law 4: "a keyset gives every page a position of its own, which stays what it is",
        when: has_keyset,
        run: positions,
        killed_by: [
            PositionStandsStill on keyset,
            PositionsCycle on keyset,
            RemembersItsPosition on keyset_newest_first,
        ],
    },
    case! {
        law 4: "a listing begins anew if the platform has forgotten its position",
        when: |declared| {
            let names_pages = lists(declared) == Decision::Run && !is(declared, Paging::Numbered);
            Decision::run_if(names_pages, "its pages do not name the next one")
        },
        run: forgotten_position,
        killed_by: [
            ReportsForgottenPositionAsEnd on keyset,
            ReportsForgottenPositionAsInvalid on keyset_newest_first,
        ],
    },
];

fn is(declared: &Capabilities, paging: Paging) -> bool {
    declared
        .list
        .as_ref()
        .is_some_and(|list| list.paging == paging)
}

fn has_paging(declared: &Capabilities, paging: Paging, otherwise: &'static str) -> Decision {
    Decision::run_if(is(declared, paging), otherwise)
}

fn has_keyset(declared: &Capabilities) -> Decision {
    has_paging(declared, Paging::Keyset, "it lists no keyset")
}

fn updates_keyset(declared: &Capabilities) -> Decision {
    Decision::run_if(
        is(declared, Paging::Keyset) && (can_update(declared) || reports_uses(declared)),
        "it lists no keyset of tokens that can be updated, or whose use is reported",
    )
}

fn can_update(declared: &Capabilities) -> bool {
    let update = declared.update.as_ref();
    update.is_some_and(|update| update.name || update.description)
}

fn reports_uses(declared: &Capabilities) -> bool {
    declared.reported_fields.contains(&TokenField::LastUsed)
}

/// Pages that are read one by one, so that changes fall between them.
struct PagesOfTwo<'a> {
    harness: &'a Harness,
    filter: Option<Filter>,
    next: Option<PagePosition>,
    shown: Vec<TokenId>,
    /// The tokens that were seeded for these pages, and may be deleted or updated.
    own: BTreeSet<TokenId>,
    /// The secrets of these tokens, as far as the fixture knows them.
    secrets: BTreeMap<TokenId, Secret>,
    /// The number of pages after which they would be endless.
    left: usize,
}

impl<'a> PagesOfTwo<'a> {
    /// Seeds tokens, and waits before their first page.
    async fn seeded(harness: &'a Harness, count: usize) -> CaseResult<Self> {
        let own = harness.seed_exactly("paged", count).await?;
        let ids = own.iter().map(|token| token.id.clone()).collect();
        let secret = |token: InsertedToken| Some((token.id, token.secret?));
        Ok(Self {
            own: ids,
            secrets: own.into_iter().filter_map(secret).collect(),
            harness,
            filter: None,
            next: Some(PagePosition::First),
            shown: Vec::new(),
            left: 2 * harness.token_count().await + 20,
        })
    }

    /// Reads the next page, and returns whether more follow.
    async fn read(&mut self) -> CaseResult<bool> {
        let Some(position) = self.next.take() else {
            return Ok(false);
        };
        self.left -= 1;
        let ends = "the pages come to an end";
        ensure(self.left > 0, ends, "there are still more")?;
        let request = self.harness.first_page().size(self.harness.page_size(2));
        let mut request = request.position(position);
        request.filter.clone_from(&self.filter);
        let page = self.harness.page(request, "a page is read").await?;
        self.shown.extend(ids_of(&page.tokens));
        self.next = page.next;
        Ok(self.next.is_some())
    }

    /// Returns a seeded token that was not shown yet.
    fn not_shown(&self) -> Option<TokenId> {
        let mut own = self.own.iter();
        own.find(|id| !self.shown.contains(id)).cloned()
    }

    /// Returns the seeded tokens that were shown, in their order.
    fn own_shown(&self) -> impl DoubleEndedIterator<Item = &TokenId> {
        self.shown.iter().filter(|id| self.own.contains(*id))
    }

    /// Deletes a seeded token, if that is possible here, and returns whether it did.
    async fn delete(&mut self, id: Option<TokenId>) -> Option<TokenId> {
        let id = id?;
        self.own.remove(&id);
        self.harness.fixture().remove(&id).await.then_some(id)
    }

    /// Expects every lasting token to have been shown, and none twice.
    fn expect_shown_once(&self, lasting: &BTreeSet<TokenId>, expected: &str) -> CaseResult {
        let distinct: BTreeSet<_> = self.shown.iter().cloned().collect();
        ensure(
            distinct.len() == self.shown.len() && lasting.is_subset(&distinct),
            expected,
            format!(
                "the pages hold {}, and lack {}",
                format_ids(&self.shown),
                format_ids(lasting.difference(&distinct)),
            ),
        )
    }
}

async fn snapshot(harness: &Harness) -> CaseResult {
    let mut pages = PagesOfTwo::seeded(harness, 7).await?;
    let before = harness.existing_ids().await;
    if !pages.read().await? {
        return not_applicable("it sends all tokens at once");
    }
    let mut changes = 0;
    loop {
        if changes < 3 {
            changes += 1;
            pages.delete(pages.not_shown()).await;
            let name = format!("created-{changes}");
            harness.insert(harness.spec(&name)).await;
        }
        if !pages.read().await? {
            break;
        }
    }
    let expected = "the pages of a snapshot hold the tokens of the moment of its first page";
    pages.expect_shown_once(&before, expected)?;
    let shown: BTreeSet<_> = pages.shown.iter().cloned().collect();
    ensure(
        shown == before,
        expected,
        format!("they also hold {}", format_ids(shown.difference(&before))),
    )
}

/// Returns a filter that the platform applies and that matches every token seeded for pages.
fn declared_filter(harness: &Harness) -> Option<Filter> {
    let list = harness.capabilities().list.as_ref()?;
    let mut filters = [
        Filter::Name(NamePattern::Prefix("paged".to_owned())),
        Filter::name_glob("paged*"),
        Filter::State(TokenState::Active),
    ]
    .into_iter();
    filters.find(|filter| list.filters.covers(filter))
}

async fn changes(harness: &Harness) -> CaseResult {
    // In each round other tokens are deleted: those at the position, those before it, and others.
    // A platform may page what it filters by other means.
    let filter = declared_filter(harness);
    let filtered = filter.as_ref().map(|filter| (1, Some(filter)));
    for (round, filter) in [(0, None), (1, None), (2, None)]
        .into_iter()
        .chain(filtered)
    {
        let earlier = harness.existing_ids().await;
        let mut pages = PagesOfTwo::seeded(harness, 8).await?;
        pages.filter = filter.cloned();
        let mut lasting = harness.existing_ids().await;
        let mut changes = 0;
        while pages.read().await? {
            changes += 1;
            if changes > 4 {
                continue;
            }
            let deleted = match round {
                0 => pages.own_shown().next_back().cloned(),
                1 => pages.own_shown().next().cloned(),
                _ => pages.not_shown(),
            };
            if let Some(id) = pages.delete(deleted).await {
                lasting.remove(&id);
            }
            let name = format!("paged-created-{round}-{changes}");
            harness.insert(harness.spec(&name)).await;
        }
        if filter.is_some() {
            // Not every other token matches.
            lasting.retain(|id| pages.own.contains(id));
        }
        pages.expect_shown_once(
            &lasting,
            "the pages of a keyset hold every token that existed throughout, and none twice",
        )?;
        for id in harness.existing_ids().await.difference(&earlier) {
            harness.fixture().remove(id).await;
        }
    }
    Ok(())
}

async fn updates(harness: &Harness) -> CaseResult {
    let mut pages = PagesOfTwo::seeded(harness, 8).await?;
    let existing = harness.existing_ids().await;
    let declared = harness.capabilities();
    let by_name = (declared.update.as_ref()).is_some_and(|update| update.name);
    let mut updates = 0;
    while pages.read().await? {
        updates += 1;
        let last = pages.own_shown().next_back().cloned();
        for id in [pages.not_shown(), last].into_iter().flatten() {
            // An order by the time of the update would tell them apart by the second.
            harness.fixture().advance(Duration::from_secs(2)).await;
            if reports_uses(declared) {
                use_token(harness, pages.secrets.get(&id)).await?;
            }
            if !can_update(declared) {
                continue;
            }
            let text = format!("updated-{updates}-{id}");
            let change = if by_name {
                UpdateToken::rename(text)
            } else {
                UpdateToken::default().with_description(text)
            };
            let updated = harness.provider().update(&id, change).await;
            expect_ok(updated, "a token is updated between two pages")?;
        }
    }
    let expected =
        "the pages of a keyset hold every token once, although some were updated or used";
    pages.expect_shown_once(&existing, expected)
}

/// Uses a token, which may change the time of its last use.
async fn use_token(harness: &Harness, secret: Option<&Secret>) -> CaseResult {
    match secret {
        None => harness.left_out("the use of a token: the fixture does not know its secret"),
        Some(secret) if harness.capabilities().verify => {
            let verified = harness.provider().verify(secret).await;
            expect_ok(verified, "a token is verified between two pages")?;
        }
        // On a real server, this uses the token.
        Some(secret) => {
            harness.fixture().accepts(secret).await;
        }
    }
    Ok(())
}

async fn positions(harness: &Harness) -> CaseResult {
    harness.seed_several_pages("paged", 7).await?;
    let expected = "every page has a position of its own";
    let read = async |position: &PagePosition| -> CaseResult<Page> {
        let request = harness.first_page().size(harness.page_size(2));
        let request = request.position(position.clone());
        harness.page(request, "a page is read").await
    };
    let mut pages: Vec<(PagePosition, Vec<TokenId>)> = Vec::new();
    let mut next = Some(PagePosition::First);
    while let Some(position) = next.take() {
        let again = pages.iter().any(|(earlier, _)| *earlier == position);
        ensure(
            !again,
            expected,
            "a page names one as the next that was read before",
        )?;
        let page = read(&position).await?;
        pages.push((position, ids_of(&page.tokens)));
        next = page.next;
    }
    for (position, ids) in pages.iter().rev() {
        let again = ids_of(&read(position).await?.tokens);
        ensure(
            again == *ids,
            "a position stands for the same tokens whenever it is requested",
            format!(
                "it held {} and then {}",
                format_ids(ids),
                format_ids(&again)
            ),
        )?;
    }
    Ok(())
}

async fn forgotten_position(harness: &Harness) -> CaseResult {
    harness.seed_several_pages("paged", 7).await?;
    let existing = harness.existing_ids().await;
    let size = harness.page_size(2);
    let request = harness.first_page().size(size);
    let first = harness.page(request, "the first page is read").await?;
    if first.next.is_none() {
        return not_applicable("it sends all tokens at once");
    }
    let query = Query::new().page_size(size);
    // Not every platform serves the size that it is asked for.
    let size = first.tokens.len();
    let expected = "a listing whose position is forgotten begins anew, and repeats nothing";
    let mut listing = harness.start_listing(query.clone())?;
    let mut listed = collect_ids(&mut listing, size, expected).await?;
    let cursor = {
        let mut longer = harness.start_listing(query.clone())?;
        collect_ids(&mut longer, size + 1, expected).await?;
        longer.cursor().to_string()
    };
    harness.inject(Fault::ForgetPosition).await?;
    listed.extend(collect_ids(&mut listing, 3 * existing.len(), expected).await?);
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    ensure(
        distinct == existing && listed.len() == distinct.len(),
        expected,
        format!(
            "it lists {} of {}",
            format_ids(&listed),
            format_ids(&existing)
        ),
    )?;
    let completeness = listing.completeness();
    let is_complete = (completeness.as_ref()).is_some_and(Completeness::is_complete_as_shown);
    let as_promised = is_complete == listing.plan().is_complete()
        || has_too_many_new(harness, completeness.as_ref()).await;
    ensure(
        as_promised,
        "it is as complete as its plan promises",
        format!("it reports {completeness:?}"),
    )?;
    let declared = harness.provider().capabilities();
    let is_ordered =
        (declared.list.iter()).any(|list| list.orders.iter().any(|order| order.stable));
    if is(declared, Paging::Snapshot) && !is_ordered {
        // A new snapshot may have another order, in which nothing tells what was listed before.
        return Ok(());
    }
    let expected = "a listing that is resumed at a forgotten position finds its place again";
    let cursor: Cursor = expect_ok(cursor.parse(), "a cursor can be parsed from its text")?;
    harness.inject(Fault::ForgetPosition).await?;
    let resumed = harness.provider().list(query);
    let resumed = resumed.and_then(|listing| listing.resume(&cursor));
    let mut resumed = expect_ok(resumed, "a listing resumes from its cursor")?;
    let rest = collect_ids(&mut resumed, 3 * existing.len(), expected).await?;
    ensure(
        listed.get(size..) == Some(&*rest),
        expected,
        format!("of {} it lists {}", format_ids(&listed), format_ids(&rest)),
    )
}
