//! The adapters, in front of a platform with arbitrary responses.
//!
//! The first byte of an input selects the operation, the second the configuration of the provider
//! and the arguments; the responses follow after a line break.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use tokenfleet::adapter::{PagePosition, PageRequest};
use tokenfleet::capability::ArgumentSupport;
use tokenfleet::cloudsmith::{Cloudsmith, CloudsmithConfig};
use tokenfleet::foreman::{Foreman, ForemanConfig, Release};
use tokenfleet::losant::{Losant, LosantConfig, Resource};
use tokenfleet::mindbody::{Mindbody, MindbodyConfig};
use tokenfleet::transport::Transport;
use tokenfleet::{
    CreateToken, Error, Fate, Filter, IssuedToken, Result, RevokeOptions, Secret, Token, TokenId,
    TokenProvider, TokenRef, UpdateToken,
};

use crate::responses::{Outcome, ScriptedResponses};
use crate::run;
use crate::secrets::{ISSUED, LOGIN, SUBJECT, acting, assert_no_secret};

/// More requests than any operation sends, with all its attempts.
const MAX_REQUESTS: usize = 16;
/// The time that the requests of one operation may take together, with all waits.
const MAX_DURATION: Duration = Duration::from_secs(10 * 60);

const OPERATIONS: &[u8] = b"lgcuonrv";
/// An id that is valid at every platform.
const ID: &str = "7";

/// Fuzzes Losant, with the tokens of the user, of an application or of an instance.
pub fn losant(data: &[u8]) {
    try_operation(data, |variant, transport| {
        let config = LosantConfig::new(acting()).with_resource(match variant {
            0 | 1 => Resource::User,
            2 => Resource::Application("5".to_owned()),
            _ => Resource::Instance("5".to_owned()),
        });
        Arc::new(Losant::new("fuzzed", config, transport))
    });
}

/// Fuzzes Foreman, of a detected or a configured release.
pub fn foreman(data: &[u8]) {
    try_operation(data, |variant, transport| {
        let base_url = tokenfleet::transport::BaseUrl::from_host("foreman.example.com");
        let config = ForemanConfig::new(base_url, LOGIN, acting(), 4);
        let config = match variant {
            0 => config,
            1 => config.with_release(Release::new(1, 17)),
            2 => config.with_release(Release::new(3, 13)),
            _ => config.with_token_login("owner"),
        };
        Arc::new(Foreman::new("fuzzed", config, transport))
    });
}

/// Fuzzes Cloudsmith, acting with a key in either header or with a password.
pub fn cloudsmith(data: &[u8]) {
    try_operation(data, |variant, transport| {
        let config = match variant {
            0 | 1 => CloudsmithConfig::new(acting()).with_lockout_accepted(),
            2 => CloudsmithConfig::new(acting())
                .with_authorization_header()
                .with_lockout_accepted(),
            _ => CloudsmithConfig::for_user(LOGIN, acting()),
        };
        Arc::new(Cloudsmith::new("fuzzed", config, transport))
    });
}

/// Fuzzes Mindbody, sending tokens as `Bearer` or bare.
pub fn mindbody(data: &[u8]) {
    try_operation(data, |variant, transport| {
        let config = MindbodyConfig::new("-99", acting(), LOGIN, acting());
        let config = match variant {
            0 | 1 => config,
            _ => config.without_bearer_prefix(),
        };
        Arc::new(Mindbody::new("fuzzed", config, transport))
    });
}

/// The result of an operation.
struct Performed {
    is_write: bool,
    issues_secret: bool,
    result: Result<(Vec<Token>, Option<IssuedToken>)>,
}

fn try_operation(data: &[u8], open: impl FnOnce(u8, Arc<dyn Transport>) -> Arc<dyn TokenProvider>) {
    let [operation, choice, b'\n', responses @ ..] = data else {
        return;
    };
    let operation = OPERATIONS
        .iter()
        .position(|letter| letter == operation)
        .unwrap_or(usize::from(*operation) % OPERATIONS.len());
    let choice = choice.wrapping_sub(b'0');
    let transport = Arc::new(ScriptedResponses::parse(responses));
    let provider = open(choice & 3, Arc::clone(&transport) as Arc<dyn Transport>);
    let performed = run(async {
        let operation = perform(&*provider, OPERATIONS[operation], choice >> 2 & 3);
        tokio::time::timeout(MAX_DURATION, operation).await
    });
    let performed = performed.expect("an operation ends in time");
    let sent = transport.sent();
    assert!(sent.len() <= MAX_REQUESTS, "{} requests", sent.len());
    let writes: Vec<_> = sent
        .iter()
        .filter(|sent| sent.method != Method::GET && sent.outcome != Outcome::Unreachable)
        .collect();
    match performed.result {
        Err(error) => {
            assert_no_secret(&error);
            if performed.is_write && !writes.is_empty() {
                assert_ne!(error.fate(), Fate::NotSent, "{error:?} {sent:?}");
            }
        }
        Ok((tokens, issued)) => {
            for token in &tokens {
                assert!(!token.id.as_str().is_empty(), "{token:?}");
            }
            if let Some(issued) = issued {
                // A secret that arrives without an id is not lost, and its token says what it
                // lacks.
                let has_id = !issued.token.id.as_str().is_empty();
                let lacks_id = issued.token.attributes.unreadable().eq(["id"]);
                assert!(has_id || lacks_id, "{issued:?}");
                let last = writes.last().map(|sent| sent.outcome);
                let success = matches!(last, Some(Outcome::Status(200..=299)));
                assert!(success && performed.issues_secret, "a secret from {sent:?}");
                assert!(!issued.secret.expose().is_empty());
                assert_hidden(&issued, responses);
            }
        }
    }
}

/// Asserts that a secret that the platform sent once shows nowhere; with escapes, a body may hold
/// it twice.
fn assert_hidden(issued: &IssuedToken, responses: &[u8]) {
    let text = String::from_utf8_lossy(responses);
    let once = text.matches(ISSUED).count() == 1 && !text.contains('\\');
    if once && issued.secret.expose().contains(ISSUED) {
        let printed = format!("{issued:?}");
        assert!(!printed.contains(ISSUED), "{printed}");
    }
}

async fn perform(provider: &dyn TokenProvider, operation: u8, choice: u8) -> Performed {
    let id = TokenId::new(ID);
    let secret = Secret::new(SUBJECT);
    let tokens = |result: Result<Vec<Token>, Error>| result.map(|tokens| (tokens, None));
    let issued = |result: Result<IssuedToken>| result.map(|issued| (Vec::new(), Some(issued)));
    let result = match operation {
        b'l' => tokens(
            provider
                .list_page(page(choice))
                .await
                .map(|page| page.tokens),
        ),
        b'g' => tokens(provider.get(&id).await.map(|token| vec![token])),
        b'c' => issued(provider.create(create_request(provider, choice)).await),
        b'u' => {
            let update = match choice {
                0 => UpdateToken::rename("ci"),
                1 => UpdateToken::suspend(),
                _ => UpdateToken::resume(),
            };
            tokens(provider.update(&id, update).await.map(|token| vec![token]))
        }
        b'o' => issued(provider.rotate(&id).await),
        b'n' => provider.renew(&secret).await.map(|renewed| {
            let token = renewed.token;
            match renewed.secret {
                Some(secret) => (Vec::new(), Some(IssuedToken::new(token, secret))),
                None => (vec![token], None),
            }
        }),
        b'r' => {
            let by_id = provider.capabilities().revoke.as_ref();
            let by_id = by_id.is_some_and(|revoke| revoke.by_id);
            let options = RevokeOptions::accept_replacement();
            let token = if by_id {
                TokenRef::from(&id)
            } else {
                (&secret).into()
            };
            let revoked = provider.revoke(token, options).await;
            revoked.map(|revocation| (Vec::new(), revocation.replacement))
        }
        _ => provider.verify(&secret).await.map(|_| (Vec::new(), None)),
    };
    Performed {
        is_write: b"cuonr".contains(&operation),
        issues_secret: b"conr".contains(&operation),
        result,
    }
}

fn page(choice: u8) -> PageRequest {
    match choice {
        0 => PageRequest::first(),
        1 => PageRequest::first().size(2),
        2 => PageRequest::first()
            .position(PagePosition::Number(3))
            .size(2),
        _ => PageRequest::first().filter(Filter::name("ci")),
    }
}

fn create_request(provider: &dyn TokenProvider, choice: u8) -> CreateToken {
    let declared = provider.capabilities().create.clone().unwrap_or_default();
    let request = match declared.name {
        ArgumentSupport::Unsupported => CreateToken::unnamed(),
        _ => CreateToken::new("ci"),
    };
    match choice {
        0 => request,
        1 if declared.expiry => request.without_expiry(),
        _ if declared.expiry => {
            request.with_expiry("2099-01-31T12:00:00Z".parse().expect("a time"))
        }
        _ => request,
    }
}
