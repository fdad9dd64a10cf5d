//! The schedules of the configuration: which commands workers run, when, and for which accounts.

use std::time::Duration;

use tokenfleet::config::Settings;
use tokenfleet::{AccountConfiguration, Configuration, Error, ErrorKind, Result, Timestamp};

use crate::configuration::tables;
use crate::selection::AccountNames;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest time between two runs.
const SHORTEST: Duration = Duration::from_secs(60);

const COMMANDS: &str =
    "write run = \"snapshot\", \"check\", \"check NAME\" or \"operations resume\"";

/// A command that workers run for each of its accounts, again and again.
#[derive(Debug)]
pub(crate) struct Schedule {
    pub(crate) name: String,
    command: Scheduled,
    times: Times,
    accounts: AccountNames,
}

/// A command that can be scheduled.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Scheduled {
    Snapshot,
    /// The checks of these names, or all that are configured.
    Check(Vec<String>),
    Resume,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Every(Duration),
    /// Each day, so long after midnight in UTC.
    DailyAt(Duration),
}

impl Schedule {
    /// Reads the tables `[schedules.NAME]`.
    ///
    /// # Errors
    ///
    /// [`Configuration`](ErrorKind::Configuration), naming the line, for a mistake in any of them.
    pub(crate) fn read_all(configuration: &Configuration) -> Result<Vec<Self>> {
        let tables = configuration.named_tables(tables::SCHEDULES);
        let schedules = tables.map(|(name, settings)| {
            let mut table = settings.clone();
            let read = Self::from_settings(name, &mut table, configuration);
            // A key that seems to be missing may be there but misspelled.
            let schedule = read.map_err(|error| table.misspelled_key().unwrap_or(error))?;
            table.finish().map(|()| schedule)
        });
        let schedules: Result<Vec<_>> = schedules.collect();
        schedules.map_err(|error| configuration.locate(error))
    }

    fn from_settings(
        name: &str,
        table: &mut Settings,
        configuration: &Configuration,
    ) -> Result<Self> {
        let in_place = |table: &Settings, key: &str, error: Error| {
            let error = error.with_kind(ErrorKind::Configuration);
            error.with_message_prefix(&table.place(key))
        };
        let run = table.required_text("run")?;
        let command = Scheduled::parse(&run).ok_or_else(|| {
            let message = format!("{} is no command that workers run", table.place("run"));
            Error::configuration(message).with_advice(COMMANDS)
        })?;
        if let Scheduled::Check(names) = &command {
            let known = |wanted: &&String| {
                let mut checks = configuration.named_tables("checks");
                checks.any(|(name, _)| name == wanted.as_str())
            };
            if names.iter().any(|name| !known(&name)) {
                let message = format!("{} names an unknown check", table.place("run"));
                return Err(Error::configuration(message));
            }
        }
        let times = match (table.duration("every")?, table.text("at")?) {
            (Some(every), None) if every >= SHORTEST => Times::Every(every),
            (Some(_), None) => {
                let message = format!("{} is less than a minute", table.place("every"));
                return Err(Error::configuration(message));
            }
            (None, Some(at)) => Times::DailyAt(time_of_day(&at).ok_or_else(|| {
                let message = format!("{} is no time of day", table.place("at"));
                Error::configuration(message).with_advice("write it in UTC, as in at = \"02:00\"")
            })?),
            _ => {
                let error = table.error("needs one of the keys `every` and `at`");
                return Err(error.with_advice("write every = \"1d\", or at = \"02:00\" in UTC"));
            }
        };
        let accounts = AccountNames::parse(&table.texts("accounts")?);
        let known = configuration.accounts().iter();
        let known = accounts.check(known.map(AccountConfiguration::name).collect());
        known.map_err(|error| in_place(table, "accounts", error))?;
        Ok(Self {
            name: name.to_owned(),
            command,
            times,
            accounts,
        })
    }

    pub(crate) fn concerns(&self, account: &str) -> bool {
        self.accounts.matches(account)
    }

    /// Returns the words of the command.
    pub(crate) fn words(&self) -> Vec<&str> {
        match &self.command {
            Scheduled::Snapshot => vec!["snapshot"],
            Scheduled::Check(names) => {
                let names = names.iter().map(String::as_str);
                ["check"].into_iter().chain(names).collect()
            }
            Scheduled::Resume => vec!["operations", "resume", "--all", "--yes"],
        }
    }

    /// Returns the time of the first run.
    pub(crate) fn first(&self, now: Timestamp) -> Timestamp {
        match self.times {
            Times::Every(_) => now,
            Times::DailyAt(_) => self.next(now),
        }
    }

    /// Returns the time of the run after one that began at this time.
    pub(crate) fn next(&self, begun: Timestamp) -> Timestamp {
        match self.times {
            Times::Every(every) => begun.saturating_add(every),
            Times::DailyAt(at) => {
                let since_midnight = begun.unix_seconds().rem_euclid(DAY.as_secs() as i64);
                let since_midnight = Duration::from_secs(since_midnight.unsigned_abs());
                let wait = match at.checked_sub(since_midnight) {
                    Some(wait) if !wait.is_zero() => wait,
                    _ => (DAY + at).saturating_sub(since_midnight),
                };
                begun.truncated_to_seconds().saturating_add(wait)
            }
        }
    }
}

impl Scheduled {
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().collect();
        match words.as_slice() {
            ["snapshot"] => Some(Self::Snapshot),
            ["check", names @ ..] if !names.iter().any(|name| name.starts_with('-')) => Some(
                Self::Check(names.iter().map(|name| (*name).to_owned()).collect()),
            ),
            ["operations", "resume"] => Some(Self::Resume),
            _ => None,
        }
    }
}

/// Reads a time such as `02:00`.
fn time_of_day(text: &str) -> Option<Duration> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, end: u64| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = digits.parse().ok().filter(|_| is_number)?;
        (number < end).then_some(number)
    };
    let minutes = number(hours, 24)? * 60 + number(minutes, 60)?;
    Some(Duration::from_secs(minutes * 60))
}

#[cfg(test)]
mod tests {
    use tokenfleet::ConfigurationReader;

    use super::*;

    const ACCOUNT: &str = "[accounts.iot]\nprovider = 'losant'\ntoken = { env = 'T' }\n\
                           [checks.old]\nolder_than = '90d'\n";

    fn read(table: &str) -> Result<Schedule> {
        let reader = ConfigurationReader::new()
            .with_named_tables("checks")
            .with_named_tables(tables::SCHEDULES);
        let configuration = reader.parse(&format!("{ACCOUNT}[schedules.nightly]\n{table}"))?;
        Schedule::read_all(&configuration).map(|mut all| all.remove(0))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_daily_run_comes_at_its_time_in_utc_and_once_a_day() {
        let schedule = read("run = 'snapshot'\nat = '02:00'").unwrap();
        for (begun, next) in [
            ("2030-01-01T00:30:00Z", "2030-01-01T02:00:00Z"),
            ("2030-01-01T01:59:59Z", "2030-01-01T02:00:00Z"),
            ("2030-01-01T02:00:00Z", "2030-01-02T02:00:00Z"),
            ("2030-01-01T23:00:00Z", "2030-01-02T02:00:00Z"),
        ] {
            assert_eq!(schedule.next(at(begun)), at(next), "{begun}");
            assert_eq!(schedule.first(at(begun)), at(next), "{begun}");
        }
        let schedule = read("run = 'check'\nevery = '6h'").unwrap();
        let begun = at("2030-01-01T23:00:00Z");
        assert_eq!(schedule.first(begun), begun);
        assert_eq!(schedule.next(begun), at("2030-01-02T05:00:00Z"));
    }

    #[test]
    fn a_mistake_is_refused_with_what_to_write() {
        for (table, expected) in [
            ("run = 'revoke'\nevery = '1d'", "no command"),
            ("run = 'check --junit=f'\nevery = '1d'", "no command"),
            ("run = 'check new'\nevery = '1d'", "unknown check"),
            ("run = 'snapshot'", "every"),
            ("run = 'snapshot'\nevery = '1d'\nat = '02:00'", "every"),
            ("run = 'snapshot'\nevery = '1s'", "minute"),
            ("run = 'snapshot'\nat = '2:00'", "time of day"),
            ("run = 'snapshot'\nat = '24:00'", "time of day"),
            (
                "run = 'snapshot'\nevery = '1d'\naccounts = 'ci'",
                "accounts",
            ),
            ("run = 'snapshot'\nevrey = '1d'", "evrey"),
        ] {
            let error = read(table).unwrap_err().to_string();
            assert!(error.contains(expected), "{table}: {error}");
        }
        for run in ["snapshot", "check", "check old", "operations resume"] {
            read(&format!("run = '{run}'\nevery = '1d'")).unwrap();
        }
    }
}
