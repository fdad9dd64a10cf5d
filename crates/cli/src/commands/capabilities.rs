//! `capabilities`: the operations that the platforms of the accounts support.

use std::collections::BTreeMap;

use serde::Serialize;
use tokenfleet::capability::{
    ArgumentSupport, CreateCapability, ListCapability, Paging, RenewCapability, RevokeCapability,
    TokenField, UpdateCapability,
};
use tokenfleet::{
    Capabilities, Error, Operation, RevocationEffect, SortKey, TokenProvider, TokenState,
};

use crate::accounts::Accounts;
use crate::arguments::{CapabilitiesArguments, GlobalArguments};
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, Results, print_error};

const COLUMNS: [&str; 11] = [
    "account", "provider", "list", "show", "create", "update", "rotate", "renew", "revoke",
    "verify", "whoami",
];

pub(crate) fn run(
    accounts: &Accounts,
    global: &GlobalArguments,
    arguments: &CapabilitiesArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = match (&arguments.account, global.accounts.as_slice()) {
        (Some(name), chosen) if chosen.iter().any(|other| other != name) => {
            return Err(Error::invalid_input(format!(
                "the account `{name}` differs from --account; pass only one of them"
            ))
            .into());
        }
        (Some(name), _) => accounts.open_named(name)?,
        (None, _) => accounts.open_each(),
    };
    let mut failures = Vec::new();
    let mut providers = Vec::new();
    for provider in opened {
        match provider {
            Ok(provider) => providers.push(provider),
            Err(error) => {
                print_error(global.output, &error);
                failures.push(Exit::from_error(&error));
            }
        }
    }
    let providers: Vec<_> = providers.iter().map(|provider| &**provider).collect();
    if arguments.scopes {
        print_scopes(&providers, output)?;
    } else {
        let described = providers
            .iter()
            .map(|provider| (object(*provider), row(*provider)));
        let results = Results::with_columns(&COLUMNS);
        output.accounts(results, described.collect())?;
        if output.format() == Format::Table {
            let lines = providers.iter().copied().flat_map(unavailable_lines);
            output.sentences(2, lines)?;
        }
    }
    Ok(if failures.is_empty() {
        Exit::Success
    } else if providers.is_empty() {
        Exit::combine(failures)
    } else {
        Exit::Incomplete
    })
}

/// Prints the published scopes: an object for each account, and in a table or CSV a row for each
/// scope.
fn print_scopes(providers: &[&dyn TokenProvider], output: &mut Output) -> Result<(), Failure> {
    let all: Vec<_> = providers.iter().copied().map(Scopes::of).collect();
    if !all.is_empty() && all.iter().all(|scopes| scopes.scopes.is_none()) {
        let error = Error::unsupported("no platform of these accounts publishes its scopes");
        return Err(error
            .with_advice("see the documentation of the platform")
            .into());
    }
    let mut results = Results::with_columns(&["account", "provider", "scope"]);
    if matches!(output.format(), Format::Json | Format::Ndjson) {
        let all = all.into_iter().map(|scopes| (scopes, Vec::new()));
        return Ok(output.accounts(results, all.collect())?);
    }
    for account in &all {
        for scope in account.scopes.into_iter().flatten() {
            let row = [account.account, account.provider, *scope];
            results.add(output, scope, row.map(str::to_owned).to_vec())?;
        }
    }
    Ok(results.finish(output)?)
}

/// The scopes that the platform of an account publishes, if it does.
#[derive(Serialize)]
struct Scopes<'a> {
    account: &'a str,
    provider: &'a str,
    scopes: Option<&'static [&'static str]>,
}

impl<'a> Scopes<'a> {
    fn of(provider: &'a dyn TokenProvider) -> Self {
        let account = provider.account();
        let create = provider.capabilities().create.as_ref();
        let scopes = create.map(|create| create.published_scopes);
        Self {
            account: account.name(),
            provider: account.provider(),
            scopes: scopes.filter(|scopes| !scopes.is_empty()),
        }
    }
}

fn row(provider: &dyn TokenProvider) -> Vec<String> {
    let account = provider.account();
    let capabilities = provider.capabilities();
    let operations = Operation::ALL.map(|operation| match operation {
        Operation::Revoke => describe_revoke(capabilities),
        _ if capabilities.supports(operation) => "yes".to_owned(),
        _ => "no".to_owned(),
    });
    let mut row = vec![account.name().to_owned(), account.provider().to_owned()];
    row.extend(operations);
    row
}

/// Returns a line for each operation that the platform has but this account may not use, and one if
/// it is read-only.
fn unavailable_lines(provider: &dyn TokenProvider) -> Vec<String> {
    let account = provider.account();
    let unavailable = provider.capabilities().unavailable.iter();
    let read_only = provider.capabilities().read_only.as_ref();
    let read_only = read_only
        .map(|setting| format!("{account}: read-only; to allow changes, remove {setting}"));
    let line = |(operation, advice): (&Operation, &String)| {
        format!(
            "{account}: {} is unavailable; {advice}",
            command(*operation)
        )
    };
    unavailable.map(line).chain(read_only).collect()
}

fn describe_revoke(capabilities: &Capabilities) -> String {
    let Some(revoke) = &capabilities.revoke else {
        return "no".to_owned();
    };
    let by = match (revoke.by_id, revoke.by_secret) {
        (true, true) => "id or secret",
        (false, true) => "secret",
        _ => "id",
    };
    format!("by {by}: {}", revoke.effect.as_str())
}

/// Returns the command for an operation.
fn command(operation: Operation) -> &'static str {
    match operation {
        Operation::Get => "show",
        other => other.as_str(),
    }
}

#[derive(Serialize)]
struct Object {
    account: String,
    provider: String,
    operations: Vec<&'static str>,
    list: Option<List>,
    create: Option<Create>,
    update: Option<Update>,
    renew: Option<Renew>,
    revoke: Option<Revoke>,
    reports: Vec<&'static str>,
    /// `true` if ids of deleted tokens are given to new ones.
    reused_ids: bool,
    /// The seconds for which the platform may not show a new token.
    read_delay_seconds: Option<u64>,
    /// The operations that the platform has but this account may not use, each with advice.
    unavailable: BTreeMap<&'static str, String>,
    /// The setting that forbids every write.
    read_only: Option<String>,
}

#[derive(Serialize)]
struct List {
    paging: &'static str,
    totals: bool,
    tokens_vanish: bool,
    /// The tokens that the platform never lists.
    unlisted_tokens: Option<String>,
    largest_page: Option<u32>,
    usual_page: Option<u32>,
    /// The sort keys of the platform. Other keys are sorted locally, with the same result.
    sorted_by_platform: Vec<&'static str>,
    filtered_by_platform: Filters,
}

#[derive(Serialize)]
struct Filters {
    name_exact: bool,
    name_pattern: bool,
    states: Vec<&'static str>,
    combined: bool,
}

#[derive(Serialize)]
struct Create {
    name: &'static str,
    longest_name: Option<usize>,
    unique_names: bool,
    description: bool,
    expiry: bool,
    never_expiring: bool,
    scopes: bool,
    suspended: bool,
    at_most: Option<u32>,
    /// `true` if a creation without an expiry is refused.
    required_expiry: bool,
    /// The tolerance of an expiry, where the platform takes a lifetime instead of a time.
    lifetime_tolerance_seconds: Option<u64>,
    longest_lifetime_seconds: Option<u64>,
    /// `true` if the platform adds scopes to the requested ones.
    widened_scopes: bool,
    /// The tokens that may create others, as a filter. A plan revokes them first.
    #[serde(skip_serializing_if = "Option::is_none")]
    makers: Option<String>,
    /// The arguments that only this platform has, for `--argument`.
    arguments: Vec<Argument>,
}

#[derive(Serialize)]
struct Argument {
    name: String,
    /// The values that it takes, such as `true or false`.
    takes: String,
    required: bool,
}

#[derive(Serialize)]
struct Update {
    name: bool,
    longest_name: Option<usize>,
    description: bool,
    suspension: bool,
}

#[derive(Serialize)]
struct Renew {
    extension_seconds: u64,
    at_most: Option<u32>,
}

#[derive(Serialize)]
struct Revoke {
    by_id: bool,
    by_secret: bool,
    effect: &'static str,
    /// `true` if `--accept-replacement` is required.
    needs_consent: bool,
    /// The other tokens that a revocation may revoke too, for which `--accept-cascade` is required.
    cascade: Option<String>,
    /// The tokens that need no such consent, as a filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_alone: Option<String>,
}

fn object(provider: &dyn TokenProvider) -> Object {
    let account = provider.account();
    let capabilities = provider.capabilities();
    Object {
        account: account.name().to_owned(),
        provider: account.provider().to_owned(),
        operations: (Operation::ALL.into_iter())
            .filter(|operation| capabilities.supports(*operation))
            .map(command)
            .collect(),
        list: capabilities.list.as_ref().map(list),
        create: capabilities.create.as_ref().map(create),
        update: capabilities.update.as_ref().map(update),
        renew: capabilities.renew.as_ref().map(renew),
        revoke: capabilities.revoke.as_ref().map(revoke),
        reports: capabilities
            .reported_fields
            .iter()
            .copied()
            .map(TokenField::as_str)
            .collect(),
        reused_ids: capabilities.reused_ids,
        read_delay_seconds: capabilities.read_delay.map(|delay| delay.as_secs()),
        unavailable: (capabilities.unavailable.iter())
            .map(|(operation, advice)| (command(*operation), advice.clone()))
            .collect(),
        read_only: capabilities.read_only.clone(),
    }
}

fn list(list: &ListCapability) -> List {
    List {
        paging: match list.paging {
            Paging::Numbered => "numbered",
            Paging::Snapshot => "snapshot",
            Paging::Keyset => "keyset",
            Paging::Sequential => "sequential",
            _ => "other",
        },
        totals: list.totals,
        tokens_vanish: list.tokens_vanish,
        unlisted_tokens: list.unlisted_tokens.clone(),
        largest_page: list.max_page_size,
        usual_page: list.default_page_size,
        sorted_by_platform: SortKey::ALL
            .into_iter()
            .filter(|key| list.order(*key).is_some())
            .map(SortKey::as_str)
            .collect(),
        filtered_by_platform: Filters {
            name_exact: list.filters.name_exact,
            name_pattern: list.filters.name_pattern,
            states: (list.filters.states.iter().copied())
                .map(TokenState::as_str)
                .collect(),
            combined: list.filters.combinations,
        },
    }
}

fn create(create: &CreateCapability) -> Create {
    Create {
        name: match create.name {
            ArgumentSupport::Required => "required",
            ArgumentSupport::Optional => "optional",
            ArgumentSupport::Unsupported => "unsupported",
        },
        longest_name: create.max_name_length,
        unique_names: create.unique_names,
        description: create.description,
        expiry: create.expiry,
        never_expiring: create.never_expiring,
        scopes: create.scopes,
        suspended: create.suspended,
        at_most: create.max_tokens,
        required_expiry: create.required_expiry,
        lifetime_tolerance_seconds: create.lifetime_tolerance.map(|by| by.as_secs()),
        longest_lifetime_seconds: create.max_lifetime.map(|lifetime| lifetime.as_secs()),
        widened_scopes: create.widened_scopes,
        makers: create.makers.as_ref().map(ToString::to_string),
        arguments: (create.arguments.iter())
            .map(|argument| Argument {
                name: argument.name.to_string(),
                takes: argument.kind.to_string(),
                required: argument.required,
            })
            .collect(),
    }
}

fn update(update: &UpdateCapability) -> Update {
    Update {
        name: update.name,
        longest_name: update.max_name_length,
        description: update.description,
        suspension: update.suspension,
    }
}

fn renew(renew: &RenewCapability) -> Renew {
    Renew {
        extension_seconds: renew.extension.as_secs(),
        at_most: renew.max_renewals,
    }
}

fn revoke(revoke: &RevokeCapability) -> Revoke {
    Revoke {
        by_id: revoke.by_id,
        by_secret: revoke.by_secret,
        effect: revoke.effect.as_str(),
        needs_consent: revoke.effect == RevocationEffect::Replaced,
        cascade: revoke.cascade.clone(),
        tokens_alone: revoke.tokens_alone.as_ref().map(ToString::to_string),
    }
}
