//! What a provider declares makes sense, and what is malformed or undeclared is refused.

use tokenfleet_core::adapter::{PagePosition, PageRequest};
use tokenfleet_core::capability::{ArgumentSupport, Paging, TokenField};
use tokenfleet_core::{
    Capabilities, CreateToken, ErrorKind, Operation, RevokeOptions, Secret, TokenId, TokenProvider,
    UpdateToken,
};

use crate::case::case;
use crate::refusal::{refused, refused_as};
use crate::scene::{STATES, Scene};
use crate::verdict::{Verdict, ensure, not_applicable};
use crate::{Case, Decision};

const GROUP: &str = "declarations";

pub(super) const CASES: &[Case] = &[
    case!(
        1,
        "what is declared does not contradict itself",
        |_| Decision::Run,
        consistent
    ),
    case!(
        1,
        "the declaration stays the same or grows",
        |_| Decision::Run,
        constant
    ),
    case!(
        9,
        "a fact that is not declared is not reported",
        |_| Decision::Run,
        facts
    ),
    case!(
        1,
        "a malformed argument is refused before any request",
        |_| Decision::Run,
        malformed
    ),
    case!(
        1,
        "a page of the wrong size or position is refused before any request",
        |declared| Decision::run_if(declared.list.is_some(), "it cannot list"),
        malformed_pages
    ),
    case!(
        1,
        "a name is required, optional or refused as declared",
        |declared| Decision::run_if(declared.create.is_some(), "it cannot create"),
        names
    ),
];

async fn consistent(scene: &Scene) -> Verdict {
    for (sound, expected) in contradictions(scene.capabilities()) {
        ensure(sound, expected, "it is not so")?;
    }
    ensure(
        !scene.provider().account().provider().is_empty(),
        "the account names its provider",
        "the name is empty",
    )
}

fn contradictions(declared: &Capabilities) -> Vec<(bool, &'static str)> {
    let mut rules = Vec::new();
    if let Some(list) = &declared.list {
        rules.push((
            list.max_page_size != Some(0) && list.default_page_size != Some(0),
            "a page holds at least one token",
        ));
        if let (Some(usual), Some(largest)) = (list.default_page_size, list.max_page_size) {
            rules.push((
                usual <= largest,
                "the usual page is not larger than the largest",
            ));
        }
        let keys: Vec<_> = list.orders.iter().map(|order| order.key).collect();
        let distinct = keys
            .iter()
            .enumerate()
            .all(|(at, key)| !keys[..at].contains(key));
        rules.push((distinct, "every order is declared once"));
        rules.push((
            !list.filters.name_exact || declared.reported_fields.contains(&TokenField::Name),
            "a platform that filters by name reports names",
        ));
    }
    if let Some(create) = &declared.create {
        let unnamed = create.name == ArgumentSupport::Unsupported;
        rules.push((
            !unnamed || (create.max_name_length.is_none() && !create.unique_names),
            "rules for names are declared only where names are taken",
        ));
        rules.push((
            create.max_tokens != Some(0),
            "an account can hold at least one token",
        ));
        rules.push((
            create.max_name_length != Some(0),
            "a name has at least one character",
        ));
    }
    if let Some(update) = &declared.update {
        rules.push((
            update.name || update.description || update.suspension,
            "what can be changed is declared",
        ));
    }
    if let Some(renew) = &declared.renew {
        rules.push((!renew.extension.is_zero(), "renewing prolongs a life"));
        rules.push((
            renew.max_renewals != Some(0),
            "renewing is possible at least once",
        ));
    }
    if let Some(revoke) = &declared.revoke {
        rules.push((
            revoke.by_id || revoke.by_secret,
            "a token is revoked by its id or by its secret",
        ));
    }
    let by_id = declared.get
        || declared.rotate
        || declared.update.is_some()
        || declared.revoke.as_ref().is_some_and(|revoke| revoke.by_id);
    rules.push((
        !by_id || declared.list.is_some() || declared.create.is_some(),
        "where tokens are meant by ids, ids can be learnt by listing or creating",
    ));
    rules
}

async fn constant(scene: &Scene) -> Verdict {
    let before = scene.capabilities().clone();
    let account = scene.provider().account().clone();
    let id = TokenId::new("1");
    let _ = scene.provider().list_page(PageRequest::first()).await;
    let _ = scene.provider().get(&id).await;
    let again = scene.fixture().provider();
    ensure(
        is_or_grew_from(scene.capabilities(), &before)
            && is_or_grew_from(again.capabilities(), &before),
        "the capabilities are the same for as long as the provider lives, but for more orders to list by",
        "they changed",
    )?;
    ensure(
        again.account() == &account,
        "the account is the same for as long as the provider lives",
        "it changed",
    )
}

/// A provider may learn from its first answer that the platform is newer than it had to assume.
fn is_or_grew_from(now: &Capabilities, before: &Capabilities) -> bool {
    let mut known = now.clone();
    if let (Some(now), Some(before)) = (&mut known.list, &before.list) {
        now.orders.retain(|order| before.orders.contains(order));
    }
    known == *before
}

/// The watch looks at every token; this makes sure that there are some of each kind.
async fn facts(scene: &Scene) -> Verdict {
    let mut seen = false;
    if scene.room_for(2).await.is_ok() && scene.capabilities().create.is_some() {
        scene.create(scene.request("created")).await?;
        seen = true;
    }
    for state in STATES {
        let spec = scene.spec(state.as_str()).in_state(state);
        if let Some(inserted) = scene.insert(spec).await {
            seen |= scene.read(&inserted.id).await?.is_some();
        }
    }
    if seen {
        return Ok(());
    }
    not_applicable("there is no token to look at")
}

async fn malformed(scene: &Scene) -> Verdict {
    let declared = scene.capabilities().clone();
    let provider = scene.provider();
    let (id, empty) = (TokenId::new("1"), TokenId::new(""));
    let blank = Secret::new("");
    let consent = RevokeOptions::accept_replacement();
    let kind = ErrorKind::InvalidInput;
    let mut tried = false;
    if declared.supports(Operation::Get) {
        tried = true;
        refused_as(scene, kind, "reading an empty id", provider.get(&empty)).await?;
    }
    if declared.supports(Operation::Rotate) {
        tried = true;
        refused_as(scene, kind, "rotating an empty id", provider.rotate(&empty)).await?;
    }
    if let Some(update) = &declared.update {
        tried = true;
        let nothing = provider.update(&id, UpdateToken::default());
        refused_as(scene, kind, "a change of nothing", nothing).await?;
        if update.name {
            let blank = provider.update(&id, UpdateToken::rename("  "));
            refused_as(scene, kind, "a blank name", blank).await?;
        }
        if let (true, Some(longest)) = (update.name, update.max_name_length) {
            let long = provider.update(&id, UpdateToken::rename("x".repeat(longest + 1)));
            refused_as(scene, kind, "a name that is too long", long).await?;
        }
    }
    if declared.supports(Operation::Renew) {
        tried = true;
        refused_as(
            scene,
            kind,
            "renewing an empty secret",
            provider.renew(&blank),
        )
        .await?;
    }
    if let Some(revoke) = &declared.revoke {
        tried = true;
        if revoke.by_id {
            let call = provider.revoke((&empty).into(), consent);
            refused_as(scene, kind, "revoking an empty id", call).await?;
        }
        if revoke.by_secret {
            let call = provider.revoke((&blank).into(), consent);
            refused_as(scene, kind, "revoking an empty secret", call).await?;
        }
    }
    if tried {
        return Ok(());
    }
    not_applicable("it takes no argument that could be malformed")
}

async fn malformed_pages(scene: &Scene) -> Verdict {
    let Some(list) = scene.capabilities().list.clone() else {
        return Ok(());
    };
    let provider = scene.provider();
    let kind = ErrorKind::InvalidInput;
    let none = provider.list_page(PageRequest::first().size(0));
    refused_as(scene, kind, "a page of no tokens", none).await?;
    if let Some(largest) = list.max_page_size {
        let large = provider.list_page(PageRequest::first().size(largest + 1));
        refused_as(scene, kind, "a page that is too large", large).await?;
    }
    let foreign = match list.paging {
        Paging::Numbered => PagePosition::Token("1".to_owned()),
        _ => PagePosition::Number(1),
    };
    let page = provider.list_page(PageRequest::first().position(foreign));
    refused(scene, "a position of another kind", page).await
}

async fn names(scene: &Scene) -> Verdict {
    let Some(create) = scene.capabilities().create.clone() else {
        return Ok(());
    };
    let provider = scene.provider();
    let kind = ErrorKind::InvalidInput;
    if create.name == ArgumentSupport::Unsupported {
        let named = provider.create(CreateToken::new("named"));
        return refused(scene, "a name", named).await;
    }
    let blank = provider.create(CreateToken::new(" \t "));
    refused_as(scene, kind, "a blank name", blank).await?;
    if let Some(longest) = create.max_name_length {
        let long = provider.create(CreateToken::new("é".repeat(longest + 1)));
        refused_as(scene, kind, "a name that is too long", long).await?;
    }
    if create.name == ArgumentSupport::Required {
        let unnamed = provider.create(CreateToken::unnamed());
        return refused_as(scene, kind, "a token without a name", unnamed).await;
    }
    scene.create(CreateToken::unnamed()).await.map(drop)
}
