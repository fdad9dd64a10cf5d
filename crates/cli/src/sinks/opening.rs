//! The sinks of `tokenfleet_rotation` for places whose variables are filled in.

use std::sync::Arc;

use tokenfleet::config::Settings;
use tokenfleet::transport::Transport;
use tokenfleet::{Error, Result};
use tokenfleet_rotation::sink::{
    CommandSink, EnvFileSink, FileSink, KubernetesConfig, KubernetesSink, Kv2Config, Kv2Sink,
    SecretSink,
};

use super::server::Server;
use super::table::{Target, absolute};
use super::variables::{self, Values};

/// The settings with which a place is opened as a sink.
pub(super) struct Opening<'a> {
    /// `true` to replace what somebody else wrote.
    pub(super) adopts: bool,
    /// The transport of all accounts.
    pub(super) transport: &'a Arc<dyn Transport>,
    /// The table `[transport]`.
    pub(super) network: &'a Settings,
    /// The variables that a command does not get.
    pub(super) withheld: &'a [String],
}

impl Target {
    /// Returns the place with the values of its variables.
    pub(super) fn filled(&self, values: &Values) -> Result<Self> {
        let fill = |text: &String| variables::fill(text, values);
        Ok(match self {
            Self::File(path) => Self::File(fill(path)),
            Self::EnvFile { path, variable } => Self::EnvFile {
                path: fill(path),
                variable: fill(variable),
            },
            Self::Command {
                run,
                check,
                timeout,
            } => Self::Command {
                run: filled_words(run, values)?,
                check: filled_words(check, values)?,
                timeout: *timeout,
            },
            Self::Kv2 {
                server,
                mount,
                path,
                field,
            } => Self::Kv2 {
                server: Arc::clone(server),
                mount: fill(mount),
                path: fill(path),
                field: fill(field),
            },
            Self::Kubernetes {
                server,
                namespace,
                name,
                key,
            } => Self::Kubernetes {
                server: server.clone(),
                namespace: fill(namespace),
                name: fill(name),
                key: fill(key),
            },
        })
    }

    /// Opens the sink. Nothing is sent before it is used.
    pub(super) async fn open(self, opening: &Opening<'_>) -> Result<Arc<dyn SecretSink>> {
        let adopts = opening.adopts;
        match self {
            Self::File(path) => {
                let path = absolute(path.as_ref());
                // The stamp of a file is in a second one, which ends so.
                if path
                    .extension()
                    .is_some_and(|extension| extension == "stamp")
                {
                    let message = "a file that ends in .stamp would be the stamp of another one";
                    return Err(Error::configuration(message).with_advice("choose another name"));
                }
                let sink = FileSink::new(path);
                Ok(adopting(sink, adopts, FileSink::with_adoption))
            }
            Self::EnvFile { path, variable } => {
                let sink = EnvFileSink::new(absolute(path.as_ref()), &variable)?;
                Ok(adopting(sink, adopts, EnvFileSink::with_adoption))
            }
            Self::Command {
                run,
                check,
                timeout,
            } => {
                let mut sink = CommandSink::new(run)?.without_variables(opening.withheld);
                if !check.is_empty() {
                    sink = sink.with_check(check)?;
                }
                if let Some(timeout) = timeout {
                    sink = sink.with_timeout(timeout);
                }
                Ok(adopting(sink, adopts, CommandSink::with_adoption))
            }
            Self::Kv2 {
                server,
                mount,
                path,
                field,
            } => {
                let (address, token) = (server.address.clone(), server.token.clone());
                let mut config = Kv2Config::new(address, token, &mount, &path, &field)?;
                if let Some(namespace) = &server.namespace {
                    config = config.with_namespace(namespace);
                }
                if adopts {
                    config = config.with_adoption();
                }
                let transport = server.transport(opening.network, opening.transport).await?;
                Ok(Arc::new(Kv2Sink::new(config, transport)))
            }
            Self::Kubernetes {
                server,
                namespace,
                name,
                key,
            } => {
                let server = match server {
                    Some(server) => server,
                    None => Arc::new(Server::of_cluster(super::variable)?),
                };
                let (address, token) = (server.address.clone(), server.token.clone());
                let mut config = KubernetesConfig::new(address, token, &namespace, &name, &key)?;
                if adopts {
                    config = config.with_adoption();
                }
                let transport = server.transport(opening.network, opening.transport).await?;
                Ok(Arc::new(KubernetesSink::new(config, transport)))
            }
        }
    }
}

fn adopting<S: SecretSink>(sink: S, adopts: bool, adopt: fn(S) -> S) -> Arc<dyn SecretSink> {
    Arc::new(if adopts { adopt(sink) } else { sink })
}

/// Fills in the words of a command.
///
/// A program may hand its arguments to a shell, as `ssh` does. So a value has no character that
/// means something there, and does not begin as an option.
fn filled_words(words: &[String], values: &Values) -> Result<Vec<String>> {
    let fill = |word: &String| {
        for variable in variables::used_in(word) {
            let value = values.get(variable).map_or("", String::as_str);
            // Not yet filled in.
            if value == variables::written(variable) {
                continue;
            }
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:@+=,-".contains(c);
            if value.starts_with('-') || !value.chars().all(is_plain) {
                let variable = variables::written(variable);
                let message = format!("a command does not get this {variable}");
                return Err(Error::configuration(message).with_advice(
                    "letters, digits and ._:@+=,- are passed on, and no `-` at the beginning: \
                     rename the token",
                ));
            }
        }
        Ok(variables::fill(word, values))
    };
    words.iter().map(fill).collect()
}
