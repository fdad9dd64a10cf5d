//! Each adapter before its simulator.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet_core::{Credential, Secret, TokenProvider};
use tokenfleet_foreman::{Foreman, ForemanConfig, Release};
use tokenfleet_http::{BaseUrl, RetryPolicy, Transport};
use tokenfleet_losant::{Losant, LosantConfig, Resource};
use tokenfleet_mindbody::{Mindbody, MindbodyConfig};
use tokenfleet_simulators::Simulator;

use crate::{InProcess, SimulatedFixture};

/// What a fixture needs to know about a platform.
#[derive(Debug)]
pub struct Platform {
    /// The platform.
    pub simulator: Arc<dyn Simulator>,
    /// The adapter before it.
    pub provider: Arc<dyn TokenProvider>,
    /// The adapter with a credential that is not accepted.
    pub intruder: Arc<dyn TokenProvider>,
    /// The credentials of both, as they are sent.
    pub credentials: Vec<String>,
    /// Scopes that a token may be given.
    pub scopes: Vec<String>,
}

/// Foreman's releases between which its tokens changed, with the options of their simulators.
pub const FOREMAN_RELEASES: [(&str, Release); 8] = [
    ("version=1.17", Release::new(1, 17)),
    ("version=1.24", Release::new(1, 24)),
    ("version=2.5", Release::new(2, 5)),
    ("version=3.1", Release::new(3, 1)),
    ("version=3.2", Release::new(3, 2)),
    ("version=3.8", Release::new(3, 8)),
    ("version=3.9", Release::new(3, 9)),
    ("version=3.13", Release::new(3, 13)),
];

const WRONG: &str = "wrong-credential-4e5f6a7b";

/// Repeats as in production, without the waiting.
#[must_use]
pub fn retry() -> RetryPolicy {
    RetryPolicy::default().with_backoff(Duration::ZERO, Duration::ZERO)
}

/// A credential that stays.
#[must_use]
pub fn fixed(secret: &str) -> Credential {
    Credential::from_secret(Secret::new(secret))
}

/// Where in-process platforms live: never looked up.
#[must_use]
pub fn base_url() -> BaseUrl {
    BaseUrl::parse("http://127.0.0.1:9").unwrap_or_else(|_| BaseUrl::from_host("localhost"))
}

/// A simulator with these options.
#[must_use]
pub fn build(name: &str, options: &[&str]) -> Arc<dyn Simulator> {
    match tokenfleet_simulators::build(name, options) {
        Ok(simulator) => simulator,
        Err(error) => unreachable!("{error}"),
    }
}

/// The way to a simulator in the same process.
#[must_use]
pub fn transport(simulator: &Arc<dyn Simulator>) -> Arc<dyn Transport> {
    Arc::new(InProcess(Arc::clone(simulator)))
}

/// Losant with these options; `collection=application` and `collection=instance` choose other tokens than the user's.
#[must_use]
pub fn losant(options: &[&str]) -> SimulatedFixture {
    let simulator = build("losant", options);
    let defaults = tokenfleet_simulators::losant::Options::default();
    let resource = if options.contains(&"collection=application") {
        Resource::Application(defaults.application_id)
    } else if options.contains(&"collection=instance") {
        Resource::Instance(defaults.instance_id)
    } else {
        Resource::User
    };
    let token = simulator.credentials()["token"].clone();
    let provider = |token: &str| {
        let config = LosantConfig::new(fixed(token))
            .with_base_url(base_url())
            .with_resource(resource.clone());
        Arc::new(Losant::new("iot", config, transport(&simulator)).with_retry(retry()))
    };
    SimulatedFixture::new(Platform {
        provider: provider(&token),
        intruder: provider(WRONG),
        credentials: vec![token, WRONG.to_owned()],
        scopes: match resource {
            Resource::User => vec!["all.User.read".to_owned(), "userApiTokens.get".to_owned()],
            Resource::Application(_) => vec!["all.Application.read".to_owned()],
            _ => vec!["all.Instance.read".to_owned()],
        },
        simulator,
    })
}

/// Foreman with these options, of a release that is configured or learned.
#[must_use]
pub fn foreman(options: &[&str], release: Option<Release>) -> SimulatedFixture {
    let simulator = build("foreman", options);
    let credentials = simulator.credentials();
    let login = credentials["login"].clone();
    let token = credentials["token"].clone();
    let user_id = credentials["user_id"].parse().unwrap_or_default();
    let provider = |token: &str| {
        let mut config = ForemanConfig::new(base_url(), login.as_str(), fixed(token), user_id);
        if let Some(release) = release {
            config = config.with_release(release);
        }
        Arc::new(Foreman::new("infra", config, transport(&simulator)).with_retry(retry()))
    };
    let basic = |token: &str| STANDARD.encode(format!("{login}:{token}"));
    SimulatedFixture::new(Platform {
        provider: provider(&token),
        intruder: provider(WRONG),
        credentials: vec![basic(&token), basic(WRONG), token, WRONG.to_owned()],
        scopes: Vec::new(),
        simulator,
    })
}

/// Cloudsmith with these options, acting with an API key, or with e-mail address and password.
#[must_use]
pub fn cloudsmith(options: &[&str], with_password: bool) -> SimulatedFixture {
    let simulator = build("cloudsmith", options);
    let defaults = tokenfleet_simulators::cloudsmith::Options::default();
    let provider = |secret: &str| {
        let config = if with_password {
            CloudsmithConfig::for_user(defaults.email.as_str(), fixed(secret))
        } else {
            CloudsmithConfig::new(fixed(secret)).with_lockout_accepted()
        };
        let config = config.with_base_url(base_url());
        Arc::new(Cloudsmith::new("packages", config, transport(&simulator)).with_retry(retry()))
    };
    let secret = if with_password {
        defaults.password.clone()
    } else {
        simulator.credentials()["api_key"].clone()
    };
    let basic = |secret: &str| STANDARD.encode(format!("{}:{secret}", defaults.email));
    let mut credentials = vec![basic(&secret), basic(WRONG), WRONG.to_owned()];
    // A password of two letters is found in any text.
    credentials.extend((!with_password).then(|| secret.clone()));
    SimulatedFixture::new(Platform {
        provider: provider(&secret),
        intruder: provider(WRONG),
        credentials,
        scopes: Vec::new(),
        simulator,
    })
}

/// What is wrong with the intruder at Mindbody, where calls carry an API key and a site, and the issue a password too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The password.
    Password,
    /// The API key.
    ApiKey,
    /// The site, which does not exist.
    Site,
    /// The site, which exists and is not that of the tokens.
    OtherSite,
}

/// Mindbody with these options, showing tokens as `Bearer` or bare.
#[must_use]
pub fn mindbody(options: &[&str], bare: bool) -> SimulatedFixture {
    mindbody_intruded(options, bare, Wrong::Password)
}

/// The same, where something else is wrong with the intruder.
#[must_use]
pub fn mindbody_intruded(options: &[&str], bare: bool, wrong: Wrong) -> SimulatedFixture {
    let simulator = build("mindbody", options);
    let credentials = simulator.credentials();
    let other_site = tokenfleet_simulators::mindbody::Options::default().other_site_id;
    let provider = |wrong: Option<Wrong>| {
        let unless = |place: Wrong, right: &str| match wrong {
            Some(wrong) if wrong == place => WRONG.to_owned(),
            _ => right.to_owned(),
        };
        let site = match wrong {
            Some(Wrong::Site) => "-98",
            Some(Wrong::OtherSite) => &other_site,
            _ => &credentials["site_id"],
        };
        let mut config = MindbodyConfig::new(
            site,
            fixed(&unless(Wrong::ApiKey, &credentials["api_key"])),
            credentials["username"].as_str(),
            fixed(&unless(Wrong::Password, &credentials["password"])),
        )
        .with_base_url(base_url());
        if bare {
            config = config.with_bare_authorization();
        }
        Arc::new(Mindbody::new("studio", config, transport(&simulator)).with_retry(retry()))
    };
    SimulatedFixture::new(Platform {
        provider: provider(None),
        intruder: provider(Some(wrong)),
        credentials: vec![
            credentials["api_key"].clone(),
            credentials["password"].clone(),
            WRONG.to_owned(),
        ],
        scopes: Vec::new(),
        simulator,
    })
}
