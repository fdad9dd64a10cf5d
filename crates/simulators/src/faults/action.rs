//! The things that can go wrong.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{NewToken, Simulator};

/// One thing that goes wrong with a request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Answers this instead of processing the request.
    Answer(Canned),
    /// Processes the request, then answers this: the 503 that came after the commit.
    AnswerAfterwards(Canned),
    /// Answers with a redirect to this location (307) instead of processing.
    Redirect(String),
    /// Waits, then processes. A client that has left by then is not served.
    #[serde(with = "millis")]
    Delay(Duration),
    /// Processes at once, answers later.
    #[serde(with = "millis")]
    DelayAnswer(Duration),
    /// Waits, then processes even when the client has long left. Together with `Answer` or
    /// `CloseBefore` the client is told that at once, and the request is processed all the same: the
    /// gateway that gave up too early.
    #[serde(with = "millis")]
    ApplyLate(Duration),
    /// Closes the connection without processing.
    CloseBefore,
    /// Processes, then closes the connection without an answer.
    CloseAfter,
    /// Announces the whole body and closes the connection after so many bytes of it.
    CutBody(usize),
    /// Sends the body in pieces of `bytes`, one every `millis`.
    Trickle {
        /// Bytes in a piece.
        bytes: usize,
        /// Milliseconds between two.
        millis: u64,
    },
    /// Calls the body this type, whatever it is.
    ContentType(String),
    /// Lists the first items of the page again at its end, so many of them.
    RepeatItems(usize),
    /// Lists the page's items backwards.
    ReorderItems,
    /// Adds this to every total that the answer names.
    LieAboutTotals(i64),
    /// Answers the first page whatever page is asked for, and calls it the first.
    IgnorePage,
    /// Answers every page with the first page's items, under the number asked for, and says that
    /// there is more.
    EndlessPages,
    /// Pads the body with a member of so many bytes.
    HugeBody(usize),
    /// Adds a member of arrays nested so deep.
    DeepBody(usize),
    /// Changes the collection after the request was processed.
    Churn(Churn),
    /// Calls this after the request was processed.
    #[serde(skip)]
    Run(Hook),
}

/// An answer prepared beforehand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Canned {
    /// The status.
    pub status: u16,
    /// The headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

impl Canned {
    /// This status, no headers, an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: BTreeMap::new(),
            body: String::new(),
        }
    }

    /// This status with a body in JSON.
    pub fn json(status: u16, body: impl Into<String>) -> Self {
        Self::status(status)
            .header("content-type", "application/json")
            .body(body)
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn response(&self) -> http::Response<Bytes> {
        let mut response = crate::answer::empty(self.status);
        for (name, value) in &self.headers {
            crate::answer::set(&mut response, name, value);
        }
        *response.body_mut() = Bytes::from(self.body.clone());
        response
    }
}

/// A change to the collection while somebody walks it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Churn {
    /// Creates a token of this name.
    Create(String),
    /// Erases the token of this id.
    Remove(String),
    /// Erases the oldest tokens, so many.
    RemoveOldest(usize),
    /// Erases the newest tokens, so many.
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

/// A function of the test's own, run after a request was processed.
#[derive(Clone)]
pub struct Hook(Arc<Run>);

type Run = dyn Fn(&dyn Simulator) + Send + Sync;

impl Hook {
    /// Runs this.
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

/// Durations in JSON are whole milliseconds.
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
