//! One rotation, carried on in the foreground until every place holds the new secret.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet::journal::OperationId;
use tokenfleet::{
    CreateToken, Error, ErrorKind, Fate, Filter, Operation, Result, Timestamp, Token, TokenId,
    TokenProvider, TokenProviderExt, TokenState,
};
use tokenfleet_rotation::machine::{Rotation, RotationPlan, Strategy};
use tokenfleet_rotation::policy::{
    Policy, PolicyAccount, PolicyConfig, SinkPlace, successor_request, without_marker,
};
use tokenfleet_rotation::runner::{RotationRecord, StoredRotation, StoredRotations};
use tokenfleet_rotation::sink::{Readable, SecretSink};

use super::{in_context, only_token, other_places};
use crate::accounts::Accounts;
use crate::arguments::RotateArguments;
use crate::commands::question;
use crate::commands::rotation_report::{
    COLUMNS, INDENT, LESS_IMPORTANT, RotationObject, revoked_at, stops_at,
};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results};
use crate::policies::acting_token;
use crate::program_name::command_line;
use crate::progress::with_progress;
use crate::rotations::{Holders, Progressed, Rotations, Stop, UnreadablePlaces, locations};

pub(super) async fn run(
    accounts: &Accounts,
    arguments: RotateArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    check_printing(&arguments)?;
    let provider = accounts.single()?;
    let strategy = strategy(&*provider)?;
    if let (Strategy::Unlisted(_), Some(_)) = (&strategy, arguments.token()) {
        let error = Error::invalid_input("the tokens of this platform have no ids");
        let error = error.with_advice("leave the id out: what the places hold is rotated");
        return Err(in_context(&*provider, error).into());
    }
    let rotations = Rotations::open(accounts).await?;
    let mut templates = Vec::new();
    for place in arguments.places()? {
        // Before anything is sent.
        let template = rotations.sinks.template(place)?;
        let transport = accounts.transport();
        rotations.sinks.open_example(&template, transport).await?;
        templates.push(template);
    }
    if !arguments.yes {
        question::require_terminal(&*provider, Operation::Rotate)?;
    }
    // Before the token is looked at, which may be rotated until it is confirmed.
    let over = rotations.store.closed_rotations().await?;
    let subject = match (&strategy, arguments.token()) {
        (Strategy::Unlisted(_), _) => None,
        (_, Some(id)) => {
            let id = TokenId::new(id);
            let reading = || format!("reading {}", provider.account());
            Some(with_progress(reading, provider.look_up(&id)).await?)
        }
        (_, None) => Some(only_token(&*provider).await?),
    };
    let planning = Planning {
        rotations: &rotations,
        provider: &*provider,
        strategy,
        arguments: &arguments,
        templates,
        subject,
    };
    let record = planning
        .record()
        .await
        .map_err(|error| in_context(&*provider, error))?;
    check_holders(&rotations, &*provider, &record, &over).await?;
    check_places(&rotations, &record, arguments.adopt)
        .await
        .map_err(|error| in_context(&*provider, error))?;
    if !arguments.only_these_places {
        other_places::check(&rotations, &record, planning.subject.as_ref())
            .await
            .map_err(|error| in_context(&*provider, error))?;
    }
    if !arguments.yes {
        let question = question(&*provider, &planning, &record);
        if !question::is_confirmed(&question) {
            let error = Error::invalid_input("not confirmed: nothing was rotated");
            return Err(error.with_account(provider.account()).into());
        }
    }
    let previous = over.last_of(&record.subject());
    let begun = rotations.begin(&record, previous).await?;
    if !begun.is_new {
        return Err(is_rotated_already(&*provider, &begun.stored).into());
    }
    let patience = arguments.times.wait.unwrap_or_default();
    let stop = Stop::listen().await;
    let prepared = rotations.prepare_own(begun.stored).await?;
    let account = provider.account();
    let progress = || format!("{account}: rotating");
    let progressed = with_progress(progress, prepared.advance(patience, &stop)).await?;
    print(&progressed, output)?;
    let exit = progressed.exit();
    match progressed.advanced {
        Ok(_) => exit.after_writing(output.flush()),
        Err(error) => {
            output.flush()?;
            Err(error.into())
        }
    }
}

/// Refuses places that hold the secret of another token, which may be in use.
async fn check_holders(
    rotations: &Rotations<'_>,
    provider: &dyn TokenProvider,
    record: &RotationRecord,
    over: &StoredRotations,
) -> Result<()> {
    let open = rotations.store.open_rotations().await?;
    let holders = Holders::new(&rotations.sinks, &over.rotations, &open.rotations);
    for other in holders.others(&rotations.sinks, record) {
        let is_here = other.stored.record.account == *provider.account();
        if is_here && !may_be_alive(provider, &other.successor.token).await {
            continue;
        }
        return Err(in_context(provider, other.is_in_the_way()));
    }
    let unreadable = open.unreadable.iter().chain(&over.unreadable);
    let places = UnreadablePlaces::new(&rotations.sinks, unreadable);
    let objection = places.objection(&rotations.sinks, record, &holders);
    objection.map_or(Ok(()), |error| Err(in_context(provider, error)))
}

/// Refuses places that cannot be used now: whoever is there can mend that, and try again.
async fn check_places(
    rotations: &Rotations<'_>,
    record: &RotationRecord,
    adopts: bool,
) -> Result<()> {
    for place in &record.sinks {
        let sink = rotations.open_sink(place, adopts).await?;
        sink.check().await?;
        if sink.capabilities().readable > Readable::Nothing {
            sink.read().await?;
        }
    }
    Ok(())
}

async fn may_be_alive(provider: &dyn TokenProvider, id: &TokenId) -> bool {
    match provider.look_up(id).await {
        Ok(token) => !matches!(token.state, TokenState::Revoked | TokenState::Expired),
        Err(error) => !error.is_not_found(),
    }
}

/// Prints how far a rotation is, and for people what happens next.
fn print(progressed: &Progressed, output: &mut Output) -> std::io::Result<()> {
    let object = RotationObject::new(&progressed.stored);
    if output.format() == Format::Table {
        return output.sentences(INDENT, object.lines());
    }
    let mut results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    results.add(output, &object, object.row())?;
    results.finish(output)
}

/// Rejects options of a secret that is printed.
fn check_printing(arguments: &RotateArguments) -> Result<()> {
    let option = match arguments {
        _ if arguments.secret_only => "--secret-only",
        _ if arguments.show_secret => "--show-secret",
        _ => return Ok(()),
    };
    let message = format!("{option} and --to with a place cannot be used together");
    Err(Error::invalid_input(message))
}

/// Returns how the tokens of an account are rotated, or refuses what cannot be.
fn strategy(provider: &dyn TokenProvider) -> Result<Strategy> {
    let strategy = Strategy::for_capabilities(provider.capabilities(), Default::default());
    strategy.map_err(|error| {
        let error = match &provider.capabilities().read_only {
            Some(setting) => Error::configuration("nothing can be rotated in a read-only account")
                .with_advice(format!("to allow changes, remove {setting}")),
            None => error,
        };
        in_context(provider, error)
    })
}

fn is_rotated_already(provider: &dyn TokenProvider, other: &StoredRotation) -> Error {
    let id = other.task.id;
    let show = command_line(&format!("operations show {id}"));
    if other.is_closed() {
        let message = format!("the operation {id} has rotated the token meanwhile");
        let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message);
        let error = error.with_advice(format!("nothing was rotated; `{show}` shows what it did"));
        return in_context(provider, error);
    }
    let message = format!("the token is being rotated already, by the operation {id}");
    let resume = command_line(&format!("operations resume {id}"));
    let error = Error::new(ErrorKind::Conflict, Fate::NotSent, message);
    let error = error.with_advice(format!("`{show}` tells how far it is, `{resume}` goes on"));
    in_context(provider, error)
}

struct Planning<'a> {
    rotations: &'a Rotations<'a>,
    provider: &'a dyn TokenProvider,
    strategy: Strategy,
    arguments: &'a RotateArguments,
    /// The places, whose variables are not filled in.
    templates: Vec<String>,
    subject: Option<Token>,
}

impl Planning<'_> {
    /// Returns the rotation to open. Nothing is changed.
    async fn record(&self) -> Result<RotationRecord> {
        let (accounts, account) = (self.rotations.accounts, self.provider.account());
        let subject = self.subject.as_ref();
        let (mut places, mut sinks) = (Vec::new(), Vec::new());
        for place in &self.templates {
            let place = SinkPlace::new(place, account.name(), subject)?;
            let adopt = self.arguments.adopt;
            sinks.push(self.rotations.open_sink(place.as_str(), adopt).await?);
            places.push(place.as_str().to_owned());
        }
        let new_expiry = self.new_expiry()?;
        let plan = self.plan(&places, &sinks, new_expiry).await?;
        let capabilities = self.provider.capabilities();
        let request = match self.strategy {
            Strategy::InPlace(_) => CreateToken::unnamed(),
            _ => successor_request(capabilities, subject, new_expiry)?,
        };
        let (id, now) = (OperationId::random(), Timestamp::now());
        let rotation = match subject {
            Some(token) => Rotation::of_token(id, token, now),
            None => Rotation::new(id, None, now),
        };
        let locations = locations(&self.rotations.sinks, &places);
        let mut record = RotationRecord::new(account.clone(), places, plan, request, rotation)
            .with_locations(locations);
        if let Some(reason) = accounts.reason() {
            record = record.with_reason(reason);
        }
        if let Some(name) = subject.and_then(|token| token.name.known()) {
            record = record.with_token_name(without_marker(name));
        }
        Ok(record)
    }

    async fn plan(
        &self,
        places: &[String],
        sinks: &[Arc<dyn SecretSink>],
        new_expiry: Option<Duration>,
    ) -> Result<RotationPlan> {
        let capabilities = self.provider.capabilities();
        let filter = match &self.subject {
            Some(token) => Filter::id(token.id.as_str()),
            None => Filter::id(""),
        };
        let times = &self.arguments.times;
        let mut config = PolicyConfig::new("", self.provider.account().name(), filter);
        config.sinks = places.to_vec();
        config.overlap = times.overlap;
        config.soak = times.soak.unwrap_or_default();
        config.new_expiry = new_expiry;
        let configured = self.rotations.accounts.configuration_of(self.provider)?;
        let acting = acting_token(configured, self.provider).await?;
        // If it is one of its own, it is no subject.
        let mut account = PolicyAccount::new(capabilities).with_other_credential();
        if let Some(acting) = &acting {
            account = account.with_acting(acting);
        }
        let declared: Vec<_> = sinks.iter().map(|sink| sink.capabilities()).collect();
        Policy::plan_once(&config, &account, &declared)
    }

    /// Returns the lifetime of the new token: the one that is asked for, that of the old token, or
    /// the default of the account.
    fn new_expiry(&self) -> Result<Option<Duration>> {
        let create = self.provider.capabilities().create.as_ref();
        let takes_expiry = create.is_some_and(|create| create.expiry);
        let asked = self.arguments.times.expires_in;
        if asked.is_some() || !takes_expiry || !matches!(self.strategy, Strategy::Overlap(_)) {
            return Ok(asked);
        }
        let of_old = self.subject.as_ref().and_then(|token| {
            let (created, expiry) = (token.created_at.known()?, token.expiry.known()?);
            let lifetime = created.duration_until(*expiry);
            (!lifetime.is_zero()).then_some(lifetime)
        });
        let configured = self.rotations.accounts.configuration_of(self.provider)?;
        let lifetime = of_old.or_else(|| configured.default_expires_in());
        let longest = create.and_then(|create| create.max_lifetime);
        match lifetime {
            Some(lifetime) => Ok(Some(longest.map_or(lifetime, |most| lifetime.min(most)))),
            None => Err(
                Error::invalid_input("the old token has no known lifetime to take over")
                    .with_advice("pass --expires-in, such as --expires-in 90d"),
            ),
        }
    }
}

/// Returns the question before a rotation: which token, where its secret goes, and when the old one
/// stops working.
fn question(
    provider: &dyn TokenProvider,
    planning: &Planning<'_>,
    record: &RotationRecord,
) -> String {
    let token = match &planning.subject {
        Some(token) => format!("token {}", question::describe(&token.id, &token.name)),
        None => "the secret".to_owned(),
    };
    let now = Timestamp::now();
    let times = stops_at(record, now).zip(revoked_at(record, now));
    let hold = match record.sinks.len() {
        1 => "that holds",
        _ => "all of them hold",
    };
    let end = match (&planning.strategy, times) {
        (Strategy::InPlace(_), _) => {
            "The old secret stops working before the places have the new one.".to_owned()
        }
        (Strategy::Overlap(_), Some((stop, revocation))) if stop < revocation => format!(
            "The old token is suspended once {hold} the new secret, not before {}, and \
             revoked not before {}.",
            stop.truncated_to_seconds(),
            revocation.truncated_to_seconds()
        ),
        (Strategy::Overlap(_), Some((stop, _))) if !record.plan.overlap.is_zero() => format!(
            "The old token is revoked once {hold} the new secret, not before {}.",
            stop.truncated_to_seconds()
        ),
        _ => format!("The old secret is revoked once {hold} the new one."),
    };
    format!(
        "Rotate {token} in {}? A new secret goes to {}. {end} [y/N] ",
        provider.account(),
        record.sinks.join(", "),
    )
}
