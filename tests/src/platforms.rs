//! Conformance fixtures of each adapter in front of its simulator.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokenfleet_cloudsmith::{Cloudsmith, CloudsmithConfig, Resource as CloudsmithResource};
use tokenfleet_foreman::{Foreman, Release};
use tokenfleet_losant::{Losant, Resource};
use tokenfleet_mindbody::{Mindbody, MindbodyConfig};

use crate::{
    SimulatedFixture, base_url, build, fixed_credential, foreman_config, immediate_retries,
    losant_config, transport,
};

/// The releases of Foreman that changed its tokens, each with the option of the simulator.
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

/// Returns Losant with these options.
///
/// `collection=application` and `collection=instance` select other tokens than the user's.
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
        let config = losant_config(fixed_credential(token)).with_resource(resource.clone());
        let losant = Losant::new("iot", config, transport(&simulator));
        Arc::new(losant.with_retry(immediate_retries()))
    };
    SimulatedFixture {
        provider: provider(&token),
        intruder: provider(WRONG),
        credentials: vec![token, WRONG.to_owned()],
        scopes: match resource {
            Resource::User => vec!["all.User.read".to_owned(), "userApiTokens.get".to_owned()],
            Resource::Application(_) => vec!["all.Application.read".to_owned()],
            _ => vec!["all.Instance.read".to_owned()],
        },
        stored_name: if options.contains(&"stored_names=folded") {
            str::to_lowercase
        } else if options.contains(&"stored_names=trimmed") {
            |name| name.trim().to_owned()
        } else {
            str::to_owned
        },
        simulator,
    }
}

/// Returns Foreman with these options, of a configured release or of one that is detected.
#[must_use]
pub fn foreman(options: &[&str], release: Option<Release>) -> SimulatedFixture {
    let simulator = build("foreman", options);
    let credentials = simulator.credentials();
    let login = credentials["login"].clone();
    let token = credentials["token"].clone();
    let provider = |token: &str| {
        let mut config = foreman_config(&simulator, fixed_credential(token));
        if let Some(release) = release {
            config = config.with_release(release);
        }
        let foreman = Foreman::new("infra", config, transport(&simulator));
        Arc::new(foreman.with_retry(immediate_retries()))
    };
    let basic = |token: &str| STANDARD.encode(format!("{login}:{token}"));
    SimulatedFixture {
        provider: provider(&token),
        intruder: provider(WRONG),
        credentials: vec![basic(&token), basic(WRONG), token, WRONG.to_owned()],
        scopes: Vec::new(),
        stored_name: str::to_owned,
        simulator,
    }
}

/// Returns Cloudsmith with these options, acting with an API key, or with an email address and a
/// password.
///
/// `collection=services` selects the service accounts of the organization.
#[must_use]
pub fn cloudsmith(options: &[&str], with_password: bool) -> SimulatedFixture {
    let simulator = build("cloudsmith", options);
    let defaults = tokenfleet_simulators::cloudsmith::Options::default();
    let resource = if options.contains(&"collection=services") {
        CloudsmithResource::Organization(defaults.organization.clone())
    } else {
        CloudsmithResource::User
    };
    let provider = |secret: &str| {
        let config = if with_password {
            CloudsmithConfig::for_user(defaults.email.as_str(), fixed_credential(secret))
        } else {
            CloudsmithConfig::new(fixed_credential(secret)).with_lockout_accepted()
        };
        let config = config
            .with_base_url(base_url())
            .with_resource(resource.clone());
        let cloudsmith = Cloudsmith::new("packages", config, transport(&simulator));
        Arc::new(cloudsmith.with_retry(immediate_retries()))
    };
    let secret = if with_password {
        defaults.password.clone()
    } else {
        simulator.credentials()["api_key"].clone()
    };
    let basic = |secret: &str| STANDARD.encode(format!("{}:{secret}", defaults.email));
    let mut credentials = vec![basic(&secret), basic(WRONG), WRONG.to_owned()];
    // The default password has two letters, which occur in any text.
    credentials.extend((!with_password).then(|| secret.clone()));
    SimulatedFixture {
        provider: provider(&secret),
        intruder: provider(WRONG),
        credentials,
        scopes: Vec::new(),
        stored_name: str::to_owned,
        simulator,
    }
}

/// The part of the intruder's configuration that is wrong at Mindbody.
///
/// Every request carries an API key and a site, and the one that issues a token a password too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MindbodyMistake {
    /// The password.
    Password,
    /// The API key.
    ApiKey,
    /// The site, which does not exist.
    Site,
    /// The site, which exists but does not hold the tokens.
    OtherSite,
}

/// Returns Mindbody with these options, sending tokens as `Bearer` or bare.
#[must_use]
pub fn mindbody(options: &[&str], bare: bool) -> SimulatedFixture {
    mindbody_with_intruder(options, bare, MindbodyMistake::Password)
}

/// Returns Mindbody as [`mindbody`] does, with another mistake in the intruder's configuration.
#[must_use]
pub fn mindbody_with_intruder(
    options: &[&str],
    bare: bool,
    mistake: MindbodyMistake,
) -> SimulatedFixture {
    let simulator = build("mindbody", options);
    let credentials = simulator.credentials();
    let other_site = tokenfleet_simulators::mindbody::Options::default().other_site_id;
    let provider = |mistake: Option<MindbodyMistake>| {
        let secret = |place: MindbodyMistake, right: &str| {
            let wrong = mistake == Some(place);
            fixed_credential(if wrong { WRONG } else { right })
        };
        let site = match mistake {
            Some(MindbodyMistake::Site) => "-98",
            Some(MindbodyMistake::OtherSite) => &other_site,
            _ => &credentials["site_id"],
        };
        let mut config = MindbodyConfig::new(
            site,
            secret(MindbodyMistake::ApiKey, &credentials["api_key"]),
            credentials["username"].as_str(),
            secret(MindbodyMistake::Password, &credentials["password"]),
        )
        .with_base_url(base_url());
        if bare {
            config = config.without_bearer_prefix();
        }
        let mindbody = Mindbody::new("studio", config, transport(&simulator));
        Arc::new(mindbody.with_retry(immediate_retries()))
    };
    SimulatedFixture {
        provider: provider(None),
        intruder: provider(Some(mistake)),
        credentials: vec![
            credentials["api_key"].clone(),
            credentials["password"].clone(),
            WRONG.to_owned(),
        ],
        scopes: Vec::new(),
        stored_name: str::to_owned,
        simulator,
    }
}
