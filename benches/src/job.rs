//! The job of a client process.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokenfleet_simulators::Credentials;

use crate::Platform;

/// Work at a platform, which clients in other languages read as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// The platform.
    pub platform: Platform,
    /// The address of its simulator.
    pub url: String,
    /// The credentials that the simulator accepts.
    pub credentials: Credentials,
    /// The file with the certificate of a private authority that the simulator is behind.
    #[serde(default)]
    pub authority: Option<PathBuf>,
    /// The work to do there.
    #[serde(flatten)]
    pub work: Work,
}

/// The work to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "work", rename_all = "snake_case")]
pub enum Work {
    /// Does nothing, to measure the cost of starting a client.
    Nothing,
    /// Lists every token of the account and reads each.
    List {
        /// The number of tokens, for a client that does not decode the responses.
        tokens: u64,
        /// The number of tokens per page, or `None` for the default of the client.
        page_size: Option<u32>,
        /// The number of pages in flight, for clients that support more than one.
        max_concurrency: Option<u32>,
    },
    /// Creates tokens, reads each and deletes it.
    Live {
        /// The number of tokens.
        tokens: u64,
        /// The number of tokens at a time.
        at_a_time: u64,
        /// The prefix of their names, which are unique at Foreman.
        names: String,
    },
    /// Lists the account's only token and rotates it.
    Refresh {
        /// The number of rotations.
        times: u64,
    },
    /// Lists many accounts in one inventory, which are the same account under many names.
    Inventory {
        /// The number of accounts.
        accounts: u64,
    },
}
