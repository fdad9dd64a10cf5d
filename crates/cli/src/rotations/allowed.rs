//! The places that a rotation of the ledger may write.

use tokenfleet::{Error, Fact, Result, Token, TokenState};
use tokenfleet_rotation::policy::SinkPlace;
use tokenfleet_rotation::runner::RotationRecord;

use super::places::leads_to;
use crate::accounts::Accounts;
use crate::ledger::Place;
use crate::policies::Policies;
use crate::program_name::command_line;
use crate::sinks::Sinks;

/// Refuses a rotation whose places the configuration of this worker does not name.
///
/// Whoever may write a shared ledger could otherwise run programs and write files wherever a worker
/// runs, with a new secret. A ledger in a file belongs to the user who runs the program, so there
/// the places of a person who rotated one token are carried on too.
pub(super) fn check(accounts: &Accounts, sinks: &Sinks, record: &RotationRecord) -> Result<()> {
    let configuration = accounts.configuration();
    let Some(name) = &record.policy else {
        let is_shared = Place::read(configuration)?.is_some_and(|place| place.path().is_none());
        if !is_shared || record.sinks.iter().all(|place| sinks.is_configured(place)) {
            return Ok(());
        }
        return Err(refused(
            "was begun with places of the command line, in a ledger that others write too",
            "rotate to a table [sinks.NAME] instead, and give this rotation up with `operations \
             abandon`",
        ));
    };
    let policies = Policies::read(configuration, sinks)?;
    if let Some(error) = lost_policy(&policies, record) {
        return Err(error);
    }
    let policy = policies.named(name)?;
    let templates = &policy.config.sinks;
    let is_its_own = policy.config.account == record.account.name()
        && record.sinks.len() == templates.len()
        && (record.sinks.iter().zip(templates))
            .all(|(place, template)| is_filled_in(template, place, record));
    if is_its_own {
        return Ok(());
    }
    Err(refused(
        &format!("names places that are not those of policies.{name}"),
        "carry it on with the configuration that it was begun with, or give it up with `operations \
         abandon`",
    ))
}

/// Refuses a rotation one of whose places leads elsewhere since it was begun: the old token may be
/// where it led before, and would be revoked when another place holds the new one.
pub(super) fn check_locations(sinks: &Sinks, record: &RotationRecord) -> Result<()> {
    let mut places = record.sinks.iter().zip(&record.locations);
    let changed = places.find(|(place, location)| !leads_to(sinks, place, location));
    let Some((place, location)) = changed else {
        return Ok(());
    };
    let id = record.rotation.id;
    let message = format!(
        "the rotation {id} was begun when {place} was {location}, and that is another place by \
         now: nothing was done"
    );
    let abandon = command_line(&format!("operations abandon {id}"));
    Err(Error::configuration(message).with_advice(format!(
        "undo the change of the sink until the rotation is done, or give the rotation up with \
         `{abandon}`"
    )))
}

/// Returns the error about a rotation whose policy is not in the configuration any more.
///
/// Its places are in the ledger, which proves nothing: the policy is what allows them.
pub(crate) fn lost_policy(policies: &Policies, record: &RotationRecord) -> Option<Error> {
    let name = record.policy.as_deref()?;
    if policies.iter().any(|policy| policy.name() == name) {
        return None;
    }
    let id = record.rotation.id;
    let message = format!(
        "the open rotation {id} belongs to policies.{name}, which the configuration does not have"
    );
    let abandon = command_line(&format!("operations abandon {id}"));
    Some(Error::configuration(message).with_advice(format!(
        "put the policy back until the rotation is done, or give the rotation up with `{abandon}`"
    )))
}

fn refused(what: &str, advice: &str) -> Error {
    Error::configuration(format!("the rotation {what}: nothing was done")).with_advice(advice)
}

/// Returns `true` if a place is the template, filled in for the token of the rotation.
///
/// It is compared as a whole: a text that only begins and ends as the template does may lead
/// anywhere.
fn is_filled_in(template: &str, place: &str, record: &RotationRecord) -> bool {
    let token = record.rotation.subject.clone().map(|id| {
        let mut token = Token::new(id, TokenState::Active);
        if let Some(name) = &record.token_name {
            token.name = Fact::Known(name.as_str().into());
        }
        token
    });
    SinkPlace::new(template, record.account.name(), token.as_ref())
        .is_ok_and(|filled| filled.as_str() == place)
}

#[cfg(test)]
mod tests {
    use tokenfleet::journal::OperationId;
    use tokenfleet::{Account, CreateToken, Timestamp, TokenId};
    use tokenfleet_rotation::machine::{InPlace, PlannedSink, Rotation, RotationPlan, Strategy};
    use tokenfleet_rotation::sink::Readable;

    use super::*;

    fn record(name: &str) -> RotationRecord {
        let strategy = Strategy::InPlace(InPlace::default());
        let sinks = [PlannedSink::new(Readable::Secret)];
        let plan = RotationPlan::new(strategy, sinks).unwrap();
        let subject = Some(TokenId::new("17"));
        let rotation = Rotation::new(OperationId::random(), subject, Timestamp::now());
        let account = Account::new("losant", "iot");
        let sinks = vec!["file:/run/ci".to_owned()];
        RotationRecord::new(account, sinks, plan, CreateToken::unnamed(), rotation)
            .with_token_name(name)
    }

    #[test]
    fn a_place_is_that_of_the_token_and_no_other_that_looks_like_it() {
        for (template, place) in [
            ("file:/run/ci", "file:/run/ci"),
            ("ci/name={name}", "ci/name=build"),
            ("kv2:{account}/{id}/{name}#token", "kv2:iot/17/build#token"),
        ] {
            assert!(is_filled_in(template, place, &record("build")), "{place}");
        }
        for (template, place, name) in [
            ("file:/run/ci", "file:/run/ci2", "build"),
            ("file:/run/{name}", "command:/bin/sh -c x", "build"),
            ("file:/run/{name}", "file:/etc/x", "build"),
            ("file:/run/{name}", "file:/run/../etc/x", "../etc/x"),
            (
                "env-file:/run/{name}#A",
                "env-file:/run/../etc/x#A",
                "../etc/x",
            ),
            ("kv2:iot/{name}#token", "kv2:iot/a/b#token", "a/b"),
            ("kv2:iot/{name}#token", "kv2:iot/build#other", "build"),
            ("file:/run/{name}", "file:/run/other", "build"),
            ("file:/run/{id}", "file:/run/18", "build"),
        ] {
            assert!(!is_filled_in(template, place, &record(name)), "{place}");
        }
    }
}
