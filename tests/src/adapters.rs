//! Adapters in front of simulators in the same process.

use std::sync::Arc;
use std::time::Duration;

use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::{Credential, Secret, TokenProvider};
use tokenfleet_foreman::{Foreman, ForemanConfig};
use tokenfleet_http::{BaseUrl, RetryPolicy, Transport};
use tokenfleet_losant::{Losant, LosantConfig};
use tokenfleet_mindbody::{Mindbody, MindbodyConfig};
use tokenfleet_simulators::Simulator;

use crate::InProcess;

/// Returns the retry policy of production without its waits.
#[must_use]
pub fn immediate_retries() -> RetryPolicy {
    RetryPolicy::default().with_backoff(Duration::ZERO, Duration::ZERO)
}

/// Returns a credential that never changes.
#[must_use]
pub fn fixed_credential(secret: &str) -> Credential {
    Credential::from_secret(Secret::new(secret))
}

/// Returns the address of platforms in this process, which is never resolved.
#[must_use]
pub fn base_url() -> BaseUrl {
    BaseUrl::parse("http://127.0.0.1:9").unwrap_or_else(|_| BaseUrl::from_host("localhost"))
}

/// Returns a simulator with these options.
#[must_use]
pub fn build(name: &str, options: &[&str]) -> Arc<dyn Simulator> {
    match tokenfleet_simulators::build(name, options) {
        Ok(simulator) => simulator,
        Err(error) => unreachable!("{error}"),
    }
}

/// Returns a transport to a simulator in the same process.
#[must_use]
pub fn transport(simulator: &Arc<dyn Simulator>) -> Arc<dyn Transport> {
    Arc::new(InProcess(Arc::clone(simulator)))
}

/// Returns a configuration of Losant in this process.
#[must_use]
pub fn losant_config(acting: Credential) -> LosantConfig {
    LosantConfig::new(acting).with_base_url(base_url())
}

/// Returns a configuration of Foreman in this process, for the user of the simulator.
#[must_use]
pub fn foreman_config(simulator: &Arc<dyn Simulator>, acting: Credential) -> ForemanConfig {
    let credentials = simulator.credentials();
    let user_id = credentials["user_id"].parse().unwrap_or_default();
    ForemanConfig::new(base_url(), credentials["login"].as_str(), acting, user_id)
}

/// Returns the adapter of the simulator's platform, which acts with `acting` over `transport`.
#[must_use]
pub fn adapter(
    simulator: &Arc<dyn Simulator>,
    acting: Credential,
    transport: Arc<dyn Transport>,
) -> Arc<dyn TokenProvider> {
    let retry = immediate_retries();
    match simulator.provider() {
        "losant" => {
            let config = losant_config(acting);
            Arc::new(Losant::new("main", config, transport).with_retry(retry))
        }
        "foreman" => {
            let config = foreman_config(simulator, acting);
            Arc::new(Foreman::new("main", config, transport).with_retry(retry))
        }
        "cloudsmith" => {
            let config = CloudsmithConfig::new(acting)
                .with_lockout_accepted()
                .with_base_url(base_url());
            Arc::new(Cloudsmith::new("main", config, transport).with_retry(retry))
        }
        _ => {
            let credentials = simulator.credentials();
            let password = fixed_credential(&credentials["password"]);
            let (site, username) = (&*credentials["site_id"], &*credentials["username"]);
            let config =
                MindbodyConfig::new(site, acting, username, password).with_base_url(base_url());
            Arc::new(Mindbody::new("main", config, transport).with_retry(retry))
        }
    }
}
