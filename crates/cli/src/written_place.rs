//! A place that a new secret is delivered to, as people and the ledger write it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The forms of a place.
const FORMS: &str = "expected file:PATH, env-file:PATH#NAME, command:\"PROGRAM ARGUMENT\", \
                     kv2:MOUNT/PATH#FIELD, kubernetes:NAMESPACE/NAME#KEY or the name of a table \
                     [sinks.NAME]";

const ENV_FILE: &str = "expected env-file:PATH#NAME, such as env-file:.env#LOSANT_TOKEN";
const COMMAND: &str = "expected command:\"PROGRAM ARGUMENT\" with the quotes of a shell, such as \
                       command:\"/usr/local/bin/push-secret ci\"";
const KV2: &str = "expected kv2:MOUNT/PATH#FIELD, such as kv2:secret/iot/ci#token";
const KUBERNETES: &str =
    "expected kubernetes:NAMESPACE/NAME#KEY, such as kubernetes:ci/losant-ci#token";

/// A place that a new secret is delivered to, as it is written on the command line, in a policy and
/// in the ledger.
///
/// Its text form can be parsed again and names the same place, whatever the working directory, if
/// the paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WrittenPlace {
    /// A sink of the configuration, with the values of the variables that it uses: `ci/name=build`.
    Configured {
        name: String,
        values: BTreeMap<String, String>,
    },
    File(PathBuf),
    /// A file of environment variables, and the name of one.
    EnvFile(PathBuf, String),
    /// A program and its arguments.
    Command(Vec<String>),
    Kv2(RemotePlace),
    Kubernetes(RemotePlace),
}

/// A place on a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemotePlace {
    /// The scheme, the host and the port of the server, unless it is the usual one.
    pub(crate) address: Option<String>,
    /// The first part of the path: the mount, or the namespace.
    pub(crate) container: String,
    /// The rest of the path.
    pub(crate) path: String,
    /// The field, or the key.
    pub(crate) field: String,
}

impl WrittenPlace {
    /// Creates the place of a sink of the configuration that uses no variables.
    pub(crate) fn configured(name: &str) -> Self {
        Self::Configured {
            name: name.to_owned(),
            values: BTreeMap::new(),
        }
    }
}

/// Parses a place. The error names the right form and does not repeat the text.
impl FromStr for WrittenPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains(char::is_control) {
            return Err("a place has no control characters".to_owned());
        }
        // What stands behind a name may hold a colon.
        let end = text.find([':', '/']);
        let Some((kind, place)) = text
            .split_once(':')
            .filter(|(kind, _)| end == Some(kind.len()))
        else {
            return configured(text);
        };
        match kind {
            "file" => Ok(Self::File(path(place)?)),
            "env-file" => {
                let (file, name) = place.rsplit_once('#').ok_or(ENV_FILE)?;
                if name.is_empty() {
                    return Err(ENV_FILE.to_owned());
                }
                Ok(Self::EnvFile(path(file)?, name.to_owned()))
            }
            "command" => match shlex::split(place) {
                Some(words) if words.first().is_some_and(|program| !program.is_empty()) => {
                    Ok(Self::Command(words))
                }
                _ => Err(COMMAND.to_owned()),
            },
            "kv2" => Ok(Self::Kv2(RemotePlace::parse(place).ok_or(KV2)?)),
            "kubernetes" => {
                let place = RemotePlace::parse(place).ok_or(KUBERNETES)?;
                if place.path.contains('/') {
                    return Err(KUBERNETES.to_owned());
                }
                Ok(Self::Kubernetes(place))
            }
            _ => Err(FORMS.to_owned()),
        }
    }
}

fn configured(text: &str) -> Result<WrittenPlace, String> {
    let mut parts = text.split('/');
    let name = parts.next().unwrap_or_default();
    let values = parts.map(|part| -> Result<_, String> {
        let (variable, value) = part.split_once('=').ok_or(FORMS)?;
        Ok((variable.to_owned(), value.to_owned()))
    });
    let values = values.collect::<Result<_, _>>()?;
    if !is_name(name) {
        return Err(FORMS.to_owned());
    }
    let name = name.to_owned();
    Ok(WrittenPlace::Configured { name, values })
}

/// Returns `true` for a text that can be the name of a sink: it is no other place.
pub(crate) fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text != "stdout" && text.chars().all(is_part)
}

fn path(text: &str) -> Result<PathBuf, String> {
    if text.starts_with("~/") {
        return Err("shells do not expand ~ there; write \"file:$HOME/…\"".to_owned());
    }
    let path = PathBuf::from(text);
    if path.file_name().is_none() || text.ends_with('/') {
        return Err("expected the path of a file".to_owned());
    }
    Ok(path)
}

impl RemotePlace {
    fn parse(text: &str) -> Option<Self> {
        let (rest, field) = text.rsplit_once('#')?;
        let (address, path) = match rest.find("://") {
            Some(scheme) => {
                let host = scheme + "://".len();
                let end = host + rest.get(host..)?.find('/')?;
                (Some(rest.get(..end)?.to_owned()), rest.get(end + 1..)?)
            }
            None => (None, rest),
        };
        let is_segment = |segment: &str| !matches!(segment, "" | "." | "..");
        let (container, path) = path.split_once('/')?;
        let is_place = is_segment(container) && path.split('/').all(is_segment);
        (is_place && !field.is_empty()).then(|| Self {
            address,
            container: container.to_owned(),
            path: path.to_owned(),
            field: field.to_owned(),
        })
    }
}

impl fmt::Display for WrittenPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured { name, values } => {
                f.write_str(name)?;
                values
                    .iter()
                    .try_for_each(|(variable, value)| write!(f, "/{variable}={value}"))
            }
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::EnvFile(path, name) => write!(f, "env-file:{}#{name}", path.display()),
            Self::Command(words) => {
                let words = shlex::try_join(words.iter().map(String::as_str));
                write!(f, "command:{}", words.map_err(|_| fmt::Error)?)
            }
            Self::Kv2(place) => write!(f, "kv2:{place}"),
            Self::Kubernetes(place) => write!(f, "kubernetes:{place}"),
        }
    }
}

impl fmt::Display for RemotePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address,
            container,
            path,
            field,
        } = self;
        if let Some(address) = address {
            write!(f, "{address}/")?;
        }
        write!(f, "{container}/{path}#{field}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WrittenPlace, String> {
        text.parse()
    }

    #[test]
    fn a_place_is_parsed_and_shown_as_it_is_written() {
        for text in [
            "ci",
            "ci/name=build",
            "ci/id=65f0/name=a:b =c",
            "file:/run/secrets/ci",
            "file:a b/c:d#e",
            "env-file:/x#y/.env#TOKEN_2",
            "command:/usr/local/bin/push 'two words' ci",
            "kv2:secret/iot/ci#token",
            "kv2:https://bao.example.com:8200/secret/ci#token",
            "kubernetes:ci/losant-ci#token",
            "kubernetes:https://[fd00::1]:443/ci/losant#token",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_error_of_a_place_teaches_its_form_and_does_not_repeat_it() {
        for (text, form) in [
            ("", FORMS),
            ("a b", FORMS),
            ("stdout", FORMS),
            ("/run/secrets/ci", FORMS),
            ("ci/build", FORMS),
            ("vault:secret/ci", FORMS),
            ("file:", "the path of a file"),
            ("file:/", "the path of a file"),
            ("file:/run/secrets/", "the path of a file"),
            ("file:..", "the path of a file"),
            ("file:~/token", "$HOME"),
            ("env-file:.env", ENV_FILE),
            ("env-file:.env#", ENV_FILE),
            ("env-file:#X", "the path of a file"),
            ("command:", COMMAND),
            ("command:'", COMMAND),
            ("kv2:secret/ci", KV2),
            ("kv2:secret#token", KV2),
            ("kv2:secret/../ci#token", KV2),
            ("kv2:secret//ci#token", KV2),
            ("kv2:https://bao.example.com#token", KV2),
            ("kv2:https://bao.example.com/secret#token", KV2),
            ("kubernetes:ci/losant", KUBERNETES),
            ("kubernetes:a/b/c#token", KUBERNETES),
            ("file:/run/\u{7}", "control characters"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(form), "{text}: {error}");
        }
        let error = parse("SK-PrjW98OTY1h8QTY9hUA:x").unwrap_err();
        assert!(!error.contains("PrjW98"), "{error}");
    }
}
