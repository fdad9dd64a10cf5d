//! The laws that have a name.

use std::future::Future;
use std::pin::Pin;

use futures_util::future::join;

use super::SinkFixture;
use super::faults::{
    a_late_write_changes_nothing, a_lost_answer_is_not_taken_for_a_failure,
    a_lost_request_is_not_taken_for_a_success,
};
use super::observe::{Kept, delivery, holds, is_refusal, read, refused, require, write};
use crate::sink::{Readable, Refusal, Version};

/// A law: a check of a sink whose place is empty. The error says what does not hold.
pub type Law = for<'a> fn(&'a dyn SinkFixture) -> LawFuture<'a>;

/// The future that a [`Law`] returns.
pub type LawFuture<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

macro_rules! laws {
    ($($law:ident),+ $(,)?) => {
        /// Every law with its name.
        pub const ALL: [(&str, Law); [$(stringify!($law)),+].len()] = [
            $((stringify!($law), |fixture| Box::pin($law(fixture)))),+
        ];
    };
}

laws![
    an_empty_place_holds_nothing,
    what_was_written_is_held,
    a_write_that_expects_another_version_changes_nothing,
    a_write_with_a_lower_epoch_changes_nothing,
    what_somebody_else_wrote_is_replaced_only_by_adoption,
    a_changed_secret_loses_its_stamp,
    everything_beside_the_secret_is_kept,
    of_two_writers_at_once_one_wins,
    no_secret_is_shown,
    a_lost_request_is_not_taken_for_a_success,
    a_lost_answer_is_not_taken_for_a_failure,
    a_late_write_changes_nothing,
];

/// Secrets as platforms issue them, with every character that a token may have.
const SECRETS: [&str; 5] = [
    "SK-PrjW98OTY1h8QTY9hUA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln_-",
    "dGVzdA+/dGVzdA==",
    "17|dGVz~dA",
    "-starts-with-a-hyphen",
];

async fn an_empty_place_holds_nothing(fixture: &dyn SinkFixture) -> Kept {
    let state = read(&fixture.sink(false)).await?;
    require!(state.stamp.is_none(), "an empty place has a stamp");
    require!(state.secret.is_none(), "an empty place has a secret");
    require!(
        fixture.secret().await.is_none(),
        "a consumer reads a secret"
    );
    Ok(())
}

/// Checks S1.
async fn what_was_written_is_held(fixture: &dyn SinkFixture) -> Kept {
    let long = "x1".repeat(4 << 10);
    let sink = fixture.sink(false);
    let mut version = read(&sink).await?.version;
    for secret in SECRETS.into_iter().chain([long.as_str()]) {
        let delivery = delivery(secret, 1);
        let written = write(&sink, &delivery, &version).await?;
        holds(fixture, &delivery).await?;
        if sink.capabilities().readable > Readable::Nothing {
            require!(written != version, "a write does not change the version");
        }
        version = read(&fixture.sink(false)).await?.version;
        require!(
            written == version,
            "the version that a write returned is not the current one"
        );
    }
    Ok(())
}

/// Checks S2.
async fn a_write_that_expects_another_version_changes_nothing(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    if !sink.capabilities().compare_and_swap {
        return Ok(());
    }
    let empty = read(&sink).await?.version;
    let first = delivery("first", 1);
    let version = write(&sink, &first, &empty).await?;
    let invented = Version::new("invented");
    for expected in [&empty, &invented] {
        refused(&sink, &delivery("stale", 2), expected, Refusal::Conflict).await?;
        holds(fixture, &first).await?;
    }
    let second = delivery("second", 1);
    write(&fixture.sink(false), &second, &version).await?;
    refused(&sink, &delivery("stale", 2), &version, Refusal::Conflict).await?;
    holds(fixture, &second).await
}

/// Checks S3.
async fn a_write_with_a_lower_epoch_changes_nothing(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    if sink.capabilities().readable == Readable::Nothing {
        return Ok(());
    }
    let first = delivery("first", 7);
    let version = read(&sink).await?.version;
    let version = write(&sink, &first, &version).await?;
    for epoch in [6, 0] {
        let superseded = delivery("superseded", epoch);
        refused(
            &fixture.sink(true),
            &superseded,
            &version,
            Refusal::Superseded,
        )
        .await?;
        holds(fixture, &first).await?;
    }
    let mut version = version;
    for (secret, epoch) in [
        ("equal", 7),
        ("higher", 8),
        ("highest", u64::from(u32::MAX) + 1),
    ] {
        version = write(&sink, &delivery(secret, epoch), &version).await?;
    }
    refused(&sink, &first, &version, Refusal::Superseded).await
}

/// Checks S5.
async fn what_somebody_else_wrote_is_replaced_only_by_adoption(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    if sink.capabilities().readable < Readable::Secret {
        return Ok(());
    }
    fixture.set("by-hand").await;
    let state = read(&sink).await?;
    require!(state.is_foreign(), "what a person wrote is not foreign");
    let ours = delivery("ours", 1);
    refused(&sink, &ours, &state.version, Refusal::Foreign).await?;
    let consumed = fixture.secret().await;
    require!(
        consumed.as_deref() == Some("by-hand"),
        "a refused write has written"
    );
    let version = write(&fixture.sink(true), &ours, &state.version).await?;
    holds(fixture, &ours).await?;
    let next = delivery("next", 1);
    write(&sink, &next, &version).await?;
    holds(fixture, &next).await
}

/// Checks S5 for a secret that replaces one of ours.
async fn a_changed_secret_loses_its_stamp(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    if sink.capabilities().readable < Readable::Secret {
        return Ok(());
    }
    let version = read(&sink).await?.version;
    let version = write(&sink, &delivery("ours", 1), &version).await?;
    fixture.set("by-hand").await;
    let state = read(&sink).await?;
    require!(
        state.is_foreign(),
        "what a person put in the place of ours has our stamp"
    );
    let next = delivery("next", 2);
    refused(&sink, &next, &version, Refusal::Conflict).await?;
    refused(&sink, &next, &state.version, Refusal::Foreign).await?;
    write(&fixture.sink(true), &next, &state.version).await?;
    holds(fixture, &next).await
}

async fn everything_beside_the_secret_is_kept(fixture: &dyn SinkFixture) -> Kept {
    let before = fixture.surroundings().await;
    let sink = fixture.sink(false);
    let mut version = read(&sink).await?.version;
    for secret in ["first", "second"] {
        version = write(&sink, &delivery(secret, 1), &version).await?;
        let after = fixture.surroundings().await;
        require!(
            after == before,
            "what lies beside the secret is {after:?}, not {before:?}"
        );
    }
    Ok(())
}

async fn of_two_writers_at_once_one_wins(fixture: &dyn SinkFixture) -> Kept {
    const ROUNDS: u64 = 8;

    let (one, other) = (fixture.sink(false), fixture.sink(false));
    if !one.capabilities().compare_and_swap {
        return Ok(());
    }
    for round in 1..=ROUNDS {
        let expected = read(&one).await?.version;
        let (a, b) = (
            delivery(&format!("a{round}"), round),
            delivery(&format!("b{round}"), round),
        );
        let wrote = join(
            one.write(&a.0, &expected, &a.1),
            other.write(&b.0, &expected, &b.1),
        );
        let (winner, lost) = match wrote.await {
            (Ok(_), Err(lost)) => (a, lost),
            (Err(lost), Ok(_)) => (b, lost),
            (Ok(_), Ok(_)) => return Err("both of two writers at once have won".to_owned()),
            (Err(one), Err(other)) => {
                return Err(format!(
                    "neither of two writers at once has won: {one}; {other}"
                ));
            }
        };
        is_refusal(&lost, Refusal::Conflict)?;
        holds(fixture, &winner).await?;
    }
    Ok(())
}

/// Checks S4.
async fn no_secret_is_shown(fixture: &dyn SinkFixture) -> Kept {
    const CANARY: &str = "Canary-8Tq2xV5nR1mK7pWz";

    let (sink, adopting) = (fixture.sink(false), fixture.sink(true));
    let mut shown = vec![sink.place().to_owned()];
    let version = read(&sink).await?.version;
    let stamp = delivery("no-canary", 5).1;
    let canary = (delivery(CANARY, 0).0, stamp);
    let version = write(&sink, &canary, &version).await?;
    let state = read(&sink).await?;
    shown.extend([
        version.to_string(),
        format!("{version:?} {state:?} {state:#?}"),
    ]);
    let (secret, stamp) = &canary;
    let lower = delivery("no-canary", 1).1;
    for (expected, stamp) in [(&Version::new("invented"), stamp), (&version, &lower)] {
        if let Err(error) = adopting.write(secret, expected, stamp).await {
            shown.push(format!("{error} {error:?} {error:#?}"));
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                shown.push(format!("{error} {error:?}"));
                source = error.source();
            }
        }
    }
    shown.push(format!("{sink:?} {sink:#?} {adopting:?}"));
    let shows = shown.iter().any(|text| text.contains(CANARY));
    require!(
        !shows,
        "the secret is shown in a debug form, an error, a version or the place"
    );
    Ok(())
}
