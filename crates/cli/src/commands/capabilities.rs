//! `capabilities`: what the accounts' platforms can do.

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
use crate::output::{Format, Output, Results, complain};
use crate::stop::{Code, Stop};

const NAMES: [&str; 10] = [
    "account", "provider", "list", "show", "create", "update", "rotate", "renew", "revoke",
    "verify",
];

pub(crate) fn run(
    accounts: &Accounts,
    global: &GlobalArguments,
    arguments: &CapabilitiesArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let opened = match (&arguments.account, global.accounts.as_slice()) {
        (Some(name), chosen) if chosen.iter().any(|other| other != name) => {
            return Err(Error::invalid_input(format!(
                "\"{name}\" and --account say different accounts: give one of them"
            ))
            .into());
        }
        (Some(name), _) => accounts.named(name)?,
        (None, _) => accounts.each(),
    };
    let mut codes = Vec::new();
    let mut providers = Vec::new();
    for one in opened {
        match one {
            Ok(provider) => providers.push(provider),
            Err(error) => {
                complain(global.output, &error);
                codes.push(Code::of(&error));
            }
        }
    }
    if output.format() == Format::Json {
        let accounts = providers.iter().map(|provider| object(&**provider));
        let accounts = accounts.collect();
        output.object(&Whole { accounts })?;
    } else {
        let mut results = Results::under(&NAMES);
        for provider in &providers {
            results.add(output, &object(&**provider), row(&**provider))?;
        }
        results.finish(output)?;
    }
    Ok(match (codes.is_empty(), providers.is_empty()) {
        (true, _) => Code::Well,
        (false, true) => Code::of_all(codes),
        (false, false) => Code::Incomplete,
    })
}

fn row(provider: &dyn TokenProvider) -> Vec<String> {
    let account = provider.account();
    let capabilities = provider.capabilities();
    let operations = Operation::ALL.map(|operation| match operation {
        Operation::Revoke => revoke_in_words(capabilities),
        _ if capabilities.supports(operation) => "yes".to_owned(),
        _ => "no".to_owned(),
    });
    let mut row = vec![account.name().to_owned(), account.provider().to_owned()];
    row.extend(operations);
    row
}

fn revoke_in_words(capabilities: &Capabilities) -> String {
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

/// A field by its key in the JSON of a token.
fn field(field: TokenField) -> &'static str {
    match field {
        TokenField::Name => "name",
        TokenField::Description => "description",
        TokenField::CreatedAt => "created_at",
        TokenField::UpdatedAt => "updated_at",
        TokenField::Expiry => "expiry",
        TokenField::LastUsed => "last_used",
        TokenField::Owner => "owner",
        TokenField::Creator => "creator",
        TokenField::Scopes => "scopes",
        _ => "other",
    }
}

/// An operation by the name of its command.
fn command(operation: Operation) -> &'static str {
    match operation {
        Operation::Get => "show",
        other => other.as_str(),
    }
}

#[derive(Serialize)]
struct Whole {
    accounts: Vec<Object>,
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
}

#[derive(Serialize)]
struct List {
    paging: &'static str,
    totals: bool,
    tokens_vanish: bool,
    largest_page: Option<u32>,
    usual_page: Option<u32>,
    /// What the platform does; the rest is done here, with the same result.
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
    /// Whether `--accept-replacement` must be said.
    needs_consent: bool,
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
            .map(field)
            .collect(),
    }
}

fn list(list: &ListCapability) -> List {
    List {
        paging: match list.paging {
            Paging::Numbered => "numbered",
            Paging::Snapshot => "snapshot",
            Paging::Sequential => "sequential",
            _ => "other",
        },
        totals: list.totals,
        tokens_vanish: list.tokens_vanish,
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
    }
}
