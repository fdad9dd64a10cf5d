//! Making tokens.

use tokenfleet_core::capability::{ArgumentSupport, TokenField};
use tokenfleet_core::{
    Capabilities, CreateToken, ErrorKind, Fact, Operation, RevokeOptions, TokenProvider, TokenState,
};

use super::reading::ODD_NAMES;

use crate::case::case;

use crate::refusal::Refusal;

use crate::scene::Scene;

use crate::verdict::{Verdict, describe, ensure, fail, failed, not_applicable, succeeded};

use crate::{Case, Decision, Fault};

const GROUP: &str = "creating";

pub(super) const CASES: &[Case] = &[
    case!(
        7,
        "a created token works and comes with its secret",
        |declared| Decision::run_or_refuse(
            declared.create.is_some(),
            Refusal::Operation(Operation::Create)
        ),
        works
    ),
    case!(7, "an id is not the secret", creates, id_is_no_secret),
    case!(
        1,
        "every created token has an id and a secret of its own",
        creates,
        distinct
    ),
    case!(
        1,
        "a created token is read as it was returned",
        creates,
        read_back
    ),
    case!(
        1,
        "a token is created under exactly the name that was asked for",
        named,
        odd_names
    ),
    case!(1, "a name that is taken is a conflict", unique, taken),
    case!(1, "two tokens may share a name", shared, same_name),
    case!(1, "a full account is a conflict", bounded, full),
    case!(
        6,
        "a creation whose answer is lost may have been carried out, once",
        creates,
        lost_answer
    ),
    case!(
        6,
        "a creation whose request is lost makes at most one token",
        creates,
        lost_request
    ),
];

fn creates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.create.is_some(), "it cannot create")
}

fn named(declared: &Capabilities) -> Decision {
    let name = declared.create.as_ref().map(|create| create.name);
    match name {
        None => Decision::NotApplicable("it cannot create"),
        Some(ArgumentSupport::Unsupported) => Decision::Refuse(Refusal::Name),
        Some(_) => Decision::Run,
    }
}

fn unique(declared: &Capabilities) -> Decision {
    let unique = declared
        .create
        .as_ref()
        .is_some_and(|create| create.unique_names);
    Decision::run_if(unique, "its names are not unique")
}

fn shared(declared: &Capabilities) -> Decision {
    let shared = declared.create.as_ref().is_some_and(|create| {
        create.name != ArgumentSupport::Unsupported
            && !create.unique_names
            && create.max_tokens.is_none()
    });
    Decision::run_if(shared, "it has no names that could be shared")
}

fn bounded(declared: &Capabilities) -> Decision {
    let bound = declared
        .create
        .as_ref()
        .and_then(|create| create.max_tokens);
    Decision::run_if(
        bound.is_some_and(|most| most <= 250),
        "no bound to fill is declared",
    )
}

async fn works(scene: &Scene) -> Verdict {
    let before = scene.fixture().tokens().await.len();
    let issued = scene.create(scene.request("fresh")).await?;
    let secret = issued.secret.expose();
    ensure(
        !secret.is_empty(),
        "a token comes with its secret",
        "the secret is empty",
    )?;
    ensure(
        !secret.contains(['*', '•', '…']),
        "a token comes with its whole secret",
        "the secret is masked",
    )?;
    scene
        .demand_life(&issued.secret, true, "the secret of a created token")
        .await?;
    let after = scene.fixture().tokens().await.len();
    ensure(
        after == before + 1,
        "one creation makes one token",
        format!("there were {before} tokens and are {after}"),
    )?;
    ensure(
        issued.token.state == TokenState::Active,
        "a token that works is active",
        format!("it is {}", issued.token.state.as_str()),
    )
}

async fn id_is_no_secret(scene: &Scene) -> Verdict {
    let issued = scene.create(scene.request("fresh")).await?;
    let id = issued.token.id.as_str();
    ensure(!id.is_empty(), "a token has an id", "it is empty")?;
    ensure(
        !id.contains(issued.secret.expose()),
        "an id does not give the secret away",
        "the id holds the secret",
    )
}

async fn distinct(scene: &Scene) -> Verdict {
    scene.room_for(2).await?;
    let one = scene.create(scene.request("one")).await?;
    let two = scene.create(scene.request("two")).await?;
    ensure(
        one.token.id != two.token.id && one.secret.expose() != two.secret.expose(),
        "two tokens have two ids and two secrets",
        "they share one",
    )?;
    scene
        .demand_life(&one.secret, true, "the secret of the first token")
        .await?;
    scene
        .demand_life(&two.secret, true, "the secret of the second token")
        .await
}

async fn read_back(scene: &Scene) -> Verdict {
    let issued = scene.create(scene.request("fresh")).await?;
    let Some(read) = scene.read(&issued.token.id).await? else {
        return not_applicable("it cannot read tokens");
    };
    let told = &issued.token;
    // What creating does not tell, reading may.
    let differs = told.state != read.state
        || differ(&told.name, &read.name)
        || differ(&told.description, &read.description)
        || differ(
            &told.created_at.map(|at| at.truncated_to_seconds()),
            &read.created_at.map(|at| at.truncated_to_seconds()),
        )
        || differ(
            &told.expiry.map(|at| at.truncated_to_seconds()),
            &read.expiry.map(|at| at.truncated_to_seconds()),
        )
        || differ(&told.scopes, &read.scopes);
    ensure(
        !differs,
        "a created token is read as it was returned",
        format!("{told:?} was returned and {read:?} was read"),
    )
}

fn differ<T: PartialEq>(told: &Fact<T>, read: &Fact<T>) -> bool {
    told.is_reported() && read.is_reported() && told != read
}

async fn odd_names(scene: &Scene) -> Verdict {
    scene.room_for(ODD_NAMES.len()).await?;
    for name in ODD_NAMES {
        let request = CreateToken::new(name);
        let created = scene.provider().create(request).await;
        let issued = succeeded(created, &format!("a token named {name:?} is created"))?;
        let read = scene.read(&issued.token.id).await?.unwrap_or(issued.token);
        ensure(
            !scene.reports(TokenField::Name) || read.name.known().is_some_and(|read| read == name),
            "a token is created under exactly the name that was asked for",
            format!("{name:?} was asked for and is {:?}", read.name),
        )?;
    }
    Ok(())
}

async fn taken(scene: &Scene) -> Verdict {
    let first = scene.create(CreateToken::new("taken")).await?;
    demand_conflict(scene, CreateToken::new("taken")).await?;
    let by_id = scene
        .capabilities()
        .revoke
        .as_ref()
        .is_some_and(|revoke| revoke.by_id);
    if !by_id {
        return Ok(());
    }
    let consent = RevokeOptions::accept_replacement();
    let revoked = scene
        .provider()
        .revoke((&first.token.id).into(), consent)
        .await;
    succeeded(revoked, "a token is revoked")?;
    demand_conflict(scene, CreateToken::new("taken")).await
}

async fn demand_conflict(scene: &Scene, request: CreateToken) -> Verdict {
    let before = scene.fixture().tokens().await;
    let expected = "what cannot be created is a conflict, and nothing is created";
    let error = failed(scene.provider().create(request).await, expected)?;
    ensure(
        error.kind() == ErrorKind::Conflict && !error.may_have_applied(),
        expected,
        describe(&error),
    )?;
    ensure(
        scene.fixture().tokens().await.len() == before.len(),
        expected,
        "the number of tokens changed",
    )
}

async fn same_name(scene: &Scene) -> Verdict {
    let one = scene.create(CreateToken::new("shared")).await?;
    let two = scene.create(CreateToken::new("shared")).await?;
    ensure(
        one.token.id != two.token.id,
        "two tokens of one name are two tokens",
        "they have the same id",
    )?;
    scene
        .demand_life(&one.secret, true, "the first token of that name")
        .await
}

async fn full(scene: &Scene) -> Verdict {
    let most = scene
        .capabilities()
        .create
        .as_ref()
        .and_then(|create| create.max_tokens);
    let free = (most.unwrap_or(0) as usize).saturating_sub(scene.fixture().tokens().await.len());
    let mut secrets = Vec::new();
    for number in 0..free {
        let Some(inserted) = scene.insert(scene.spec(&format!("filling-{number}"))).await else {
            return not_applicable("the fixture cannot fill the account");
        };
        secrets.extend(inserted.secret);
    }
    demand_conflict(scene, scene.request("one too many")).await?;
    for secret in secrets {
        scene
            .demand_life(&secret, true, "a token that was there before")
            .await?;
    }
    Ok(())
}

async fn lost_answer(scene: &Scene) -> Verdict {
    scene.room_for(1).await?;
    let before = scene.fixture().tokens().await.len();
    scene.inject(Fault::LoseAnswer).await?;
    let expected = "a creation whose answer is lost fails, as perhaps carried out";
    let result = scene.provider().create(scene.request("perhaps")).await;
    let made = scene.fixture().tokens().await.len() - before;
    if result.is_ok() {
        return fail(
            expected,
            format!("it succeeded, and {made} tokens were made"),
        );
    }
    let error = failed(result, expected)?;
    ensure(error.may_have_applied(), expected, describe(&error))?;
    ensure(
        !error.is_retryable(),
        "it is not called safe to repeat",
        describe(&error),
    )?;
    ensure(
        made == 1,
        "one call makes one token at most",
        format!("{made} tokens were made"),
    )
}

async fn lost_request(scene: &Scene) -> Verdict {
    scene.room_for(1).await?;
    let before = scene.fixture().tokens().await.len();
    scene.inject(Fault::LoseRequest).await?;
    let result = scene.provider().create(scene.request("perhaps")).await;
    let made = scene.fixture().tokens().await.len() - before;
    match result {
        // It knew for sure that nothing had been sent, and tried again.
        Ok(_) => ensure(
            made == 1,
            "one creation makes one token",
            format!("it made {made}"),
        ),
        Err(_) => ensure(
            made == 0,
            "a creation that failed because its request was lost made nothing",
            format!("{made} tokens were made"),
        ),
    }
}
