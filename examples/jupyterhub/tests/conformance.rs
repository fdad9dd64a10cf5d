//! The conformance suite against a real JupyterHub: `bash tests/real-servers/run jupyterhub`.
//!
//! Without `TOKENFLEET_JUPYTERHUB`, the URL of a hub, and `TOKENFLEET_JUPYTERHUB_TOKEN`, the token
//! of a service that may manage users, it says that it was not run.

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
use std::time::Duration;

use serde_json::{Value, json};
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{
    AccountConfiguration, Credential, Fact, Registry, RequestedExpiry, Secret, Timestamp, TokenId,
    TokenProvider, TokenState,
};
use tokenfleet_conformance::http::{AdminClient, FixtureTransport};
use tokenfleet_conformance::{
    ExistingToken, Fault, Fixture, FixtureError, InsertedToken, Suite, TokenSpec,
};
use tokenfleet_http::{Transport, async_trait};
use tokenfleet_jupyterhub::{JupyterHub, NAME};

const WRONG_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The hub, and the token of a service that may manage its users.
struct Hub {
    url: String,
    token: String,
    transport: Arc<dyn Transport>,
}

/// A user of the hub, with the provider of the user's tokens.
struct HubFixture {
    user: String,
    token: String,
    transport: FixtureTransport,
    admin: AdminClient,
    url: String,
    api: String,
    provider: Arc<dyn TokenProvider>,
    intruder: Arc<dyn TokenProvider>,
}

impl HubFixture {
    /// Creates a user for one case.
    async fn start(hub: &Hub) -> Result<Self, FixtureError> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let user = format!("case-{}-{number}", process::id());
        let transport = FixtureTransport::new(hub.transport.clone())
            .with_secret_field("token")
            .with_json_field(Fault::OtherRecord, "id", json!("a999999"))
            .with_json_field(Fault::OtherName, "note", json!("another"))
            .with_json_field(
                Fault::OtherExpiry,
                "expires_at",
                json!("9999-12-31T00:00:00Z"),
            )
            .with_json_field(Fault::BroaderScopes, "scopes", json!(["admin:users"]))
            .with_json_field(Fault::OddValue, "created", json!({}));
        let api = format!("{}/hub/api", hub.url);
        let authorization = format!("token {}", hub.token);
        let admin = transport
            .admin_client(&api)
            .with_header("authorization", authorization);
        admin
            .post(&format!("/users/{user}"), &json!({}))
            .await?
            .success()?;

        let mut registry = Registry::empty();
        registry.register(NAME, JupyterHub::open);
        let open = |token: &str| {
            let credential = Credential::from_secret(Secret::new(token));
            let account = AccountConfiguration::new("hub", NAME)
                .with("base_url", hub.url.clone())
                .with("user", user.clone())
                .with("token", credential);
            registry.open(&account, Arc::new(transport.clone()))
        };
        let (provider, intruder) = (open(&hub.token)?, open(WRONG_TOKEN)?);
        Ok(Self {
            user,
            token: hub.token.clone(),
            transport,
            admin,
            url: hub.url.clone(),
            api,
            provider,
            intruder,
        })
    }

    fn tokens_path(&self) -> String {
        format!("/users/{}/tokens", self.user)
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[async_trait]
impl Fixture for HubFixture {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        self.provider.clone()
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        Some(self.intruder.clone())
    }

    fn credentials(&self) -> Vec<Secret> {
        vec![Secret::new(self.token.as_str()), Secret::new(WRONG_TOKEN)]
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        if spec.cascades {
            // Only a login in a browser issues one.
            return None;
        }
        let lifetime = match (spec.state, spec.expiry) {
            (TokenState::Expired, _) => Some(1),
            (TokenState::Active, RequestedExpiry::In(lifetime)) => Some(lifetime.as_secs() as i64),
            (TokenState::Active, RequestedExpiry::At(at)) => {
                Some(at.unix_seconds() - Timestamp::now().unix_seconds())
            }
            (TokenState::Active, _) => None,
            // JupyterHub has no other states.
            _ => return None,
        };
        let body = json!({ "note": spec.name, "expires_in": lifetime });
        let made = self
            .admin
            .post(&self.tokens_path(), &body)
            .await
            .ok()?
            .success()
            .ok()?
            .json();
        if spec.state == TokenState::Expired {
            tokio::time::sleep(Duration::from_millis(1100)).await;
        }
        let id = TokenId::new(made["id"].as_str()?);
        Some(InsertedToken::new(id).with_secret(Secret::new(made["token"].as_str()?)))
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        let listed = self
            .admin
            .get(&self.tokens_path())
            .await
            .expect("the hub answers")
            .json();
        let tokens = listed["api_tokens"].as_array().expect("a list of tokens");
        let existing = |token: &Value| {
            let id = TokenId::new(token["id"].as_str().unwrap());
            ExistingToken::new(id, TokenState::Active)
                .with_expiry(Fact::from_nullable(time(&token["expires_at"])))
        };
        tokens.iter().map(existing).collect()
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        let authorization = format!("token {}", secret.expose());
        let client = self.transport.admin_client(&self.api);
        let answer = client
            .with_header("authorization", authorization)
            .get("/user")
            .await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    fn request_count(&self) -> u64 {
        self.transport.request_count()
    }

    fn total_requests(&self) -> u64 {
        self.transport.total_requests()
    }

    async fn remove(&self, id: &TokenId) -> bool {
        let path = format!("{}/{id}", self.tokens_path());
        let removed = self.admin.delete(&path).await;
        removed.is_ok_and(|removed| removed.status() == 204)
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.transport.inject(fault)
    }

    fn origin(&self) -> Option<String> {
        Some(self.url.clone())
    }

    fn scopes(&self) -> Vec<String> {
        let scope = |name: &str| format!("{name}!user={}", self.user);
        vec![scope("read:servers"), scope("read:tokens")]
    }

    async fn close(&self) -> Result<(), FixtureError> {
        self.admin
            .delete(&format!("/users/{}", self.user))
            .await?
            .success()?;
        Ok(())
    }
}

fn main() -> ExitCode {
    let (Ok(url), Ok(token)) = (
        env::var("TOKENFLEET_JUPYTERHUB"),
        env::var("TOKENFLEET_JUPYTERHUB_TOKEN"),
    ) else {
        println!("not run: the suite against a real JupyterHub, see tests/real-servers");
        return ExitCode::SUCCESS;
    };
    let transport = Arc::new(ReqwestTransport::new().expect("a transport"));
    let hub = Arc::new(Hub {
        url,
        token,
        transport,
    });
    Suite::new(move || {
        let hub = Arc::clone(&hub);
        async move { HubFixture::start(&hub).await }
    })
    .with_account_kind("a fresh user of JupyterHub 6.1.1")
    .main()
}
