//! Law 1: declared capabilities are consistent, and invalid arguments are refused.

use std::collections::BTreeSet;

use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::capability::{ArgumentSupport, Paging, TokenField};
use tokenfleet_core::{
    Capabilities, ErrorKind, RevocationEffect, Secret, TokenId, TokenProvider, UpdateToken,
};

use super::preconditions::{creates, lists};
use crate::case::case;
use crate::case_result::{CaseResult, ensure, not_applicable, require_tried};
use crate::harness::{Harness, STATES, full_consent};
use crate::refusal::{expect_refused, expect_refused_as};
use crate::{Case, Decision};

const GROUP: &str = "declarations";

pub(super) const CASES: &[Case] = &[
    case! {
        law 1: "declared capabilities do not contradict each other",
        when: |_| Decision::Run,
        run: consistent,
        killed_by: [
            ContradictoryPageSizes on deleting,
            DeclaresThatNoTokenVanishes on deleting,
            TellsTokensAloneUnread on cascading_logins,
        ],
    },
    case! {
        law 5: "the account names the place of its tokens",
        when: |_| Decision::Run,
        run: place,
        killed_by: [NamesNoPlace on deleting, NamesPlaceOnAnotherPort on deleting],
    },
    case! {
        law 1: "declared capabilities stay the same or grow",
        when: |_| Decision::Run,
        run: constant,
        killed_by: [ChangingCapabilities on retaining],
    },
    case! {
        law 9: "a field that is not declared is not reported",
        when: |_| Decision::Run,
        run: undeclared_fields,
        killed_by: [ReportsUndeclaredField on deleting],
    },
    case! {
        law 1: "an invalid argument is refused before any request",
        when: |_| Decision::Run,
        run: invalid_arguments,
        killed_by: [SendsInvalidArguments on deleting],
    },
    case! {
        law 1: "an invalid page size or position is refused before any request",
        when: lists,
        run: invalid_pages,
        killed_by: [ClampsPageSize on deleting],
    },
    case! {
        law 1: "a name is required, optional or refused as declared",
        when: creates,
        run: names,
        killed_by: [SendsInvalidArguments on deleting, DropsUndeclaredArguments on full],
    },
];

async fn consistent(harness: &Harness) -> CaseResult {
    for (holds, expected) in consistency_rules(harness.capabilities()) {
        ensure(holds, expected, "it is declared otherwise")?;
    }
    ensure(
        !harness.provider().account().provider().is_empty(),
        "the account names its provider",
        "the name is empty",
    )
}

fn consistency_rules(declared: &Capabilities) -> Vec<(bool, &'static str)> {
    let mut rules = Vec::new();
    if let Some(list) = &declared.list {
        rules.push((
            list.max_page_size != Some(0) && list.default_page_size != Some(0),
            "a page holds at least one token",
        ));
        if let (Some(default), Some(max)) = (list.default_page_size, list.max_page_size) {
            rules.push((
                default <= max,
                "the default page size is not larger than the maximum",
            ));
        }
        let keys: Vec<_> = list.orders.iter().map(|order| order.key).collect();
        let distinct = keys
            .iter()
            .enumerate()
            .all(|(index, key)| !keys[..index].contains(key));
        rules.push((distinct, "every order is declared once"));
        let revoke = declared.revoke.as_ref();
        let deletes = revoke.is_some_and(|revoke| revoke.effect == RevocationEffect::Deleted);
        rules.push((
            list.tokens_vanish || !deletes,
            "a listing from which revocations delete tokens is not `without_vanishing_tokens`",
        ));
        rules.push((
            !list.filters.name_exact || declared.reported_fields.contains(&TokenField::Name),
            "a platform that filters by name reports names",
        ));
    }
    if let Some(create) = &declared.create {
        let unnamed = create.name == ArgumentSupport::Unsupported;
        rules.push((
            !unnamed || (create.max_name_length.is_none() && !create.unique_names),
            "rules for names are declared only if names are supported",
        ));
        rules.push((
            create.max_tokens != Some(0),
            "an account can hold at least one token",
        ));
        rules.push((
            create.max_name_length != Some(0),
            "a name may have at least one character",
        ));
    }
    if let Some(create) = &declared.create {
        rules.push((
            create.expiry || (!create.required_expiry && create.lifetime_tolerance.is_none()),
            "rules for expiries are declared only if expiries are supported",
        ));
        rules.push((
            create.scopes || !create.widened_scopes,
            "scopes are widened only if scopes are supported",
        ));
        let names: BTreeSet<_> = create
            .arguments
            .iter()
            .map(|argument| &argument.name)
            .collect();
        rules.push((
            names.len() == create.arguments.len() && names.iter().all(|name| !name.is_empty()),
            "every argument of the platform has its own name",
        ));
    }
    if let Some(update) = &declared.update {
        rules.push((
            update.name || update.description || update.suspension,
            "an update supports at least one field",
        ));
    }
    if let Some(renew) = &declared.renew {
        rules.push((!renew.extension.is_zero(), "renewing extends the expiry"));
        rules.push((
            renew.max_renewals != Some(0),
            "a token can be renewed at least once",
        ));
    }
    if let Some(revoke) = &declared.revoke {
        rules.push((
            revoke.by_id || revoke.by_secret,
            "a token is revoked by its id or by its secret",
        ));
        let can_tell = revoke.cascade.is_some() && revoke.by_id && declared.get;
        rules.push((
            revoke.tokens_alone.is_none() || can_tell,
            "tokens that take no others along are told by reading them, where others do",
        ));
    }
    let by_id = declared.get
        || declared.rotate
        || declared.update.is_some()
        || declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    rules.push((
        !by_id || declared.list.is_some() || declared.create.is_some(),
        "if operations take ids, listing or creating returns them",
    ));
    rules
}

/// Expects the account to name a place on the platform's host: a revocation plan is carried out
/// only in the place that it was made in (decision 0014).
async fn place(harness: &Harness) -> CaseResult {
    let Some(origin) = harness.fixture().origin() else {
        return not_applicable("the fixture does not say where its platform is");
    };
    let account = harness.provider().inner().account();
    ensure(
        names_host(account.place().unwrap_or_default(), &origin),
        "the place of the account names the host of the platform: `Account::with_place`",
        format!(
            "the origin is {origin:?} and the place {:?}",
            account.place()
        ),
    )
}

/// Returns `true` if a place names the host and the port of an origin as a word of its own.
fn names_host(place: &str, origin: &str) -> bool {
    let (scheme, host) = origin.split_once("://").unwrap_or(("", origin));
    let default_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let without_port = |host: &str| {
        let host = host.trim_end_matches(['.', ':']).to_lowercase();
        host.strip_suffix(default_port).unwrap_or(&host).to_owned()
    };
    let host = host.split(['/', '?', '#']).next().unwrap_or_default();
    let host = without_port(host);
    let is_part_of_host = |c: char| c.is_alphanumeric() || "-._:[]".contains(c);
    !host.is_empty()
        && place
            .split(|c| !is_part_of_host(c))
            .any(|word| without_port(word) == host)
}

async fn constant(harness: &Harness) -> CaseResult {
    let before = harness.capabilities().clone();
    let account = harness.provider().account().clone();
    let id = TokenId::new("1");
    let _ = harness.provider().list_page(PageRequest::first()).await;
    let _ = harness.provider().get(&id).await;
    let again = harness.fixture().provider();
    ensure(
        equals_or_grew_from(harness.capabilities(), &before)
            && equals_or_grew_from(again.capabilities(), &before),
        "the capabilities of a provider never change, except that list orders may be added",
        "they changed",
    )?;
    ensure(
        again.account() == &account,
        "the account of a provider never changes",
        "it changed",
    )
}

/// Returns `true` if the capabilities are the same except for additional list orders.
///
/// A provider may learn from its first response that the platform is newer than it had to assume.
fn equals_or_grew_from(now: &Capabilities, before: &Capabilities) -> bool {
    let mut known = now.clone();
    if let (Some(now), Some(before)) = (&mut known.list, &before.list) {
        now.orders.retain(|order| before.orders.contains(order));
    }
    known == *before
}

/// Reads a token of each kind, so that the recording provider can inspect them all.
async fn undeclared_fields(harness: &Harness) -> CaseResult {
    let mut tried = false;
    if harness.capabilities().create.is_some() && harness.can_create(2, "a new token").await {
        harness.create(harness.minimal_request("created")?).await?;
        tried = true;
    }
    for state in STATES {
        if let Some(inserted) = harness.insert_in_state(state).await {
            tried |= harness.read(&inserted.id).await?.is_some();
        }
    }
    require_tried(tried, "there is no token to inspect")
}

async fn invalid_arguments(harness: &Harness) -> CaseResult {
    let declared = harness.capabilities().clone();
    let provider = harness.provider();
    let (id, empty) = (TokenId::new("1"), TokenId::new(""));
    let blank = Secret::new("");
    let consent = full_consent();
    let kind = ErrorKind::InvalidInput;
    let mut tried = false;
    if declared.get {
        tried = true;
        let call = provider.get(&empty);
        expect_refused_as(harness, kind, "reading an empty id", call).await?;
    }
    if declared.rotate {
        tried = true;
        let call = provider.rotate(&empty);
        expect_refused_as(harness, kind, "rotating an empty id", call).await?;
    }
    if let Some(update) = &declared.update {
        tried = true;
        let call = provider.update(&id, UpdateToken::default());
        expect_refused_as(harness, kind, "an empty update", call).await?;
        if update.name {
            let call = provider.update(&id, UpdateToken::rename("  "));
            expect_refused_as(harness, kind, "a blank name", call).await?;
        }
        if let (true, Some(max)) = (update.name, update.max_name_length) {
            let call = provider.update(&id, UpdateToken::rename("x".repeat(max + 1)));
            expect_refused_as(harness, kind, "a name that is too long", call).await?;
        }
    }
    if declared.renew.is_some() {
        tried = true;
        let call = provider.renew(&blank);
        expect_refused_as(harness, kind, "renewing an empty secret", call).await?;
    }
    if let Some(revoke) = &declared.revoke {
        tried = true;
        if revoke.by_id {
            let call = provider.revoke((&empty).into(), consent);
            expect_refused_as(harness, kind, "revoking an empty id", call).await?;
        }
        if revoke.by_secret {
            let call = provider.revoke((&blank).into(), consent);
            expect_refused_as(harness, kind, "revoking an empty secret", call).await?;
        }
    }
    require_tried(tried, "it takes no argument that could be invalid")
}

async fn invalid_pages(harness: &Harness) -> CaseResult {
    let Some(list) = harness.capabilities().list.clone() else {
        return Ok(());
    };
    let provider = harness.provider();
    let kind = ErrorKind::InvalidInput;
    let call = provider.list_page(PageRequest::first().size(0));
    expect_refused_as(harness, kind, "a page size of 0", call).await?;
    if let Some(max) = list.max_page_size {
        let call = provider.list_page(PageRequest::first().size(max + 1));
        expect_refused_as(harness, kind, "a page size above the maximum", call).await?;
    }
    let foreign = match list.paging {
        Paging::Numbered => PagePosition::Token("1".to_owned()),
        _ => PagePosition::Number(1),
    };
    let call = provider.list_page(PageRequest::first().position(foreign));
    expect_refused(harness, "a position of another kind", call).await
}

async fn names(harness: &Harness) -> CaseResult {
    let Some(create) = harness.capabilities().create.clone() else {
        return Ok(());
    };
    let provider = harness.provider();
    let kind = ErrorKind::InvalidInput;
    if create.name == ArgumentSupport::Unsupported {
        let call = provider.create(harness.named_request("named")?);
        return expect_refused(harness, "a name", call).await;
    }
    let call = provider.create(harness.named_request(" \t ")?);
    expect_refused_as(harness, kind, "a blank name", call).await?;
    if let Some(max) = create.max_name_length {
        let call = provider.create(harness.named_request(&"é".repeat(max + 1))?);
        expect_refused_as(harness, kind, "a name that is too long", call).await?;
    }
    if create.name == ArgumentSupport::Required {
        let mut unnamed = harness.minimal_request("unnamed")?;
        unnamed.name = None;
        let call = provider.create(unnamed);
        return expect_refused_as(harness, kind, "a token without a name", call).await;
    }
    harness
        .create(harness.minimal_request("unnamed")?)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::names_host;

    #[test]
    fn a_place_names_a_host_as_a_whole_and_with_its_port() {
        for (place, origin) in [
            ("http://127.0.0.1:80/me/tokens", "http://127.0.0.1:80"),
            ("http://127.0.0.1/me/tokens", "http://127.0.0.1:80/"),
            ("https://API.example.com:443/v1", "https://api.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api"),
            ("https://[::1]:8443/me", "https://[::1]:8443"),
            (
                "tokens of ada at api.example.com.",
                "https://api.example.com",
            ),
            ("memory://platform", "memory://platform"),
        ] {
            assert!(names_host(place, origin), "{place} {origin}");
        }
        for (place, origin) in [
            ("http://127.0.0.1:8080/me/tokens", "http://127.0.0.1:80"),
            ("http://127.0.0.1:8080/me/tokens", "http://127.0.0.1"),
            ("http://127.0.0.12/me/tokens", "http://127.0.0.1"),
            ("https://api.example.com", "https://example.com"),
            ("https://example.com.evil.example", "https://example.com"),
            ("https://my-example.com", "https://example.com"),
            ("", "https://example.com"),
            ("anything", "https://"),
        ] {
            assert!(!names_host(place, origin), "{place} {origin}");
        }
    }
}
