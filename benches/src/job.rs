//! What a client process is told to do.

use serde::{Deserialize, Serialize};
use tokenfleet_simulators::Credentials;

use crate::Platform;

/// Work at a platform. The clients that are no programs of ours read the same as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Where.
    pub platform: Platform,
    /// The address of its simulator.
    pub url: String,
    /// What the simulator accepts.
    pub credentials: Credentials,
    /// What to do there.
    #[serde(flatten)]
    pub work: Work,
}

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Nothing, so that it is known what a client costs by being there.
    Nothing,
    /// To list every token of the account and look at each.
    List {
        /// How many there are, for a client that does not read the answers.
        tokens: u64,
        /// How many tokens to ask for per page; unless given, as many as the client thinks fit.
        page_size: Option<u32>,
        /// How many pages to ask for at a time, for clients that can.
        max_concurrency: Option<u32>,
    },
    /// To create tokens, to read each and to delete it.
    Live {
        /// How many.
        tokens: u64,
        /// How many at a time.
        at_a_time: u64,
        /// What their names begin with; at Foreman no name comes twice.
        names: String,
    },
    /// To list the account's only token and to give it a new secret.
    Refresh {
        /// How often.
        times: u64,
    },
    /// To list many accounts in one inventory. They are the same account under many names.
    Inventory {
        /// How many.
        accounts: u64,
    },
}
