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
use std::process::ExitCode;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{
    AccountConfiguration, Credential, Registry, RequestedExpiry, Secret, TokenId, TokenState,
};
use tokenfleet_conformance::http::{
    AdminClient, FixtureTransport, ServerFixture, ServerUser, unused_user_name,
};
use tokenfleet_conformance::{ExistingToken, Fault, FixtureError, InsertedToken, Suite, TokenSpec};
use tokenfleet_http::{Transport, async_trait};
use tokenfleet_verdaccio::{NAME, Verdaccio};
use tokio::sync::Mutex;

const PASSWORD: &str = "correct-horse-battery";
const WRONG_PASSWORD: &str = "wrong-horse-battery";
const TOKENS: &str = "/-/npm/v1/tokens";

/// The turn to sign up: of two users that sign up at the same time, the registry may refuse one.
static SIGN_UP: Mutex<()> = Mutex::const_new(());

/// A user of the registry.
struct RegistryUser(AdminClient);

/// Returns the value of `Authorization` for a user and a password.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

impl RegistryUser {
    /// Signs up a user for one case.
    async fn start(
        url: &str,
        real: Arc<dyn Transport>,
    ) -> Result<ServerFixture<Self>, FixtureError> {
        let transport = FixtureTransport::new(real)
            .with_secret_field("token")
            .with_json_field(Fault::OtherRecord, "key", json!("another"))
            .with_json_field(Fault::OddValue, "created", json!({}));
        let everybody = transport.admin_client(url);
        let name = unused_user_name();
        let new = json!({ "name": name, "password": PASSWORD });
        let path = format!("/-/user/org.couchdb.user:{name}");
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
                .with("user", name.clone())
                .with("password", credential);
            registry.open(&account, Arc::new(transport.clone()))
        };
        let (provider, intruder) = (open(PASSWORD)?, open(WRONG_PASSWORD)?);
        let user = Self(everybody.with_header("authorization", basic(&name, PASSWORD)));
        let encoded = |password| basic(&name, password).replace("Basic ", "");
        Ok(ServerFixture::new(user, provider, transport)
            .with_credentials([PASSWORD, WRONG_PASSWORD])
            .with_credentials([PASSWORD, WRONG_PASSWORD].map(encoded))
            .with_intruder(intruder)
            .with_origin(url))
    }
}

#[async_trait]
impl ServerUser for RegistryUser {
    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        // Verdaccio has no names, no other states and no expiry.
        if spec.state != TokenState::Active || spec.expiry != RequestedExpiry::PlatformDefault {
            return None;
        }
        let body = json!({ "password": PASSWORD });
        let made = self.0.post(TOKENS, &body).await.ok()?;
        let made = made.success().ok()?.json();
        let id = TokenId::new(made["key"].as_str()?);
        Some(InsertedToken::new(id).with_secret(Secret::new(made["token"].as_str()?)))
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        let listed = self.0.get(TOKENS).await.expect("the registry answers");
        let listed = listed.json();
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
        let client = self.0.clone();
        let client = client.with_header("authorization", format!("Bearer {}", secret.expose()));
        let answer = client.get("/-/whoami").await;
        answer.is_ok_and(|answer| answer.json()["username"].is_string())
    }

    async fn remove(&self, id: &TokenId) -> bool {
        let removed = self.0.delete(&format!("{TOKENS}/token/{id}")).await;
        removed.is_ok_and(|removed| removed.status() == 200)
    }

    /// Verdaccio deletes no users: the registry is a new one for each run.
    async fn delete(&self) -> Result<(), FixtureError> {
        Ok(())
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
        async move { RegistryUser::start(&url, transport).await }
    })
    .with_account_kind("a fresh user of Verdaccio 6.8.0")
    .main()
}
