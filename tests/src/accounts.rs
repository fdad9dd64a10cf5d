//! Configured accounts at simulators, with every secret that must stay hidden.

use std::fmt;
use std::sync::Arc;

use tokenfleet::config::Setting;
use tokenfleet::{AccountConfiguration, Registry};
use tokenfleet_core::{Secret, TokenId, TokenProvider};
use tokenfleet_http::Transport;
use tokenfleet_simulators::{NewToken, Simulator};

use crate::{CanarySecrets, SecretRecordingTransport, Target, base_url, fixed_credential};

/// The tested accounts: the platform, and the kind of credential that acts there, or the resource
/// if it is not the platform's first one.
pub const ACCOUNTS: [(&str, &str); 6] = [
    ("losant", "token"),
    ("foreman", "token"),
    ("cloudsmith", "api_key"),
    ("cloudsmith", "password"),
    ("cloudsmith", "service accounts"),
    ("mindbody", "api_key"),
];

/// Secrets that the library was never given: platforms leak them in errors, headers and addresses.
pub const LEAKED_SECRETS: [&str; 2] = [
    "SK-PrjW98OTY1h8QTY9hUA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0",
];

/// The password of every account that has one.
pub const PASSWORD: &str = "correct-horse-9b1f";

/// The second factor of every account that has one.
pub const TOTP_CODE: &str = "918273645";

/// Returns the options of the simulator behind an account of [`ACCOUNTS`].
#[must_use]
pub fn simulator_options(platform: &str, acting: &str) -> &'static [&'static str] {
    match platform {
        "cloudsmith" if acting == "service accounts" => &[
            "tokens=3",
            "collection=services",
            "password=correct-horse-9b1f",
            "totp=918273645",
        ],
        "cloudsmith" => &["tokens=1", "password=correct-horse-9b1f", "totp=918273645"],
        "foreman" | "mindbody" => &["tokens=3", "password=correct-horse-9b1f"],
        _ => &["tokens=3"],
    }
}

/// An account opened through the registry, and the secrets that nothing may show.
pub struct CanaryAccount {
    /// The platform.
    pub simulator: Arc<dyn Simulator>,
    /// The adapter in front of it.
    pub provider: Arc<dyn TokenProvider>,
    /// The account as a configuration holds it.
    pub configuration: AccountConfiguration,
    /// The secrets known so far.
    pub secrets: CanarySecrets,
    /// An existing token, or one that never existed if the platform holds none.
    pub token: Target,
}

/// A simulator's `Debug` shows the credentials that it accepts.
impl fmt::Debug for CanaryAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CanaryAccount")
            .field(&self.configuration)
            .finish()
    }
}

impl CanaryAccount {
    /// Opens the account in this process, recording every secret that the platform returns.
    #[must_use]
    pub fn new(simulator: Arc<dyn Simulator>, acting: &str) -> Self {
        let secrets = CanarySecrets::default();
        let transport = SecretRecordingTransport {
            simulator: Arc::clone(&simulator),
            secrets: secrets.clone(),
        };
        let url = base_url().to_string();
        Self::open(simulator, acting, Arc::new(transport), url, secrets)
    }

    /// Opens the account over a transport of the caller's.
    #[must_use]
    pub fn over(
        simulator: Arc<dyn Simulator>,
        acting: &str,
        transport: Arc<dyn Transport>,
        base_url: String,
    ) -> Self {
        let secrets = CanarySecrets::default();
        Self::open(simulator, acting, transport, base_url, secrets)
    }

    fn open(
        simulator: Arc<dyn Simulator>,
        acting: &str,
        transport: Arc<dyn Transport>,
        base_url: String,
        secrets: CanarySecrets,
    ) -> Self {
        let configuration = account_configuration(&simulator, acting, base_url, &secrets);
        let provider = match Registry::with_builtin().open(&configuration, transport) {
            Ok(provider) => provider,
            Err(error) => unreachable!("{error}"),
        };
        Self {
            token: existing_token(&*simulator),
            simulator,
            provider,
            configuration,
            secrets,
        }
    }

    /// Returns where `text` shows a secret of the account or of any token that exists there.
    #[must_use]
    pub fn leaks_in(&self, text: &str) -> Vec<String> {
        self.secrets.plant("the token", self.token.secret.expose());
        for token in self.simulator.tokens() {
            self.secrets.plant("an existing token", &token.secret);
        }
        self.secrets.found_in(text)
    }
}

/// Returns a token that exists: Cloudsmith's only one, if it has one, or a new one.
fn existing_token(simulator: &dyn Simulator) -> Target {
    let (id, secret) = match (simulator.provider(), simulator.tokens().into_iter().next()) {
        ("cloudsmith", None) => ("none".to_owned(), "no-such-secret".to_owned()),
        ("cloudsmith", Some(token)) => (token.id, token.secret),
        _ => {
            let issued = simulator.insert(NewToken::named("canary"));
            (issued.id, issued.secret)
        }
    };
    Target {
        id: TokenId::new(id),
        secret: Secret::new(secret),
    }
}

/// Returns the account as a configuration holds it, and plants its credentials.
fn account_configuration(
    simulator: &Arc<dyn Simulator>,
    acting: &str,
    base_url: String,
    secrets: &CanarySecrets,
) -> AccountConfiguration {
    let platform = simulator.provider();
    let mut credentials = simulator.credentials();
    if acting == "password" {
        credentials.remove("api_key");
        credentials.insert("email".to_owned(), "me@example.com".to_owned());
        credentials.insert("password".to_owned(), PASSWORD.to_owned());
    }
    let mut account = AccountConfiguration::new("main", platform).with("base_url", base_url);
    if acting == "service accounts" {
        let slug = tokenfleet_simulators::cloudsmith::Options::default().organization;
        account = account.with("resource", [("organization", slug.as_str())]);
    } else if platform == "cloudsmith" {
        account = account.with("accept_lockout", true);
    }
    for (key, value) in credentials {
        let setting = if matches!(key.as_str(), "token" | "api_key" | "password") {
            secrets.plant("an acting credential", &value);
            Setting::Credential(fixed_credential(&value))
        } else {
            Setting::Text(value)
        };
        account = account.with(key, setting);
    }
    secrets.plant("a code", TOTP_CODE);
    secrets.plant("a password", PASSWORD);
    for secret in LEAKED_SECRETS {
        secrets.plant("a leaked secret", secret);
    }
    account
}
