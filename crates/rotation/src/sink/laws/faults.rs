//! The laws of writes that go wrong.

use super::observe::{Kept, delivery, holds, read, refused, require, write};
use super::{SinkFault, SinkFixture};
use crate::sink::{Readable, Refusal};

pub(super) async fn a_lost_request_is_not_taken_for_a_success(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    let version = read(&sink).await?.version;
    let first = delivery("first", 1);
    write(&sink, &first, &version).await?;
    let Some(faulty) = fixture.faulty(SinkFault::RequestLost) else {
        return Ok(());
    };
    let version = read(&sink).await?.version;
    let (secret, stamp) = delivery("lost", 1);
    let written = faulty.write(&secret, &version, &stamp).await;
    require!(written.is_err(), "a write that did not arrive succeeded");
    holds(fixture, &first).await?;
    // The version is still the current one.
    let second = delivery("second", 1);
    write(&sink, &second, &version).await?;
    holds(fixture, &second).await
}

pub(super) async fn a_lost_answer_is_not_taken_for_a_failure(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    let Some(faulty) = fixture.faulty(SinkFault::AnswerLost) else {
        return Ok(());
    };
    let version = read(&sink).await?.version;
    let first = delivery("first", 1);
    let written = faulty.write(&first.0, &version, &first.1).await;
    if let Err(error) = written {
        require!(
            error.may_have_applied(),
            "a write whose answer was lost says that it changed nothing: {error}"
        );
    }
    holds(fixture, &first).await?;
    if sink.capabilities().compare_and_swap {
        refused(&sink, &delivery("again", 1), &version, Refusal::Conflict).await?;
    }
    let second = delivery("second", 1);
    write(&sink, &second, &read(&sink).await?.version).await?;
    holds(fixture, &second).await
}

pub(super) async fn a_late_write_changes_nothing(fixture: &dyn SinkFixture) -> Kept {
    let sink = fixture.sink(false);
    if !sink.capabilities().compare_and_swap || sink.capabilities().readable < Readable::Stamp {
        return Ok(());
    }
    let mut version = read(&sink).await?.version;
    // To a place that is empty, and to one that is not.
    for round in 1..=2 {
        let Some(faulty) = fixture.faulty(SinkFault::Late) else {
            return Ok(());
        };
        let (secret, stamp) = delivery("late", 2 * round);
        let written = faulty.write(&secret, &version, &stamp).await;
        let Err(error) = written else {
            return Err("a write that did not arrive succeeded".to_owned());
        };
        require!(
            error.may_have_applied(),
            "a write that may arrive late says that it changed nothing: {error}"
        );
        let current = delivery(&format!("current{round}"), 2 * round + 1);
        version = write(&sink, &current, &version).await?;
        fixture.let_arrive().await;
        holds(fixture, &current).await?;
        let found = read(&sink).await?.version;
        require!(found == version, "a late write has changed the version");
    }
    Ok(())
}
