//! The JSON output that scripts rely on.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tokenfleet::{Account, AccountReport, AccountToken, Error, Secret, Token};

use super::annotation::{annotations, without_annotations};
use super::escaped_json::object;
use super::text;
use super::token_json::Line;

/// An object of a stream that mixes kinds of objects, with its kind.
#[derive(Serialize)]
pub(crate) struct Typed<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    object: T,
}

impl<T> Typed<T> {
    pub(crate) fn new(kind: &'static str, object: T) -> Self {
        Self { kind, object }
    }
}

impl<'a> Typed<&'a AccountReport> {
    pub(crate) fn account(object: &'a AccountReport) -> Self {
        let kind = "account";
        Self { kind, object }
    }
}

/// A token with its account, and with its secret only in the response that issued it.
pub(crate) struct TokenObject<'a> {
    account: &'a Account,
    token: &'a Token,
    secret: Option<&'a str>,
    /// The place that the secret was written to, if that is not the output.
    secret_to: Option<&'a str>,
}

impl Serialize for TokenObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Object<'a> {
            #[serde(flatten)]
            token: AccountToken<'a>,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            annotation: BTreeMap<&'static str, &'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            secret: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            secret_to: Option<&'a str>,
        }
        Object {
            token: AccountToken::new(self.account, &without_annotations(self.token)),
            annotation: annotations(self.token).collect(),
            secret: self.secret,
            secret_to: self.secret_to,
        }
        .serialize(serializer)
    }
}

impl<'a> TokenObject<'a> {
    pub(crate) fn new(account: &'a Account, token: &'a Token, secret: Option<&'a Secret>) -> Self {
        Self {
            account,
            token,
            secret: secret.map(Secret::expose),
            secret_to: None,
        }
    }

    /// Adds the place that the secret was written to.
    pub(crate) fn with_secret_to(mut self, place: &'a str) -> Self {
        self.secret_to = Some(place);
        self
    }

    /// Writes the token as [`object`] does, in a fraction of the time (decision 0042).
    pub(super) fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        self.write_between(b"{", b"}", &mut Line::default(), writer)
    }

    /// Writes the token on a line of a stream that mixes kinds of objects, as [`Typed`] does.
    pub(super) fn write_typed_line(
        &self,
        line: &mut Line,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        self.write_between(b"{\"type\":\"token\",", b"}\n", line, writer)
    }

    /// Writes the members of the token between two texts. They are put together in `line`, which
    /// may have served another token, and passed on at once.
    pub(super) fn write_between(
        &self,
        start: &[u8],
        end: &[u8],
        line: &mut Line,
        writer: &mut impl Write,
    ) -> io::Result<()> {
        line.json.clear();
        line.json.extend_from_slice(start);
        let token = without_annotations(self.token);
        line.add_members(self.account, &token)?;
        if matches!(token, Cow::Owned(_)) {
            line.json.extend_from_slice(b",\"annotation\":");
            object(
                &mut line.json,
                &annotations(self.token).collect::<BTreeMap<_, _>>(),
            )?;
        }
        if let Some(secret) = self.secret {
            // Past the line, which is not wiped.
            line.json.extend_from_slice(b",\"secret\":");
            writer.write_all(&line.json)?;
            line.json.clear();
            object(writer, &secret)?;
        }
        if let Some(place) = self.secret_to {
            line.json.extend_from_slice(b",\"secret_to\":");
            object(&mut line.json, &place)?;
        }
        line.json.extend_from_slice(end);
        writer.write_all(&line.json)
    }
}

/// An error, as `{"error": …}`.
pub(crate) fn error(error: &Error) -> serde_json::Result<Value> {
    let mut object = serde_json::to_value(error)?;
    // With the name of the command.
    object["message"] = text::error_line(error).into();
    Ok(json!({ "error": object }))
}
