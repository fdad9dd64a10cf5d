//! The sink in KV, version 2, against a real OpenBao: `bash tests/real-servers/run openbao`.

#![allow(clippy::unwrap_used)]

mod support;

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use serde_json::{Value, json};
use support::faulty_transport::FaultyTransport;
use support::{assert_kept, stamp};
use tokenfleet_core::{Credential, ErrorKind, Fate, Secret};
use tokenfleet_http::{BaseUrl, Bytes, ReqwestTransport, Transport, http};
use tokenfleet_rotation::sink::laws::{SinkFault, SinkFixture};
use tokenfleet_rotation::sink::{Kv2Config, Kv2Sink, Refusal, SecretSink};

/// A secret of its own in a mount of the real server.
#[derive(Debug)]
struct Bao {
    transport: FaultyTransport,
    namespace: Option<String>,
    mount: String,
    path: String,
}

impl Bao {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);

        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        Self {
            transport: FaultyTransport::new(Arc::new(ReqwestTransport::new().unwrap())),
            namespace: None,
            mount: "secret".to_owned(),
            path: format!("iot/{process}-{number}"),
        }
    }

    fn address() -> String {
        env::var("TOKENFLEET_OPENBAO").unwrap()
    }

    fn root() -> String {
        env::var("TOKENFLEET_OPENBAO_TOKEN").unwrap()
    }

    fn config(&self, token: &str) -> Kv2Config {
        let address = BaseUrl::parse(&Self::address()).unwrap();
        let token = Credential::from_secret(Secret::new(token));
        let config = Kv2Config::new(address, token, &self.mount, &self.path, "token").unwrap();
        match &self.namespace {
            Some(namespace) => config.with_namespace(namespace),
            None => config,
        }
    }

    fn open(&self) -> Kv2Sink {
        Kv2Sink::new(self.config(&Self::root()), Arc::new(self.transport.clone()))
    }

    /// Sends a request as an administrator, and returns the status and the body.
    async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}/v1/{path}", Self::address()))
            .header("x-vault-token", Self::root());
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Bytes::from(body)).unwrap();
        let response = self.transport.send(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().bytes(1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Creates a mount of its own, of this version of the engine.
    async fn in_mount(version: &str) -> Self {
        let bao = Self::new();
        let mount = format!("mounts/{}", bao.path);
        Self { mount, ..bao }.mounted(version).await
    }

    async fn mounted(self, version: &str) -> Self {
        let mount = json!({"type": "kv", "options": {"version": version}});
        let path = format!("sys/mounts/{}", self.mount);
        assert_eq!(self.admin("POST", &path, Some(mount)).await.0, 204);
        self
    }

    fn data_path(&self) -> String {
        format!("{}/data/{}", self.mount, self.path)
    }

    /// Returns the fields of the secret.
    async fn fields(&self) -> Value {
        let (_, body) = self.admin("GET", &self.data_path(), None).await;
        match &body["data"]["data"] {
            Value::Object(fields) => Value::Object(fields.clone()),
            _ => json!({}),
        }
    }

    async fn put(&self, fields: Value) {
        let body = json!({ "data": fields });
        let (status, _) = self.admin("POST", &self.data_path(), Some(body)).await;
        assert_eq!(status, 200);
    }

    async fn with_others() -> Self {
        let bao = Self::new();
        let nested = json!({"a": [1, 1.50, null, true], "b": "\u{e4}\n"});
        bao.put(
            json!({"other": "kept", "nested": nested, "large": 12_345_678_901_234_567_890_u64}),
        )
        .await;
        bao
    }
}

#[async_trait]
impl SinkFixture for Bao {
    fn sink(&self, adopts: bool) -> Arc<dyn SecretSink> {
        let config = self.config(&Self::root());
        let config = if adopts {
            config.with_adoption()
        } else {
            config
        };
        Arc::new(Kv2Sink::new(config, Arc::new(self.transport.clone())))
    }

    async fn set(&self, secret: &str) {
        let mut fields = self.fields().await;
        fields["token"] = secret.into();
        self.put(fields).await;
    }

    async fn secret(&self) -> Option<String> {
        self.fields().await["token"].as_str().map(str::to_owned)
    }

    async fn surroundings(&self) -> String {
        let mut fields = self.fields().await;
        for ours in ["token", "tokenfleet_token"] {
            fields.as_object_mut().unwrap().remove(ours);
        }
        fields.to_string()
    }

    fn faulty(&self, fault: SinkFault) -> Option<Arc<dyn SecretSink>> {
        let transport = self.transport.with_fault(fault);
        let config = self.config(&Self::root());
        Some(Arc::new(Kv2Sink::new(config, Arc::new(transport))))
    }

    async fn let_arrive(&self) {
        self.transport.let_arrive().await;
    }
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_field_of_a_secret_keeps_the_laws() {
    assert_kept(Bao::with_others).await;
    assert_kept(async || Bao::new()).await;
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_deleted_secret_is_written_on_top_of_its_last_version() {
    let bao = Bao::new();
    bao.set("by-hand").await;
    let (status, _) = bao.admin("DELETE", &bao.data_path(), None).await;
    assert_eq!(status, 204);
    let sink = bao.open();
    let found = sink.read().await.unwrap();
    assert_eq!(
        (found.version.as_str(), found.secret.is_none()),
        ("1", true)
    );
    let secret = Secret::new("secret");
    let version = sink
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap();
    assert_eq!(version.as_str(), "2");
    assert_eq!(bao.secret().await.as_deref(), Some("secret"));
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_mount_that_has_no_conditions_is_refused_before_anything_is_written() {
    let bao = Bao::in_mount("1").await;
    let sink = bao.open();
    let version = Bao::new().open().read().await.unwrap().version;
    let secret = Secret::new("secret");
    for error in [
        sink.read().await.unwrap_err(),
        sink.write(&secret, &version, &stamp(1)).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.fate()),
            (ErrorKind::Configuration, Fate::NotSent)
        );
        assert!(error.to_string().contains("version 2"), "{error}");
    }
    assert_eq!(bao.admin("GET", &bao.data_path(), None).await.0, 404);
    let missing = Bao {
        mount: "missing".to_owned(),
        ..Bao::new()
    };
    missing.open().read().await.unwrap_err();
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_token_that_may_only_use_the_secret_suffices() {
    let bao = Bao::new();
    let policy = format!(
        "path \"{}\" {{ capabilities = [\"read\", \"create\", \"update\"] }}",
        bao.data_path()
    );
    let body = json!({ "policy": policy });
    let (status, _) = bao
        .admin("POST", "sys/policies/acl/one-secret", Some(body))
        .await;
    assert_eq!(status, 204);
    let body = json!({"policies": ["one-secret"], "ttl": "10m"});
    let (_, body) = bao.admin("POST", "auth/token/create", Some(body)).await;
    let token = body["auth"]["client_token"].as_str().unwrap();
    let sink = Kv2Sink::new(bao.config(token), Arc::new(bao.transport.clone()));
    let found = sink.read().await.unwrap();
    let secret = Secret::new("secret");
    sink.write(&secret, &found.version, &stamp(1))
        .await
        .unwrap();
    assert_eq!(sink.read().await.unwrap().stamp, Some(stamp(1)));

    let other = Bao::new();
    let sink = Kv2Sink::new(other.config(token), Arc::new(other.transport.clone()));
    let error = sink
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.fate()),
        (ErrorKind::Unauthenticated, Fate::NotSent)
    );
    let wrong = Kv2Sink::new(bao.config("Canary-wrong"), Arc::new(bao.transport.clone()));
    let error = wrong.read().await.unwrap_err();
    assert!(!error.to_string().contains("Canary"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_token_that_may_not_write_the_secret_is_refused_before_anything_is_written() {
    let bao = Bao::new();
    let name = format!("reads-{}", bao.path.replace('/', "-"));
    let path = bao.data_path();
    for (capabilities, policies, is_refused) in [
        (r#"["read"]"#, [name.as_str(), "default"], true),
        (r#"["read", "create"]"#, [name.as_str(), "default"], false),
        (r#"["read", "update"]"#, [name.as_str(), "default"], false),
        // It may not ask what it may do, and may still be allowed to.
        (r#"["read"]"#, [name.as_str(), name.as_str()], false),
    ] {
        let policy = format!("path \"{path}\" {{ capabilities = {capabilities} }}");
        let body = Some(json!({ "policy": policy }));
        let policy = format!("sys/policies/acl/{name}");
        assert_eq!(bao.admin("POST", &policy, body).await.0, 204);
        let has_default = policies.contains(&"default");
        let body = json!({"policies": policies, "no_default_policy": !has_default, "ttl": "10m"});
        let (_, body) = bao.admin("POST", "auth/token/create", Some(body)).await;
        let token = body["auth"]["client_token"].as_str().unwrap();
        let sink = Kv2Sink::new(bao.config(token), Arc::new(bao.transport.clone()));
        sink.read().await.unwrap();
        let checked = sink.check().await;
        assert_eq!(checked.is_err(), is_refused, "{capabilities}: {checked:?}");
        if let Err(error) = checked {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
            assert!(error.to_string().contains(&path), "{error}");
        }
    }
    assert_eq!(bao.admin("GET", &path, None).await.0, 404);
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_namespace_has_secrets_of_its_own() {
    let root = Bao::new();
    let namespace = format!("team-{}", std::process::id());
    let path = format!("sys/namespaces/{namespace}");
    assert_eq!(root.admin("POST", &path, Some(json!({}))).await.0, 200);
    let bao = Bao {
        namespace: Some(namespace.clone()),
        mount: "own/kv".to_owned(),
        path: root.path.clone(),
        ..Bao::new()
    };
    let bao = bao.mounted("2").await;
    let sink = bao.open();
    let found = sink.read().await.unwrap();
    let secret = Secret::new("secret");
    sink.write(&secret, &found.version, &stamp(1))
        .await
        .unwrap();
    assert_eq!(bao.secret().await.as_deref(), Some("secret"));
    assert_eq!(root.secret().await, None);
    assert!(sink.place().contains(&format!("{namespace}/own/kv/")));
}

/// The mount asks for the condition that every write has.
#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn a_mount_that_requires_conditions_is_written_and_keeps_earlier_versions() {
    let bao = Bao::in_mount("2").await;
    let required = json!({"cas_required": true});
    let path = format!("{}/config", bao.mount);
    assert_eq!(bao.admin("POST", &path, Some(required)).await.0, 204);
    let sink = bao.open();
    let mut version = sink.read().await.unwrap().version;
    for secret in ["first", "second"] {
        version = sink
            .write(&Secret::new(secret), &version, &stamp(1))
            .await
            .unwrap();
    }
    let earlier = format!("{}?version=1", bao.data_path());
    let (_, body) = bao.admin("GET", &earlier, None).await;
    assert_eq!(body["data"]["data"]["token"], "first");
    assert!(sink.capabilities().keeps_previous);
}

#[tokio::test]
#[ignore = "not run: needs a real OpenBao, see tests/real-servers"]
async fn the_official_client_reads_and_writes_the_same() {
    const SCRIPT: &str = r#"
import hvac, json, os, sys
path, command = sys.argv[1:]
client = hvac.Client(url=os.environ["TOKENFLEET_OPENBAO"], token=os.environ["TOKENFLEET_OPENBAO_TOKEN"])
kv = client.secrets.kv.v2
read = kv.read_secret_version(path=path, raise_on_deleted_version=True)["data"]
if command == "read":
    print(json.dumps([read["data"]["token"], read["metadata"]["version"]]))
else:
    kv.patch(path=path, secret={"token": command})
"#;
    let python = env::var("TOKENFLEET_OPENBAO_PYTHON").unwrap();
    let bao = Bao::with_others().await;
    let hvac = |command: &str| {
        let output = std::process::Command::new(&python)
            .args(["-c", SCRIPT, &bao.path, command])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let sink = bao.open();
    let found = sink.read().await.unwrap();
    let secret = Secret::new("dGVzdA+/dGVzdA==");
    let version = sink
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap();
    assert_eq!(hvac("read"), format!("[\"dGVzdA+/dGVzdA==\", {version}]"));

    hvac("by-hand");
    let changed = sink.read().await.unwrap();
    assert!(
        changed.is_foreign(),
        "a patch keeps the stamp, which is of another secret"
    );
    let error = sink.write(&secret, &version, &stamp(1)).await.unwrap_err();
    assert_eq!(Refusal::of(&error), Some(Refusal::Conflict));
}
