//! Simulated accounts as a configuration has them, whose credentials are planted.

use std::sync::Arc;

use tokenfleet::AccountConfiguration;
use tokenfleet::config::Setting;
use tokenfleet_simulators::Simulator;

use crate::{SharedPlanted, fixed, lock};

/// Simulated accounts: the platform, and the credential that one acts with there.
pub const ACCOUNTS: [(&str, &str); 5] = [
    ("losant", "token"),
    ("foreman", "token"),
    ("cloudsmith", "api_key"),
    ("cloudsmith", "password"),
    ("mindbody", "api_key"),
];

/// Secrets that nobody told us of: platforms name them in their errors, headers and addresses.
pub const FOREIGN: [&str; 2] = [
    "SK-PrjW98OTY1h8QTY9hUA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0",
];

/// The password of every account that has one.
pub const PASSWORD: &str = "correct-horse-9b1f";

/// The second factor of every account that has one.
pub const CODE: &str = "918273645";

/// The options of the simulator behind such an account.
#[must_use]
pub fn account_options(platform: &str) -> &'static [&'static str] {
    match platform {
        "cloudsmith" => &["tokens=1", "password=correct-horse-9b1f", "totp=918273645"],
        "foreman" | "mindbody" => &["tokens=3", "password=correct-horse-9b1f"],
        _ => &["tokens=3"],
    }
}

/// The account as a configuration has it.
#[must_use]
pub fn account(
    simulator: &Arc<dyn Simulator>,
    acting: &str,
    base_url: String,
    planted: &SharedPlanted,
) -> AccountConfiguration {
    let platform = simulator.provider();
    let mut credentials = simulator.credentials();
    if acting == "password" {
        credentials.remove("api_key");
        credentials.insert("email".to_owned(), "me@example.com".to_owned());
        credentials.insert("password".to_owned(), PASSWORD.to_owned());
    }
    let mut account = AccountConfiguration::new("main", platform)
        .with_setting("base_url", Setting::Text(base_url));
    if platform == "cloudsmith" {
        account = account.with_setting("accept_lockout", Setting::Boolean(true));
    }
    let account = credentials
        .into_iter()
        .fold(account, |account, (key, value)| {
            let setting = match key.as_str() {
                "token" | "api_key" | "password" => {
                    lock(planted).plant("an acting credential", &value);
                    Setting::Credential(fixed(&value))
                }
                _ => Setting::Text(value),
            };
            account.with_setting(key, setting)
        });
    lock(planted).plant("a code", CODE);
    lock(planted).plant("a password", PASSWORD);
    for secret in FOREIGN {
        lock(planted).plant("a foreign token", secret);
    }
    account
}
