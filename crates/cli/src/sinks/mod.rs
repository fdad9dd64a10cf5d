//! The sinks of the configuration, and the places of the command line: where new secrets go.
//!
//! A place is written in one of the forms of [`WrittenPlace`]. Its [template](Sinks::template)
//! names the same place everywhere and may have variables in it. `SinkPlace` fills them in for a
//! token, and the result is kept in the ledger, from which the sink is [opened](Sinks::open) again
//! (decision 0051).

mod opening;
mod sameness;
mod server;
mod table;
mod variables;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenfleet::config::{did_you_mean, quoted};
use tokenfleet::transport::{BaseUrl, Transport};
use tokenfleet::{Configuration, Error, Result};
use tokenfleet_rotation::sink::SecretSink;

use self::opening::Opening;
pub(crate) use self::sameness::{are_one, can_be_one, whole_file};
use self::server::Server;
pub(crate) use self::table::SinkTable;
use self::table::{Target, absolute};
use self::variables::Values;
use crate::configuration::{credential_variables, tables};
use crate::written_place::{RemotePlace, WrittenPlace};

/// A value that every kind of place takes, for questions about the places of tokens in general.
pub(crate) const EXAMPLE: &str = "example";

/// The sinks of the configuration.
#[derive(Debug)]
pub(crate) struct Sinks {
    configuration: Configuration,
    tables: Vec<SinkTable>,
    /// The environment variables with credentials, which no command gets.
    withheld: Vec<String>,
}

/// Returns an environment variable, unless it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns `true` for a template whose variables are filled in, so that it names many places.
pub(crate) fn is_filled_in(template: &str) -> bool {
    variables::used_in(template).next().is_some()
}

impl Sinks {
    /// Reads the tables `[sinks.NAME]`. Nothing is opened, and no credential is read.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration), naming the line, for a mistake in
    /// any of them.
    pub(crate) fn read(configuration: &Configuration) -> Result<Self> {
        let tables = configuration.named_tables(tables::SINKS);
        let tables = tables.map(|(name, settings)| SinkTable::read(name, settings));
        let tables = tables.collect::<Result<_>>();
        let accounts = configuration.accounts().iter();
        let settings = accounts.map(|account| account.settings());
        let settings = settings
            .chain([configuration.transport_settings()])
            .chain(configuration.table(tables::LEDGER))
            .chain(
                configuration
                    .named_tables(tables::SINKS)
                    .map(|(_, sink)| sink),
            );
        // Those of the short forms too.
        let withheld = (settings.flat_map(credential_variables)).chain(server::VAULT_TOKENS);
        Ok(Self {
            tables: tables.map_err(|error| configuration.locate(error))?,
            withheld: withheld.map(str::to_owned).collect(),
            configuration: configuration.clone(),
        })
    }

    /// Returns the sinks, in the order of the configuration.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SinkTable> {
        self.tables.iter()
    }

    /// Returns the template of a place: the same place from everywhere, with its variables.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration) for an unknown sink, a server that
    /// is not known, and variables that nobody fills in.
    pub(crate) fn template(&self, place: &WrittenPlace) -> Result<String> {
        let place = match place {
            WrittenPlace::Configured { values, .. } if !values.is_empty() => {
                let message = "the variables of a sink are filled in from the token";
                return Err(Error::configuration(message).with_advice("write its name alone"));
            }
            WrittenPlace::Configured { name, .. } => {
                let variables = self.table(name)?.variables().into_iter();
                let values = variables.map(|name| (name.to_owned(), variables::written(name)));
                WrittenPlace::Configured {
                    name: name.clone(),
                    values: values.collect(),
                }
            }
            WrittenPlace::File(path) => WrittenPlace::File(absolute_text(path)?),
            WrittenPlace::EnvFile(path, name) => {
                WrittenPlace::EnvFile(absolute_text(path)?, name.clone())
            }
            WrittenPlace::Command(_) => place.clone(),
            WrittenPlace::Kv2(remote) => {
                let server = self.kv2_server(remote)?;
                WrittenPlace::Kv2(pinned(remote, &server)?)
            }
            WrittenPlace::Kubernetes(remote) => {
                let server = self.kubernetes_server(remote)?;
                WrittenPlace::Kubernetes(pinned(remote, &server)?)
            }
        };
        let template = place.to_string();
        let has_variables = variables::used_in(&template).next().is_some();
        match &place {
            // A name could become several arguments.
            WrittenPlace::Command(_) if has_variables => Err(Error::configuration(
                "a place that is a command takes no variables",
            )
            .with_advice("write a table [sinks.NAME] with kind = \"command\"")),
            WrittenPlace::Configured { .. } | WrittenPlace::Command(_) => Ok(template),
            _ => match variables::check(&template) {
                Ok(()) => Ok(template),
                Err(problem) => Err(Error::configuration(format!("a place {problem}"))),
            },
        }
    }

    /// Returns `true` if a place is one of a table of the configuration.
    pub(crate) fn is_configured(&self, place: &str) -> bool {
        let name = match parse(place) {
            Ok(WrittenPlace::Configured { name, .. }) => name,
            _ => return false,
        };
        self.table(&name).is_ok()
    }

    /// Returns `true` for a place of the ledger that may be read whoever wrote the ledger: one of
    /// the configuration, or a file.
    pub(crate) fn is_readable(&self, place: &str) -> bool {
        self.is_configured(place)
            || matches!(
                parse(place),
                Ok(WrittenPlace::File(_) | WrittenPlace::EnvFile(..))
            )
    }

    /// Returns a place of the ledger as a person writes it: a sink by its name alone.
    pub(crate) fn written(&self, place: &str) -> Option<WrittenPlace> {
        match parse(place).ok()? {
            WrittenPlace::Configured { name, .. } => Some(WrittenPlace::configured(&name)),
            place => Some(place),
        }
    }

    /// Returns a text that is equal for two templates of one place.
    pub(crate) fn identity(&self, template: &str) -> Result<String> {
        let (target, _) = self.target(&parse(template)?)?;
        Ok(target.identity())
    }

    /// Returns the location of a place whose variables are filled in: a text that is another one
    /// once a sink of the same name leads elsewhere. It is kept in the ledger.
    pub(crate) fn location(&self, place: &str) -> Result<String> {
        let (target, _) = self.target(&parse(place)?)?;
        Ok(target.location())
    }

    /// Opens the sink of a place whose variables are filled in, as [`SinkPlace`] has it. `adopts`
    /// says whether it replaces what somebody else wrote, unless the configuration decides.
    ///
    /// Nothing is sent, and the token of its server is not read, before the sink is used.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet::ErrorKind::Configuration) for a place that cannot be, or that
    /// the configuration no longer has.
    pub(crate) async fn open(
        &self,
        place: &str,
        adopts: Option<bool>,
        transport: &Arc<dyn Transport>,
    ) -> Result<Arc<dyn SecretSink>> {
        if let Some(variable) = variables::used_in(place).next() {
            let variable = variables::written(variable);
            let message = format!("the place {place} needs the {variable} of a token");
            return Err(Error::configuration(message));
        }
        let written = parse(place)?;
        let (target, configured) = self.target(&written)?;
        let opening = Opening {
            adopts: adopts.unwrap_or(configured),
            transport,
            network: self.configuration.transport_settings(),
            withheld: &self.withheld,
        };
        let opened = target.open(&opening).await;
        opened.map_err(|error| match &written {
            WrittenPlace::Configured { name, .. } => self.in_table(name, error),
            _ => error,
        })
    }

    /// Opens the sink of a template for a token that does not exist, to find out what such sinks
    /// can do.
    pub(crate) async fn open_example(
        &self,
        template: &str,
        transport: &Arc<dyn Transport>,
    ) -> Result<Arc<dyn SecretSink>> {
        let values = variables::used_in(template).map(|name| (name.to_owned(), EXAMPLE.to_owned()));
        let place = variables::fill(template, &values.collect());
        self.open(&place, None, transport).await
    }

    /// Returns the place that is meant, and whether the sink replaces what somebody else wrote.
    fn target(&self, place: &WrittenPlace) -> Result<(Target, bool)> {
        match place {
            WrittenPlace::Configured { name, values } => {
                let table = self.table(name)?;
                let target = filled(table, values);
                let target = target.map_err(|error| self.in_table(name, error))?;
                Ok((target, table.adopts))
            }
            WrittenPlace::File(path) => {
                Ok((Target::File(path.to_string_lossy().into_owned()), false))
            }
            WrittenPlace::EnvFile(path, variable) => {
                let path = path.to_string_lossy().into_owned();
                let variable = variable.clone();
                Ok((Target::EnvFile { path, variable }, false))
            }
            WrittenPlace::Command(words) => {
                let target = Target::Command {
                    run: words.clone(),
                    check: Vec::new(),
                    timeout: None,
                };
                Ok((target, false))
            }
            WrittenPlace::Kv2(remote) => {
                let target = Target::Kv2 {
                    server: self.kv2_server(remote)?,
                    mount: remote.container.clone(),
                    path: remote.path.clone(),
                    field: remote.field.clone(),
                };
                Ok((target, false))
            }
            WrittenPlace::Kubernetes(remote) => {
                let target = Target::Kubernetes {
                    server: Some(self.kubernetes_server(remote)?),
                    namespace: remote.container.clone(),
                    name: remote.path.clone(),
                    key: remote.field.clone(),
                };
                Ok((target, false))
            }
        }
    }

    fn table(&self, name: &str) -> Result<&SinkTable> {
        let mut tables = self.tables.iter();
        tables.find(|table| table.name == name).ok_or_else(|| {
            let known: Vec<_> = self.tables.iter().map(SinkTable::name).collect();
            let advice = match known.as_slice() {
                [] => "write a table [sinks.NAME]".to_owned(),
                known => did_you_mean(name, known),
            };
            Error::configuration(format!("unknown sink{}", quoted(name, &known)))
                .with_advice(advice)
        })
    }

    /// Adds the place of a table to an error about it.
    fn in_table(&self, name: &str, error: Error) -> Error {
        let error = error.with_message_prefix(&format!("sinks.{name}"));
        self.configuration.locate(error)
    }

    fn kv2_server(&self, place: &RemotePlace) -> Result<Arc<Server>> {
        let servers = self.tables.iter().filter_map(|table| match &table.target {
            // The short form has no room for a namespace.
            Target::Kv2 { server, .. } if server.namespace.is_none() => Some(server),
            _ => None,
        });
        let advice = "set BAO_ADDR and BAO_TOKEN (or VAULT_ADDR and VAULT_TOKEN), or write a table \
                      [sinks.NAME] with kind = \"kv2\" and name that";
        choose(
            place,
            servers.collect(),
            || Server::of_vault(variable),
            advice,
        )
    }

    fn kubernetes_server(&self, place: &RemotePlace) -> Result<Arc<Server>> {
        let servers = self.tables.iter().filter_map(|table| match &table.target {
            Target::Kubernetes { server, .. } => server.as_ref(),
            _ => None,
        });
        let of_cluster = || match variable("KUBERNETES_SERVICE_HOST") {
            Some(_) => Server::of_cluster(variable).map(Some),
            None => Ok(None),
        };
        let advice = "run this in the cluster, or write a table [sinks.NAME] with kind = \
                      \"kubernetes\" and name that";
        choose(place, servers.collect(), of_cluster, advice)
    }
}

fn parse(place: &str) -> Result<WrittenPlace> {
    let parsed = place.parse();
    parsed.map_err(|form: String| Error::configuration("a place cannot be read").with_advice(form))
}

/// Returns a path from the root on, which can be written as a text.
fn absolute_text(path: &Path) -> Result<PathBuf> {
    let path = absolute(path);
    if path.to_str().is_none() {
        return Err(Error::configuration("the path of a place is not Unicode"));
    }
    Ok(path)
}

/// Returns the place with the address of its server, which the environment may have given.
fn pinned(place: &RemotePlace, server: &Server) -> Result<RemotePlace> {
    let address = server.address.to_string();
    // It would be taken for a part of the place when that is read again.
    if address
        .split("://")
        .nth(1)
        .is_some_and(|host| host.contains('/'))
    {
        let message = "the server has a path in its address, which the short form cannot name";
        return Err(
            Error::configuration(message).with_advice("write a table [sinks.NAME] and name that")
        );
    }
    Ok(RemotePlace {
        address: Some(address),
        ..place.clone()
    })
}

/// Returns the target of a table with these values, which must be those of all its variables.
fn filled(table: &SinkTable, values: &Values) -> Result<Target> {
    let known = table.variables();
    if !values.keys().map(String::as_str).eq(known.iter().copied()) {
        let message = "the place was written when the sink had other variables";
        return Err(Error::configuration(message)
            .with_advice("restore the variables that its table had, or name another sink"));
    }
    for (variable, value) in values {
        // Not yet filled in.
        if *value == variables::written(variable) {
            continue;
        }
        variables::check_value(variable, value).map_err(Error::configuration)?;
    }
    table.target.filled(values)
}

/// Returns the server of a place in the short form: the first one with its address, or else the one
/// of the environment, or else the only one in the configuration.
fn choose(
    place: &RemotePlace,
    configured: Vec<&Arc<Server>>,
    environment: impl FnOnce() -> Result<Option<Server>>,
    advice: &str,
) -> Result<Arc<Server>> {
    let unknown = |message: String| Err(Error::configuration(message).with_advice(advice));
    if let Some(text) = &place.address {
        let address = BaseUrl::parse(text)?;
        let mut servers = configured.into_iter();
        if let Some(server) = servers.find(|server| server.address == address) {
            return Ok(Arc::clone(server));
        }
        return match environment()?.filter(|server| server.address == address) {
            Some(server) => Ok(Arc::new(server)),
            None => unknown(format!("no token for {address} is configured")),
        };
    }
    if let Some(server) = environment()? {
        return Ok(Arc::new(server));
    }
    match configured.as_slice() {
        [] => unknown("the place does not say on which server it is".to_owned()),
        [first, others @ ..] if others.iter().all(|other| other.address == first.address) => {
            Ok(Arc::clone(first))
        }
        _ => unknown("the place may be on several servers".to_owned()),
    }
}

#[cfg(test)]
mod tests;
