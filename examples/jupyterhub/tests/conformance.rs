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
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::{
    AccountConfiguration, Credential, Fact, Registry, RequestedExpiry, Secret, Timestamp, TokenId,
    TokenState,
};
use tokenfleet_conformance::http::{
    AdminClient, FixtureTransport, ServerFixture, ServerUser, unused_user_name,
};
use tokenfleet_conformance::{ExistingToken, Fault, FixtureError, InsertedToken, Suite, TokenSpec};
use tokenfleet_http::{Transport, async_trait};
use tokenfleet_jupyterhub::{JupyterHub, NAME};

const WRONG_TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// The hub, and the token of a service that may manage its users.
struct Hub {
    url: String,
    token: String,
    transport: Arc<dyn Transport>,
}

/// A user of the hub.
struct HubUser {
    name: String,
    admin: AdminClient,
}

impl HubUser {
    /// Creates a user for one case.
    async fn start(hub: &Hub) -> Result<ServerFixture<Self>, FixtureError> {
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
        let admin = transport
            .admin_client(format!("{}/hub/api", hub.url))
            .with_header("authorization", format!("token {}", hub.token));
        let name = unused_user_name();
        let path = format!("/users/{name}");
        admin.post(&path, &json!({})).await?.success()?;

        let mut registry = Registry::empty();
        registry.register(NAME, JupyterHub::open);
        let open = |token: &str| {
            let credential = Credential::from_secret(Secret::new(token));
            let account = AccountConfiguration::new("hub", NAME)
                .with("base_url", hub.url.clone())
                .with("user", name.clone())
                .with("token", credential);
            registry.open(&account, Arc::new(transport.clone()))
        };
        let (provider, intruder) = (open(&hub.token)?, open(WRONG_TOKEN)?);
        Ok(
            ServerFixture::new(Self { name, admin }, provider, transport)
                .with_credentials([hub.token.as_str(), WRONG_TOKEN])
                .with_intruder(intruder)
                .with_origin(&hub.url),
        )
    }

    fn tokens_path(&self) -> String {
        format!("/users/{}/tokens", self.name)
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[async_trait]
impl ServerUser for HubUser {
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
        let client = self.admin.clone();
        let answer = client
            .with_header("authorization", authorization)
            .get("/user")
            .await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    async fn remove(&self, id: &TokenId) -> bool {
        let path = format!("{}/{id}", self.tokens_path());
        let removed = self.admin.delete(&path).await;
        removed.is_ok_and(|removed| removed.status() == 204)
    }

    fn scopes(&self) -> Vec<String> {
        let scope = |name: &str| format!("{name}!user={}", self.name);
        vec![scope("read:servers"), scope("read:tokens")]
    }

    async fn delete(&self) -> Result<(), FixtureError> {
        let path = format!("/users/{}", self.name);
        self.admin.delete(&path).await?.success()?;
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
        async move { HubUser::start(&hub).await }
    })
    .with_account_kind("a fresh user of JupyterHub 6.1.1")
    .main()
}
