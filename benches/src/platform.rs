//! Simulated platforms on ports.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokenfleet_simulators::{Action, Fault, Server};

use crate::{Distance, Job, Work};

/// A simulated platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Platform {
    /// Losant, read backward by id.
    Losant,
    /// Foreman 3.9, read forward by id.
    Foreman39,
    /// Foreman 3.1, read forward by name.
    Foreman31,
    /// Cloudsmith, which has one token.
    Cloudsmith,
}

impl Platform {
    /// The platforms that hold many tokens.
    pub const WITH_PAGES: [Self; 3] = [Self::Losant, Self::Foreman39, Self::Foreman31];

    /// Returns the name and version of the platform.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Losant => "Losant",
            Self::Foreman39 => "Foreman 3.9",
            Self::Foreman31 => "Foreman 3.1",
            Self::Cloudsmith => "Cloudsmith",
        }
    }

    /// Returns the name and the options of the simulator.
    fn simulator(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Losant => ("losant", &[]),
            Self::Foreman39 => ("foreman", &["version=3.9"]),
            Self::Foreman31 => ("foreman", &["version=3.1"]),
            // The hourly budget of a free account would end the runs.
            Self::Cloudsmith => ("cloudsmith", &["rate_limit=none"]),
        }
    }
}

/// A platform that this process simulates.
#[derive(Debug)]
pub struct Simulated {
    platform: Platform,
    server: Server,
}

impl Simulated {
    /// Starts a simulator with this number of tokens on a free port.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no free port.
    pub async fn start(platform: Platform, tokens: usize) -> Result<Self, Box<dyn Error>> {
        Self::start_with(platform, tokens, false).await
    }

    /// Starts a simulator that compresses responses where a request accepts that.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no free port.
    pub async fn start_compressed(
        platform: Platform,
        tokens: usize,
    ) -> Result<Self, Box<dyn Error>> {
        Self::start_with(platform, tokens, true).await
    }

    async fn start_with(
        platform: Platform,
        tokens: usize,
        gzip: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let (name, options) = platform.simulator();
        let common = [format!("tokens={tokens}"), format!("gzip={gzip}")];
        let common = common.iter().map(String::as_str);
        let options: Vec<_> = options.iter().copied().chain(common).collect();
        let simulator = tokenfleet_simulators::build(name, &options)?;
        // Requests are counted, but nobody reads them.
        simulator.log().keep_last(0);
        let server = Server::start_shared(simulator, "127.0.0.1:0").await?;
        Ok(Self { platform, server })
    }

    /// Delays each response.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        let fault = Fault::new(Action::DelayAnswer(delay)).always();
        self.server.simulator().faults().add(fault);
        self
    }

    /// Returns the platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.platform
    }

    /// Returns a job at this platform.
    #[must_use]
    pub fn job(&self, work: Work) -> Job {
        Job {
            platform: self.platform,
            url: self.server.url(),
            credentials: self.server.simulator().credentials(),
            authority: None,
            work,
        }
    }

    /// Returns the same job, done through a distant server in front of this platform.
    #[must_use]
    pub fn job_at(&self, distance: &Distance, work: Work) -> Job {
        Job {
            url: distance.url(),
            authority: Some(distance.authority().to_owned()),
            ..self.job(work)
        }
    }

    /// Returns the socket address of the simulator.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the number of requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.server.simulator().log().total()
    }
}
