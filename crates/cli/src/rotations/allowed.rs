//! The places that a rotation of the ledger may write.

use tokenfleet::{Error, Result};
use tokenfleet_rotation::runner::RotationRecord;

use crate::accounts::Accounts;
use crate::ledger::Place;
use crate::policies::Policies;
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
    let policy = policies
        .named(name)
        .map_err(|error| error.with_message_prefix("the policy of the rotation"))?;
    let templates = &policy.config.sinks;
    let is_its_own = policy.config.account == record.account.name()
        && record.sinks.len() == templates.len()
        && (record.sinks.iter().zip(templates)).all(|(place, template)| fits(template, place));
    if is_its_own {
        return Ok(());
    }
    Err(refused(
        &format!("names places that are not those of policies.{name}"),
        "carry it on with the configuration that it was begun with, or give it up with `operations \
         abandon`",
    ))
}

fn refused(what: &str, advice: &str) -> Error {
    Error::configuration(format!("the rotation {what}: nothing was done")).with_advice(advice)
}

/// Returns `true` if a place may be a template with its variables filled in.
fn fits(template: &str, place: &str) -> bool {
    let mut parts = template.split('{');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = place.strip_prefix(first) else {
        return false;
    };
    let mut is_filled = false;
    let mut last = "";
    for part in parts {
        is_filled = true;
        last = part.split_once('}').map_or("", |(_, after)| after);
        match rest.find(last) {
            Some(at) => rest = rest.get(at + last.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    if is_filled {
        place.ends_with(last)
    } else {
        rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_place_of_the_template_fits_it() {
        for (template, place) in [
            ("file:/run/ci", "file:/run/ci"),
            ("ci/name={name}", "ci/name=build"),
            ("kv2:iot/{account}/{name}#token", "kv2:iot/a/build#token"),
        ] {
            assert!(fits(template, place), "{place}");
        }
        for (template, place) in [
            ("file:/run/ci", "file:/run/ci2"),
            ("file:/run/{name}", "command:/bin/sh -c x"),
            ("file:/run/{name}", "file:/etc/x"),
            ("kv2:iot/{name}#token", "kv2:iot/build#other"),
        ] {
            assert!(!fits(template, place), "{place}");
        }
    }
}
