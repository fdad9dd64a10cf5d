//! The actions of faults.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::RecordField;
use crate::{NewToken, Simulator};

/// The effect of a fault on a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Responds with this instead of processing the request.
    Answer(Canned),
    /// Processes the request, then responds with this, such as a 503 after the commit.
    AnswerAfterwards(Canned),
    /// Redirects to this location (307) instead of processing.
    Redirect(String),
    /// Waits, then processes the request unless the client has disconnected.
    #[serde(with = "millis")]
    Delay(Duration),
    /// Processes the request at once and responds later.
    #[serde(with = "millis")]
    DelayAnswer(Duration),
    /// Waits, then processes the request even if the client has disconnected.
    ///
    /// Combined with `Answer` or `CloseBefore`, the client gets that at once and the request is
    /// still processed later, as behind a gateway that gives up too early.
    #[serde(with = "millis")]
    ApplyLate(Duration),
    /// Closes the connection without processing the request.
    CloseBefore,
    /// Processes the request, then closes the connection without a response.
    CloseAfter,
    /// Announces the whole body and closes the connection after this many bytes of it.
    CutBody(usize),
    /// Sends the body in chunks of `bytes`, one every `millis`.
    Trickle {
        /// The size of a chunk in bytes.
        bytes: usize,
        /// The time between two chunks in milliseconds.
        millis: u64,
    },
    /// Sends the response twice. The second one is left on the connection and precedes the response
    /// to the next request on it.
    ///
    /// Without a server there is no connection, and this has no effect.
    AnswerTwice,
    /// Sends informational heads (103) without an end instead of the response.
    InformationalFlood,
    /// Spoils the credentials of the request, so that the platform refuses it.
    SpoilCredentials,
    /// Sets the status, whatever the body says.
    Status(u16),
    /// Adds a number that never comes twice to each message of a refusal.
    VaryWords,
    /// Sets the content type, whatever the body is.
    ContentType(String),
    /// Sets a header, such as that of a spent rate budget.
    Header(String, String),
    /// Puts a byte-order mark before the body.
    ByteOrderMark,
    /// Compresses the body with gzip, whatever was requested.
    Gzip,
    /// Compresses the body with gzip in two members (RFC 1952), as a proxy that streams does.
    GzipMembers,
    /// Adds a member with this name and JSON to the body, if it is an object.
    Member(String, String),
    /// Adds a member with this many empty objects, each of a few bytes.
    ManyValues(usize),
    /// Repeats this many of the page's first items at its end.
    RepeatItems(usize),
    /// Reverses the page's items.
    ReorderItems,
    /// Adds this number to every total in the response.
    LieAboutTotals(i64),
    /// Returns the first page, and labels it as the first, whatever page is requested.
    IgnorePage,
    /// Returns the first page's items under the requested number, and reports that more follow.
    EndlessPages,
    /// Pads the body with a member of this many bytes.
    HugeBody(usize),
    /// Adds a member of arrays nested this deep.
    DeepBody(usize),
    /// Replaces a field of the record, or of the first record of a page, by other JSON.
    ///
    /// `json` need not be valid: `"\ud83d"` is half a surrogate pair.
    Falsify {
        /// The field.
        field: RecordField,
        /// The JSON to send instead.
        json: String,
    },
    /// Issues a secret, but responds with that of the oldest token before.
    RepeatSecret,
    /// Issues a secret, but responds with the credential of the request, without its scheme, as
    /// something does that repeats what it was sent.
    EchoCredential,
    /// Changes the collection after the request is processed.
    Churn(Churn),
    /// Calls a function after the request is processed.
    #[serde(skip)]
    Run(Hook),
}

/// A prepared response.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Canned {
    /// The status code.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl Canned {
    /// Creates a response with this status, no headers and an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            body: String::new(),
        }
    }

    /// Creates a response with this status and a JSON body.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::status(status)
            .header("content-type", "application/json")
            .body(body)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Converts this into an HTTP response.
    pub(crate) fn response(&self) -> http::Response<Bytes> {
        let mut response = crate::response::empty(self.status);
        for (name, value) in &self.headers {
            crate::response::set_header(&mut response, name, value);
        }
        *response.body_mut() = Bytes::from(self.body.clone());
        response
    }
}

/// A change to the collection while it is being listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Churn {
    /// Creates a token with this name.
    Create(String),
    /// Erases the token with this id.
    Remove(String),
    /// Erases this many of the oldest tokens.
    RemoveOldest(usize),
    /// Erases this many of the newest tokens.
    RemoveNewest(usize),
}

impl Churn {
    pub(crate) fn apply(&self, simulator: &dyn Simulator) {
        match self {
            Self::Create(name) => {
                simulator.insert(NewToken::named(name.as_str()));
            }
            Self::Remove(id) => {
                simulator.remove(id);
            }
            Self::RemoveOldest(count) => {
                for id in simulator.ids().iter().take(*count) {
                    simulator.remove(id);
                }
            }
            Self::RemoveNewest(count) => {
                for id in simulator.ids().iter().rev().take(*count) {
                    simulator.remove(id);
                }
            }
        }
    }
}

/// A test callback, called after a request is processed.
#[derive(Clone)]
pub struct Hook(Arc<Run>);

type Run = dyn Fn(&dyn Simulator) + Send + Sync;

impl Hook {
    /// Wraps a function.
    pub fn new(run: impl Fn(&dyn Simulator) + Send + Sync + 'static) -> Self {
        Self(Arc::new(run))
    }

    pub(crate) fn run(&self, simulator: &dyn Simulator) {
        (self.0)(simulator);
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hook")
    }
}

/// Durations as whole milliseconds in JSON.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}
