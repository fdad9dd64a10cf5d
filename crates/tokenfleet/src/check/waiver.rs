//! Findings that somebody has accepted until a day.

use std::collections::HashMap;
use std::time::Duration;

use super::Finding;
use crate::config::{Settings, did_you_mean, quoted};
use crate::query::NamePattern;
use crate::{Error, Fact, Filter, Result, Timestamp, Token, TokenId};

/// One day.
const DAY: Duration = Duration::from_secs(86_400);

/// The length of a date, such as 2030-01-31.
const DATE_LENGTH: usize = 10;

/// A finding, or several, that somebody has accepted for a reason and until a day.
///
/// It covers tokens by their id or by their name: never both by one word, because whoever may name
/// a token could give it the id of another.
#[derive(Debug, Clone)]
pub struct Waiver {
    name: String,
    account: NamePattern,
    token: Filter,
    /// The time at which the token was created, where its id comes again.
    created: Option<Timestamp>,
    check: Option<String>,
    reason: String,
    owner: String,
    until: String,
    /// The first instant at which it no longer holds.
    end: Timestamp,
    /// The place of its key `check`, for an error.
    check_place: String,
}

impl Waiver {
    /// Reads a waiver from its table `[waivers.NAME]`: `account` (glob), `id` or `name` (glob) of
    /// the token, `created` (the time at which it was created, where a platform gives ids again),
    /// `check` (all checks unless written), `reason`, `owner` and `until`. A day in `until` is its
    /// last one, in UTC.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), with the line, for a missing or unknown
    /// key or an unusable value.
    pub fn from_settings(name: &str, mut settings: Settings) -> Result<Self> {
        match Self::read(name, &mut settings) {
            Ok(waiver) => settings.finish().map(|()| waiver),
            // A key that seems to be missing may be there but misspelled.
            Err(error) => Err(settings.misspelled_key().unwrap_or(error)),
        }
    }

    fn read(name: &str, settings: &mut Settings) -> Result<Self> {
        let account = NamePattern::Glob(settings.required_text("account")?);
        let token = match (settings.identifier("id")?, settings.text("name")?) {
            (Some(id), None) => Filter::id(id),
            (None, Some(glob)) => Filter::name_glob(glob),
            _ => {
                return Err(settings
                    .error("needs either the id or the name of a token")
                    .with_advice("write id = \"…\" or name = \"…\""));
            }
        };
        let created = match settings.text("created")? {
            Some(created) => Some(created.parse().map_err(|_| {
                Error::configuration(format!("{} is not a time", settings.place("created")))
                    .with_advice("write created = \"2026-01-31T12:00:00Z\"")
            })?),
            None => None,
        };
        let check = settings.text("check")?;
        let check_place = settings.place("check");
        let reason = settings.required_text("reason")?;
        let owner = settings.required_text("owner")?;
        let until = settings.required_text("until")?;
        // Not relative to now: it would never end.
        let end = (!until.starts_with("now"))
            .then(|| Timestamp::parse_at(&until, Timestamp::now()).ok())
            .flatten()
            .and_then(|end| match until.len() {
                DATE_LENGTH => end.checked_add(DAY),
                _ => Some(end),
            });
        let end = end.ok_or_else(|| {
            Error::configuration(format!("{} is not a day", settings.place("until")))
                .with_advice("write until = \"2030-01-31\"")
        })?;
        Ok(Self {
            name: name.to_owned(),
            account,
            token,
            created,
            check,
            reason,
            owner,
            until,
            end,
            check_place,
        })
    }

    /// Rejects a waiver for a check that does not exist.
    ///
    /// # Errors
    ///
    /// [`Configuration`](crate::ErrorKind::Configuration), with the line and the nearest name.
    pub fn require_check(&self, checks: &[&str]) -> Result<()> {
        match &self.check {
            Some(check) if !checks.contains(&check.as_str()) => {
                let place = &self.check_place;
                let message = format!("{place}: unknown check{}", quoted(check, checks));
                Err(Error::configuration(message).with_advice(did_you_mean(check, checks)))
            }
            _ => Ok(()),
        }
    }

    /// Returns the name of the waiver.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the check whose findings it covers, unless it covers those of all checks.
    #[must_use]
    pub fn check(&self) -> Option<&str> {
        self.check.as_deref()
    }

    /// Returns why the findings are accepted.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Returns who answers for it.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Returns until when it holds, as it was written.
    #[must_use]
    pub fn until(&self) -> &str {
        &self.until
    }

    /// Returns `true` if it no longer holds.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.end
    }

    /// Returns `true` if it may cover tokens of an account with that name.
    #[must_use]
    pub fn concerns(&self, account: &str) -> bool {
        self.account.matches(account)
    }

    /// Returns `true` if it covers a finding about this token, unless it is expired.
    #[must_use]
    pub fn covers(&self, finding: &Finding, token: &Token) -> bool {
        self.concerns(finding.account().name())
            && (self.check.as_deref()).is_none_or(|check| check == finding.check())
            && self.token.matches(token)
            && (self.created).is_none_or(|created| token.created_at == Fact::Known(created))
    }
}

/// Waivers, and how many findings each has met.
#[derive(Debug, Clone)]
pub struct Waivers {
    now: Timestamp,
    waivers: Vec<(Waiver, u64)>,
    by_id: HashMap<TokenId, Vec<usize>>,
    by_name: Vec<usize>,
}

impl Waivers {
    /// Collects waivers, of which those that end before `now` no longer count.
    #[must_use]
    pub fn new(waivers: impl IntoIterator<Item = Waiver>, now: Timestamp) -> Self {
        let waivers: Vec<_> = waivers.into_iter().map(|waiver| (waiver, 0)).collect();
        let mut by_id = HashMap::<_, Vec<_>>::new();
        let mut by_name = Vec::new();
        for (index, (waiver, _)) in waivers.iter().enumerate() {
            match &waiver.token {
                Filter::Id(id) => by_id.entry(id.clone()).or_default().push(index),
                _ => by_name.push(index),
            }
        }
        Self {
            now,
            waivers,
            by_id,
            by_name,
        }
    }

    /// Returns the position in [`all`](Self::all) of the waiver that covers a finding about this
    /// token. Expired ones cover nothing, but are counted.
    pub fn cover(&mut self, finding: &Finding, token: &Token) -> Option<usize> {
        let mut found = None;
        let of_id = self.by_id.get(&token.id).into_iter().flatten();
        for &index in of_id.chain(&self.by_name) {
            let (waiver, findings) = &mut self.waivers[index];
            if !waiver.covers(finding, token) {
                continue;
            }
            *findings += 1;
            if !waiver.is_expired(self.now) {
                found = found.or(Some(index));
            }
        }
        found
    }

    /// Returns every waiver with the number of findings that it matched so far.
    #[must_use]
    pub fn all(&self) -> &[(Waiver, u64)] {
        &self.waivers
    }

    /// Returns the expired waivers with the number of findings that count again.
    pub fn expired(&self) -> impl Iterator<Item = &(Waiver, u64)> {
        let all = self.waivers.iter();
        all.filter(|(waiver, _)| waiver.is_expired(self.now))
    }

    /// Returns the waivers that are not expired and matched nothing so far.
    pub fn unused(&self) -> impl Iterator<Item = &Waiver> {
        let unused = self
            .waivers
            .iter()
            .filter(|(waiver, findings)| *findings == 0 && !waiver.is_expired(self.now));
        unused.map(|(waiver, _)| waiver)
    }
}
