//! Reading one token, and what its record says.

use tokenfleet_core::capability::TokenField;
use tokenfleet_core::{
    Capabilities, ErrorKind, Fact, Operation, Query, RequestedExpiry, TokenId, TokenProvider,
    TokenState,
};

use crate::case::case;
use crate::refusal::Refusal;
use crate::scene::{STATES, Scene, tells};
use crate::verdict::{Verdict, describe, ensure, fail, failed, not_applicable};
use crate::{Case, Decision};

const GROUP: &str = "reading";

pub(super) const CASES: &[Case] = &[
    case!(
        1,
        "a token is read by its id",
        |declared| Decision::run_or_refuse(declared.get, Refusal::Operation(Operation::Get)),
        by_id
    ),
    case!(1, "an unknown id is not found", gets, unknown),
    case!(1, "reading takes an id literally", gets, literally),
    case!(
        9,
        "a token that never expires is told from one whose expiry is not reported",
        reads,
        expiry
    ),
    case!(9, "names come back as they are", reads, odd_names),
    case!(
        9,
        "a state in an unknown word is not taken for a known one",
        reads,
        strange
    ),
];

fn gets(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.get, "it cannot read one token")
}

fn reads(declared: &Capabilities) -> Decision {
    Decision::run_if(
        declared.get || declared.list.is_some(),
        "it cannot read tokens",
    )
}

/// Names that platforms, query languages and URLs have their own ideas about.
pub(super) const ODD_NAMES: [&str; 30] = [
    "plain",
    "Plain",
    "two words",
    "quote\"d",
    "it's",
    "back\\slash",
    "100%",
    "under_score",
    "star*name",
    "comma,separated",
    "naïve",
    "ключ",
    "鍵🔑",
    "not",
    "or",
    "and",
    "NOT plain",
    "(paren)",
    "a=b",
    "x~y",
    "<tag>",
    "a&b",
    "a+b",
    "semi;colon",
    "slash/name",
    "what?x=1",
    "#hash",
    "%20",
    "null",
    "-dash",
];

async fn by_id(scene: &Scene) -> Verdict {
    let planted = scene.plant(3).await?;
    for token in &planted {
        let read = scene.provider().get(&token.id).await;
        let read = crate::verdict::succeeded(read, "a token is read by its id")?;
        ensure(
            read.id == token.id && read.state == TokenState::Active,
            "the token of that id is read",
            format!(
                "{} was asked for and {} came, {}",
                token.id,
                read.id,
                read.state.as_str()
            ),
        )?;
        if scene.capabilities().list.is_none() {
            continue;
        }
        let listed = scene
            .list(Query::new(), "the tokens are listed")
            .await?
            .tokens;
        ensure(
            listed.contains(&read),
            "a token is the same alone and in a listing",
            format!("{} differs", token.id),
        )?;
    }
    for state in STATES {
        let spec = scene.spec(state.as_str()).in_state(state);
        let Some(inserted) = scene.insert(spec).await else {
            continue;
        };
        let read = scene.read(&inserted.id).await?;
        let told = read.map(|token| token.state);
        ensure(
            told == Some(state),
            "every state is shown as it is",
            format!("a token that is {} is read as {told:?}", state.as_str()),
        )?;
    }
    Ok(())
}

async fn unknown(scene: &Scene) -> Verdict {
    let planted = scene.plant(1).await?;
    let mut ids = Vec::new();
    if let Some(token) = planted.first() {
        ids.push(scene.unknown_id(&token.id).await?);
        if scene.fixture().remove(&token.id).await {
            ids.push(token.id.clone());
        }
    }
    for id in ids {
        let expected = "an unknown id is not found";
        let error = failed(scene.provider().get(&id).await, expected)?;
        ensure(
            error.kind() == ErrorKind::NotFound && !error.may_have_applied(),
            expected,
            describe(&error),
        )?;
    }
    Ok(())
}

/// Texts that are not that id, but that a path, a query or a lenient number would turn into it.
pub(super) fn near(id: &TokenId) -> Vec<String> {
    vec![
        format!("{id}/"),
        format!("./{id}"),
        format!("x/../{id}"),
        format!("{id}?x=1"),
        format!("{id}#x"),
        format!("{id}-x"),
        format!("{id}.json"),
        format!("{id}%00"),
        format!(" {id}"),
        format!("{id} "),
        format!("0{id}"),
        format!("{id}\n"),
        "..".to_owned(),
        ".".to_owned(),
        "*".to_owned(),
    ]
}

async fn literally(scene: &Scene) -> Verdict {
    let planted = scene.plant(1).await?;
    let Some(token) = planted.first() else {
        return Ok(());
    };
    for id in near(&token.id) {
        let expected = format!("{id:?} is taken literally and so is not found");
        let id = TokenId::new(id);
        let error = failed(scene.provider().get(&id).await, &expected)?;
        ensure(
            matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidInput),
            &expected,
            describe(&error),
        )?;
    }
    Ok(())
}

async fn expiry(scene: &Scene) -> Verdict {
    let chosen = scene.in_days(40);
    let mut tried = false;
    for (name, asked) in [
        ("expiring", RequestedExpiry::At(chosen)),
        ("eternal", RequestedExpiry::Never),
        ("usual", RequestedExpiry::PlatformDefault),
    ] {
        let Some(inserted) = scene.insert(scene.spec(name).expiring(asked)).await else {
            continue;
        };
        let Some(token) = scene.read(&inserted.id).await? else {
            continue;
        };
        tried = true;
        if !scene.reports(TokenField::Expiry) {
            let expected = "an expiry that the platform does not tell is not reported";
            ensure(
                !token.expiry.is_reported(),
                expected,
                format!("it is {:?}", token.expiry),
            )?;
            continue;
        }
        let (right, expected) = match asked {
            RequestedExpiry::At(at) => (tells(token.expiry, at), "an expiry is told as it is"),
            RequestedExpiry::Never => (
                token.expiry == Fact::Absent,
                "a token that never expires is told to never expire",
            ),
            _ => {
                let truth = scene.truth(&inserted.id).await.map(|truth| truth.expiry);
                let agrees = match truth {
                    Some(Fact::Known(at)) => tells(token.expiry, at),
                    Some(Fact::Absent) => token.expiry == Fact::Absent,
                    _ => true,
                };
                (agrees, "the usual expiry is told as it is")
            }
        };
        ensure(right, expected, format!("it is {:?}", token.expiry))?;
    }
    if tried {
        Ok(())
    } else {
        not_applicable("the fixture can insert no token to read")
    }
}

async fn odd_names(scene: &Scene) -> Verdict {
    if !scene.reports(TokenField::Name) {
        return not_applicable("it reports no names");
    }
    let mut planted = Vec::new();
    for name in ODD_NAMES {
        if let Some(inserted) = scene.insert(scene.spec(name)).await {
            planted.push((inserted.id, name));
        }
    }
    for (id, name) in planted {
        let read = scene.read(&id).await?.map(|token| token.name);
        ensure(
            read.as_ref()
                .is_some_and(|read| read.known().is_some_and(|read| read == name)),
            "a name comes back as it is",
            format!("{name:?} came back as {read:?}"),
        )?;
    }
    Ok(())
}

async fn strange(scene: &Scene) -> Verdict {
    let spec = scene.spec("strange").in_state(TokenState::Unknown);
    let Some(inserted) = scene.insert(spec).await else {
        return not_applicable("the fixture cannot insert a token in a state of tomorrow");
    };
    match scene.read(&inserted.id).await? {
        Some(token) if token.state != TokenState::Unknown => fail(
            "a state in an unknown word is unknown",
            format!("it is shown as {}", token.state.as_str()),
        ),
        _ => Ok(()),
    }
}
