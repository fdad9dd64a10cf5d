//! What a client process is told to do.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokenfleet::foreman::{Foreman, ForemanConfig, Release};
use tokenfleet::http::{BaseUrl, ReqwestTransport};
use tokenfleet::losant::{Losant, LosantConfig};
use tokenfleet::{Credential, Error, Query, Result, Secret, TokenProvider, TokenProviderExt};
use tokenfleet_simulators::Credentials;

use crate::Cost;

/// A simulated platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Platform {
    /// Losant, read backwards by id.
    Losant,
    /// Foreman 3.9, read forwards by id.
    Foreman39,
    /// Foreman 3.1, read forwards by name.
    Foreman31,
}

impl Platform {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Losant, Self::Foreman39, Self::Foreman31];

    /// What people call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Losant => "Losant",
            Self::Foreman39 => "Foreman 3.9",
            Self::Foreman31 => "Foreman 3.1",
        }
    }

    /// The name and the options of its simulator.
    #[must_use]
    pub fn simulator(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Losant => ("losant", &[]),
            Self::Foreman39 => ("foreman", &["version=3.9"]),
            Self::Foreman31 => ("foreman", &["version=3.1"]),
        }
    }
}

/// Listing every token of one account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Where.
    pub platform: Platform,
    /// The address of its simulator.
    pub url: String,
    /// What the simulator accepts.
    pub credentials: Credentials,
    /// How many tokens to ask for per page.
    pub page_size: Option<u32>,
    /// How many pages to ask for at a time.
    pub pages_at_a_time: Option<u32>,
}

impl Job {
    /// Lists all tokens, drops each, and says what that cost.
    ///
    /// # Errors
    ///
    /// When the listing fails.
    pub async fn run(&self) -> Result<Cost> {
        let provider = self.provider()?;
        let mut query = Query::new();
        query.page_size = self.page_size;
        if let Some(pages) = self.pages_at_a_time {
            query = query.with_pages_at_a_time(pages);
        }
        let begun = Instant::now();
        let mut listing = provider.list(query)?;
        let (mut tokens, mut first_token) = (0, None);
        while let Some(token) = listing.next().await {
            std::hint::black_box(token?);
            first_token.get_or_insert_with(|| begun.elapsed());
            tokens += 1;
        }
        let wall = begun.elapsed();
        let complete = listing
            .completeness()
            .is_some_and(|list| list.is_complete());
        let (processor, peak_memory) =
            Cost::of_this_process().map_err(|error| Error::invalid_input(error.to_string()))?;
        Ok(Cost {
            tokens,
            complete,
            wall,
            first_token: first_token.unwrap_or(wall),
            processor,
            peak_memory,
        })
    }

    fn provider(&self) -> Result<Arc<dyn TokenProvider>> {
        let transport = Arc::new(ReqwestTransport::new()?);
        let url = BaseUrl::parse(&self.url)?;
        let credential = |name: &str| self.credentials.get(name).cloned().unwrap_or_default();
        let token = Credential::fixed(Secret::new(credential("token")));
        Ok(match self.platform {
            Platform::Losant => {
                let config = LosantConfig::new(token).with_base_url(url);
                Arc::new(Losant::new("bench", config, transport))
            }
            Platform::Foreman39 | Platform::Foreman31 => {
                let user_id = credential("user_id").parse().unwrap_or_default();
                let release = match self.platform {
                    Platform::Foreman31 => Release::new(3, 1),
                    _ => Release::new(3, 9),
                };
                let config = ForemanConfig::new(url, credential("login"), token, user_id)
                    .with_release(release);
                Arc::new(Foreman::new("bench", config, transport))
            }
        })
    }
}
