//! `accounts`: the configured accounts. Nothing is sent, and no credential is read.

use std::sync::Arc;

use serde::Serialize;
use tokenfleet::config::quoted;
use tokenfleet::transport::Transport;
use tokenfleet::{AccountConfiguration, Registry};

use crate::arguments::GlobalArguments;
use crate::configuration::{self, NothingSent, Trust, credential_sources};
use crate::exit::{Exit, Failure};
use crate::output::{Output, Results, print_error};
use crate::selection::Selection;

/// The columns that a narrow terminal leaves out.
const LESS_IMPORTANT: [&str; 3] = ["read_only", "provider", "tags"];

const COLUMNS: [&str; 6] = [
    "account",
    "provider",
    "address",
    "tags",
    "read_only",
    "credentials",
];

#[derive(Serialize)]
struct AccountObject {
    account: String,
    provider: String,
    /// The address of the tokens, or null if the settings are wrong.
    address: Option<String>,
    tags: Vec<String>,
    read_only: bool,
    credentials: Vec<CredentialObject>,
}

#[derive(Serialize)]
struct CredentialObject {
    key: String,
    source: String,
}

pub(crate) async fn run(
    global: &GlobalArguments,
    registry: Registry,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let opened = configuration::open(global, Trust::NotNeeded).await?;
    let configuration = &opened.configuration;
    let selection = Selection::new(configuration, global)?;
    let transport: Arc<dyn Transport> = Arc::new(NothingSent);
    let mut failures = Vec::new();
    let mut objects = Vec::new();
    for account in selection.of(configuration) {
        let address = match registry.open(account, Arc::clone(&transport)) {
            Ok(provider) => provider.account().place().map(str::to_owned),
            Err(error) => {
                print_error(global.output, &error);
                failures.push(Exit::from_error(&error));
                None
            }
        };
        let is_known = registry.names().any(|name| name == account.provider());
        objects.push(object(account, is_known, address));
    }
    let described = objects.into_iter().map(|object| {
        let row = row(&object);
        (object, row)
    });
    let results = Results::with_columns(&COLUMNS).leaving_out(&LESS_IMPORTANT);
    output.accounts(results, described.collect())?;
    Ok(Exit::combine(failures))
}

fn object(
    account: &AccountConfiguration,
    is_known: bool,
    address: Option<String>,
) -> AccountObject {
    // It may be a credential that was written in the wrong place.
    let provider = if is_known || !quoted(account.provider(), &[]).is_empty() {
        account.provider()
    } else {
        "[masked]"
    };
    let credentials = credential_sources(account).into_iter();
    AccountObject {
        account: account.name().to_owned(),
        provider: provider.to_owned(),
        address,
        tags: account.tags().to_vec(),
        read_only: account.is_read_only(),
        credentials: credentials
            .map(|(key, source)| CredentialObject { key, source })
            .collect(),
    }
}

fn row(object: &AccountObject) -> Vec<String> {
    let credentials = object.credentials.iter();
    let credentials: Vec<_> = credentials
        .map(|CredentialObject { key, source }| format!("{key}: {source}"))
        .collect();
    vec![
        object.account.clone(),
        object.provider.clone(),
        object.address.clone().unwrap_or_default(),
        object.tags.join(", "),
        if object.read_only { "yes" } else { "no" }.to_owned(),
        credentials.join(", "),
    ]
}
