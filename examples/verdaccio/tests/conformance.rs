//! The conformance suite against a real Verdaccio: `bash tests/real-servers/run verdaccio`.
//!
//! Without `TOKENFLEET_VERDACCIO`, the URL of a registry where everybody may sign up, it says that
//! it was not run.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    clippy::unwrap_used
)]

use std::env;
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{
    AccountConfiguration, Credential, Registry, RequestedExpiry, Secret, TokenId, TokenProvider,
    TokenState,
};
use tokenfleet_conformance::http::{AdminClient, FixtureTransport};
use tokenfleet_conformance::{
    ExistingToken, Fault, Fixture, FixtureError, InsertedToken, Suite, TokenSpec,
};
use tokenfleet_http::{Transport, async_trait};
use tokenfleet_verdaccio::{NAME, Verdaccio};
use tokio::sync::Mutex;

const PASSWORD: &str = "correct-horse-battery";
const WRONG_PASSWORD: &str = "wrong-horse-battery";
const TOKENS: &str = "/-/npm/v1/tokens";

/// The turn to sign up: of two users that sign up at the same time, the registry may refuse one.
static SIGN_UP: Mutex<()> = Mutex::const_new(());

/// A user of the registry, with the provider of the user's tokens.
struct RegistryFixture {
    url: String,
    user: String,
    transport: FixtureTransport,
    admin: AdminClient,
    provider: Arc<dyn TokenProvider>,
    intruder: Arc<dyn TokenProvider>,
}

/// Returns the value of `Authorization` for a user and a password.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl RegistryFixture {
    /// Signs up a user for one case.
    async fn start(url: &str, real: Arc<dyn Transport>) -> Result<Self, FixtureError> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let user = format!("case-{}-{number}", process::id());
        let transport = FixtureTransport::new(real)
            .with_secret_field("token")
            .with_json_field(Fault::OtherRecord, "key", json!("another"))
            .with_json_field(Fault::OddValue, "created", json!({}));
        let everybody = transport.admin_client(url);
        let new = json!({ "name": user, "password": PASSWORD });
        let path = format!("/-/user/org.couchdb.user:{user}");
        {
            let _one_at_a_time = SIGN_UP.lock().await;
            everybody.put(&path, &new).await?.success()?;
        }

        let mut registry = Registry::empty();
        registry.register(NAME, Verdaccio::open);
        let open = |password: &str| {
            let credential = Credential::from_secret(Secret::new(password));
            let account = AccountConfiguration::new("packages", NAME)
                .with("base_url", url.to_owned())
                .with("user", user.clone())
                .with("password", credential);
            registry.open(&account, Arc::new(transport.clone()))
        };
        let (provider, intruder) = (open(PASSWORD)?, open(WRONG_PASSWORD)?);
        let admin = everybody.with_header("authorization", basic(&user, PASSWORD));
        Ok(Self {
            url: url.to_owned(),
            user,
            transport,
            admin,
            provider,
            intruder,
        })
    }
}

#[async_trait]
impl Fixture for RegistryFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.provider.clone()
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        Some(self.intruder.clone())
    }

    fn credentials(&self) -> Vec<Secret> {
        let encoded = |password| basic(&self.user, password).replace("Basic ", "");
        vec![
            Secret::new(PASSWORD),
            Secret::new(WRONG_PASSWORD),
            Secret::new(encoded(PASSWORD)),
            Secret::new(encoded(WRONG_PASSWORD)),
        ]
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        // Verdaccio has no names, no other states and no expiry.
        if spec.state != TokenState::Active || spec.expiry != RequestedExpiry::PlatformDefault {
            return None;
        }
        let body = json!({ "password": PASSWORD });
        let made = self
            .admin
            .post(TOKENS, &body)
            .await
            .ok()?
            .success()
            .ok()?
            .json();
        let id = TokenId::new(made["key"].as_str()?);
        Some(InsertedToken::new(id).with_secret(Secret::new(made["token"].as_str()?)))
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        let listed = self
            .admin
            .get(TOKENS)
            .await
            .expect("the registry answers")
            .json();
        let tokens = listed["objects"].as_array().expect("a list of tokens");
        let existing = |token: &Value| {
            ExistingToken::new(
                TokenId::new(token["key"].as_str().unwrap()),
                TokenState::Active,
            )
        };
        // The token of the sign-up has no key, lives, and is never listed.
        let login = ExistingToken::new(TokenId::new("login"), TokenState::Active).with_unlisted();
        tokens.iter().map(existing).chain([login]).collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        let client = self.transport.admin_client(&self.url);
        let client = client.with_header("authorization", format!("Bearer {}", secret.expose()));
        let answer = client.get("/-/whoami").await;
        answer.is_ok_and(|answer| answer.json()["username"].is_string())
    }

    fn request_count(&self) -> u64 {
        self.transport.request_count()
    }

    fn total_requests(&self) -> u64 {
        self.transport.total_requests()
    }

    async fn remove(&self, id: &TokenId) -> bool {
        let removed = self.admin.delete(&format!("{TOKENS}/token/{id}")).await;
        removed.is_ok_and(|removed| removed.status() == 200)
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.transport.inject(fault)
    }

    fn origin(&self) -> Option<String> {
        Some(self.url.clone())
    }
}

fn main() -> ExitCode {
    let Ok(url) = env::var("TOKENFLEET_VERDACCIO") else {
        println!("not run: the suite against a real Verdaccio, see tests/real-servers");
        return ExitCode::SUCCESS;
    };
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    Suite::new(move || {
        let (url, transport) = (url.clone(), Arc::clone(&transport));
        async move { RegistryFixture::start(&url, transport).await }
    })
    .with_account_kind("a fresh user of Verdaccio 6.8.0")
    .main()
}
