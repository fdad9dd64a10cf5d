//! The request that creates the successor of a token.

use std::time::Duration;

use tokenfleet_core::capability::{ArgumentSupport, ArgumentValue};
use tokenfleet_core::model::Attribute;
use tokenfleet_core::workflow::Marker;
use tokenfleet_core::{Capabilities, CreateToken, Error, Fact, Result, Token};

/// Returns a text without the marker at its end.
///
/// ```
/// use tokenfleet_rotation::policy::without_marker;
///
/// assert_eq!(without_marker("ci tf-0123456789abcdef"), "ci");
/// assert_eq!(without_marker("ci tf-0123456789abcdef-2"), "ci tf-0123456789abcdef-2");
/// assert_eq!(without_marker("tf-0123456789abcdef"), "");
/// ```
#[must_use]
pub fn without_marker(text: &str) -> &str {
    let trimmed = text.trim_end();
    let start = trimmed.rfind(' ').map_or(0, |at| at + 1);
    let is_marker = trimmed
        .get(start..)
        .is_some_and(|word| word.parse::<Marker>().is_ok());
    if is_marker {
        trimmed.get(..start).unwrap_or_default().trim_end()
    } else {
        text
    }
}

/// Creates the request for the successor of a token: with its name and description without their
/// markers, its scopes, what only its platform has (such as a role) as far as a creation takes it,
/// and a lifetime of its own.
///
/// # Errors
///
/// [`InvalidInput`](tokenfleet_core::ErrorKind::InvalidInput) if the successor would do less or
/// more than the token, because the platform does not report its scopes, its name cannot be read,
/// or what it reports is no value that a creation takes, such as the teams of a service account.
pub fn successor_request(
    capabilities: &Capabilities,
    subject: Option<&Token>,
    new_expiry: Option<Duration>,
) -> Result<CreateToken> {
    let mut request = CreateToken::unnamed();
    if let Some(lifetime) = new_expiry {
        request = request.with_lifetime(lifetime);
    }
    let (Some(create), Some(subject)) = (&capabilities.create, subject) else {
        return Ok(request);
    };
    for field in ["name", "description", "scopes"] {
        if subject.attributes.is_unreadable(field) {
            return Err(Error::invalid_input(format!(
                "the {field} of the token {} cannot be read, so it cannot be given to a successor",
                subject.id
            )));
        }
    }
    if create.name != ArgumentSupport::Unsupported {
        request.name = subject
            .name
            .known()
            .map(|name| without_marker(name).to_owned());
    }
    if create.description {
        let description = subject.description.known().map(|text| without_marker(text));
        request.description = description
            .filter(|text| !text.is_empty())
            .map(str::to_owned);
    }
    if create.scopes {
        request.scopes = match &subject.scopes {
            Fact::Known(scopes) => Some(scopes.to_vec()),
            Fact::Absent => None,
            Fact::NotReported => {
                return Err(Error::invalid_input(format!(
                    "the platform does not report the scopes of the token {}",
                    subject.id
                ))
                .with_advice(
                    "a successor without them would do less, or more: rotate it yourself",
                ));
            }
        };
    }
    for argument in &create.arguments {
        let name = &*argument.name;
        let Some(reported) = subject.attributes.get(name) else {
            continue;
        };
        match argument_value(reported) {
            Ok(None) => {}
            Ok(Some(value)) => request = request.with_argument(name, value),
            Err(Unlike) => {
                return Err(Error::invalid_input(format!(
                    "the {name} of the token {} cannot be given to a successor",
                    subject.id
                ))
                .with_advice(
                    "a successor without them would do less: rotate it in place, where the \
                     platform can, or replace it yourself",
                ));
            }
        }
    }
    Ok(request)
}

/// A reported value that no argument of a creation takes.
struct Unlike;

/// Returns the argument that creates what an attribute reports, or `None` if that is nothing.
fn argument_value(reported: &Attribute) -> Result<Option<ArgumentValue>, Unlike> {
    let value = match reported {
        Attribute::Null => return Ok(None),
        Attribute::Boolean(value) => ArgumentValue::from(*value),
        Attribute::Integer(value) => ArgumentValue::from(*value),
        Attribute::Text(text) if text.is_empty() => return Ok(None),
        Attribute::Text(text) => ArgumentValue::from(text.as_str()),
        Attribute::List(values) if values.is_empty() => return Ok(None),
        Attribute::List(values) => {
            let texts = values.iter().map(|value| match value {
                Attribute::Text(text) => Ok(text.clone()),
                _ => Err(Unlike),
            });
            ArgumentValue::from(texts.collect::<Result<Vec<_>, _>>()?)
        }
        _ => return Err(Unlike),
    };
    Ok(Some(value))
}
