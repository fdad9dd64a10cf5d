//! One table `[policies.NAME]` of the configuration.

use std::time::Duration;

use tokenfleet::config::{Settings, did_you_mean, parse_duration, quoted};
use tokenfleet::{Configuration, Error, ErrorKind, Filter, Result, Timestamp};
use tokenfleet_rotation::machine::{OldSecret, Preference};
use tokenfleet_rotation::policy::PolicyConfig;

use crate::sinks::Sinks;
use crate::written_place::WrittenPlace;

const STRATEGIES: [(&str, Preference); 2] = [
    ("in_place", Preference::InPlace),
    ("overlap", Preference::Overlap),
];

const OLD_SECRETS: [(&str, OldSecret); 2] = [
    ("let_expire", OldSecret::LetExpire),
    ("revoke", OldSecret::Revoke),
];

/// A configured policy, which may not keep its promise on its account.
#[derive(Debug, Clone)]
pub(crate) struct ConfiguredPolicy {
    /// The policy, whose sinks are templates.
    pub(crate) config: PolicyConfig,
    /// `true` if the key `where` says which tokens are rotated.
    pub(crate) has_filter: bool,
    /// The table itself, for errors that name it.
    pub(super) settings: Settings,
}

impl ConfiguredPolicy {
    pub(super) fn read(
        (name, settings): (&str, &Settings),
        configuration: &Configuration,
        sinks: Option<&Sinks>,
        now: Timestamp,
    ) -> Result<Self> {
        let mut table = settings.clone();
        let read = Self::from_settings(name, &mut table, configuration, sinks, now);
        // A key that seems to be missing may be there but misspelled.
        let policy = read.map_err(|error| table.misspelled_key().unwrap_or(error))?;
        table.finish()?;
        Ok(policy)
    }

    fn from_settings(
        name: &str,
        table: &mut Settings,
        configuration: &Configuration,
        sinks: Option<&Sinks>,
        now: Timestamp,
    ) -> Result<Self> {
        let account = table.required_text("account")?;
        let known = configuration.account(&account);
        known.map_err(|error| in_place(table, "account", error))?;
        let filter = table.text("where")?;
        let filter = filter.map(|text| Filter::parse_at(&text, now));
        let filter = filter.transpose();
        let filter = filter.map_err(|error| in_place(table, "where", error))?;
        let has_filter = filter.is_some();
        // Where no tokens are listed there is nothing to choose from.
        let all = Filter::all_of([]);
        let mut config = PolicyConfig::new(name, account, filter.unwrap_or(all));
        config.rotate_before_expiry = table.duration("rotate_before_expiry")?;
        config.max_age = table.duration("max_age")?;
        config.new_expiry = table.duration("new_expiry")?;
        config.overlap = period(table, "overlap")?;
        config.soak = period(table, "soak")?.unwrap_or_default();
        config.rest = table.duration("rest")?;
        if let Some(max_overlap) = table.duration("max_overlap")? {
            if config.rest.is_none() {
                let message = format!(
                    "{} has no effect without `rest`",
                    table.place("max_overlap")
                );
                return Err(Error::configuration(message).with_advice("set `rest`, or remove it"));
            }
            config.max_overlap = max_overlap;
        }
        if let Some(preference) = choice(table, "strategy", &STRATEGIES)? {
            config.preference = preference;
        }
        if let Some(old_secret) = choice(table, "old_secret", &OLD_SECRETS)? {
            config.old_secret = old_secret;
        }
        for place in table.texts("sinks")? {
            let template = template(&place, configuration, sinks);
            let template = template.map_err(|error| in_place(table, "sinks", error))?;
            config.sinks.push(template);
        }
        if config.sinks.is_empty() {
            let error = table.error("names no sink");
            return Err(error.with_advice("write sinks = [\"NAME\"]"));
        }
        Ok(Self {
            config,
            has_filter,
            settings: table.clone(),
        })
    }

    /// Returns the name of the policy.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }
}

/// Returns the template of a place, or its text without sinks. Relative paths start from the
/// directory of the configuration.
fn template(text: &str, configuration: &Configuration, sinks: Option<&Sinks>) -> Result<String> {
    let place: WrittenPlace = text.parse().map_err(|form: String| {
        Error::configuration("has no such form of a place").with_advice(form)
    })?;
    let Some(sinks) = sinks else {
        return Ok(text.to_owned());
    };
    let place = match place {
        WrittenPlace::File(path) => WrittenPlace::File(configuration.file_path(path)),
        WrittenPlace::EnvFile(path, name) => {
            WrittenPlace::EnvFile(configuration.file_path(path), name)
        }
        place => place,
    };
    sinks.template(&place)
}

/// Reads a period that may be zero, such as `"0s"`.
fn period(table: &mut Settings, key: &'static str) -> Result<Option<Duration>> {
    let Some(text) = table.text(key)? else {
        return Ok(None);
    };
    let parsed = parse_duration(&text).map_err(|_| {
        let place = table.place(key);
        Error::configuration(format!(
            "{place} must be a period, such as \"24h\" or \"0s\""
        ))
    });
    parsed.map(Some)
}

/// Reads one of several words.
fn choice<T: Copy>(
    table: &mut Settings,
    key: &'static str,
    choices: &[(&str, T)],
) -> Result<Option<T>> {
    let Some(word) = table.text(key)? else {
        return Ok(None);
    };
    match choices.iter().find(|(known, _)| *known == word) {
        Some((_, choice)) => Ok(Some(*choice)),
        None => {
            let known: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            let message = format!(
                "{} is an unknown word{}",
                table.place(key),
                quoted(&word, &known)
            );
            Err(Error::configuration(message).with_advice(did_you_mean(&word, &known)))
        }
    }
}

/// Attaches the place of a setting to an error of its value.
fn in_place(table: &Settings, key: &str, error: Error) -> Error {
    error
        .with_kind(ErrorKind::Configuration)
        .with_message_prefix(&table.place(key))
}
