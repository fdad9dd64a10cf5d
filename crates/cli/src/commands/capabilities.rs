//! `capabilities`: what the accounts' platforms can do.

use serde::Serialize;
use tokenfleet::{
    Argument, Capabilities, CreateCapability, ListCapability, Operation, RenewCapability,
    RevokeCapability, SortKey, TokenProvider, UpdateCapability,
};

use crate::accounts::Accounts;
use crate::arguments::CapabilitiesArguments;
use crate::output::Output;
use crate::stop::{Code, Stop};

const NAMES: [&str; 10] = [
    "account", "platform", "list", "show", "create", "update", "rotate", "renew", "revoke",
    "verify",
];

pub(crate) fn run(
    accounts: &Accounts,
    arguments: &CapabilitiesArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let fleet = match &arguments.account {
        Some(name) => accounts.named(name)?,
        None => accounts.chosen_or_all()?,
    };
    let providers: Vec<_> = fleet.providers().collect();
    let objects: Vec<_> = providers
        .iter()
        .map(|provider| object(&***provider))
        .collect();
    let rows: Vec<_> = providers.iter().map(|provider| row(&***provider)).collect();
    let whole = Whole { accounts: objects };
    output.value(&whole, &NAMES, &rows)?;
    Ok(Code::Well)
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
}

#[derive(Serialize)]
struct List {
    totals: bool,
    largest_page: Option<u32>,
    sorted_by_platform: Vec<&'static str>,
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
    at_most: Option<u32>,
}

#[derive(Serialize)]
struct Update {
    name: bool,
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
}

fn object(provider: &dyn TokenProvider) -> Object {
    let account = provider.account();
    let capabilities = provider.capabilities();
    Object {
        account: account.name().to_owned(),
        provider: account.provider().to_owned(),
        operations: (Operation::ALL.into_iter())
            .filter(|operation| capabilities.supports(*operation))
            .map(Operation::as_str)
            .collect(),
        list: capabilities.list.as_ref().map(list),
        create: capabilities.create.as_ref().map(create),
        update: capabilities.update.as_ref().map(update),
        renew: capabilities.renew.as_ref().map(renew),
        revoke: capabilities.revoke.as_ref().map(revoke),
    }
}

fn list(list: &ListCapability) -> List {
    List {
        totals: list.totals,
        largest_page: list.largest_page,
        sorted_by_platform: SortKey::ALL
            .into_iter()
            .filter(|key| list.order(*key).is_some())
            .map(SortKey::as_str)
            .collect(),
    }
}

fn create(create: &CreateCapability) -> Create {
    Create {
        name: match create.name {
            Argument::Required => "required",
            Argument::Optional => "optional",
            Argument::Unsupported => "unsupported",
        },
        longest_name: create.longest_name,
        unique_names: create.unique_names,
        description: create.description,
        expiry: create.expiry,
        never_expiring: create.never_expiring,
        scopes: create.scopes,
        at_most: create.at_most,
    }
}

fn update(update: &UpdateCapability) -> Update {
    Update {
        name: update.name,
        description: update.description,
        suspension: update.suspension,
    }
}

fn renew(renew: &RenewCapability) -> Renew {
    Renew {
        extension_seconds: renew.extension.as_secs(),
        at_most: renew.at_most,
    }
}

fn revoke(revoke: &RevokeCapability) -> Revoke {
    Revoke {
        by_id: revoke.by_id,
        by_secret: revoke.by_secret,
        effect: revoke.effect.as_str(),
    }
}
