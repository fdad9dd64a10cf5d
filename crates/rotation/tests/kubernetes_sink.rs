//! The sink in a Secret of Kubernetes keeps the laws, and what is special about it.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::Value;
use support::faulty_transport::FaultyTransport;
use support::{assert_kept, stamp};
use tokenfleet_core::{Credential, ErrorKind, Fate, Secret};
use tokenfleet_http::{BaseUrl, Body, Bytes, Transport, TransportError, http};
use tokenfleet_rotation::sink::laws::{SinkFault, SinkFixture};
use tokenfleet_rotation::sink::{KubernetesConfig, KubernetesSink, Refusal, SecretSink};
use tokenfleet_simulators::kubernetes::Kubernetes;
use tokenfleet_simulators::{Action, Canned, Fault, Simulator, dispatch};

/// Sends requests to a simulator in the same process.
#[derive(Debug)]
struct InProcess(Kubernetes);

#[async_trait]
impl Transport for InProcess {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        // As a socket does, so that others run between two requests of a call.
        tokio::task::yield_now().await;
        let lost = |_| TransportError::maybe_sent("connection lost");
        Ok(dispatch(&self.0, request)
            .await
            .map_err(lost)?
            .map(Body::full))
    }
}

#[derive(Debug)]
struct Cluster {
    simulator: Kubernetes,
    transport: FaultyTransport,
}

const OTHERS: &str = r#"{
    "metadata": {
        "name": "losant", "labels": {"app": "ci"},
        "annotations": {"other": "\u0022quoted\u0022", "tokenfleet/stamp.other": "{}"}
    },
    "type": "example.com/token",
    "data": {"other": "AAEC/w==", "token.old": "b2xk"}
}"#;

impl Cluster {
    fn new() -> Self {
        let simulator = Kubernetes::new();
        let transport = FaultyTransport::new(Arc::new(InProcess(simulator.clone())));
        Self {
            simulator,
            transport,
        }
    }

    /// Creates a cluster in which the Secret exists, with other keys.
    async fn with_others() -> Self {
        let cluster = Self::new();
        let request = http::Request::post("/api/v1/namespaces/ci/secrets")
            .header("authorization", format!("Bearer {}", cluster.token()))
            .body(Bytes::from(OTHERS))
            .unwrap();
        let created = dispatch(&cluster.simulator, request).await.unwrap();
        assert_eq!(created.status(), 201);
        cluster
    }

    fn token(&self) -> String {
        self.simulator.credentials()["token"].clone()
    }

    fn config(&self) -> KubernetesConfig {
        let address = BaseUrl::parse("https://kubernetes.default.svc").unwrap();
        let token = Credential::from_secret(Secret::new(self.token()));
        KubernetesConfig::new(address, token, "ci", "losant", "token").unwrap()
    }

    fn open(&self) -> KubernetesSink {
        KubernetesSink::new(self.config(), Arc::new(self.transport.clone()))
    }
}

#[async_trait]
impl SinkFixture for Cluster {
    fn sink(&self, adopts: bool) -> Arc<dyn SecretSink> {
        let config = self.config();
        let config = if adopts {
            config.with_adoption()
        } else {
            config
        };
        Arc::new(KubernetesSink::new(
            config,
            Arc::new(self.transport.clone()),
        ))
    }

    async fn set(&self, secret: &str) {
        self.simulator.set_value("ci", "losant", "token", secret);
    }

    async fn secret(&self) -> Option<String> {
        self.simulator.value("ci", "losant", "token")
    }

    async fn surroundings(&self) -> String {
        let Some(mut secret) = self.simulator.secret("ci", "losant") else {
            return String::new();
        };
        let remove = |value: &mut Value, key: &str| {
            value.as_object_mut().unwrap().remove(key);
        };
        remove(&mut secret["data"], "token");
        remove(&mut secret["metadata"], "resourceVersion");
        remove(
            &mut secret["metadata"]["annotations"],
            "tokenfleet/stamp.token",
        );
        secret.to_string()
    }

    fn faulty(&self, fault: SinkFault) -> Option<Arc<dyn SecretSink>> {
        let transport = self.transport.with_fault(fault);
        Some(Arc::new(KubernetesSink::new(
            self.config(),
            Arc::new(transport),
        )))
    }

    async fn let_arrive(&self) {
        self.transport.let_arrive().await;
    }
}

#[tokio::test]
async fn a_key_of_a_secret_with_others_keeps_the_laws() {
    assert_kept(Cluster::with_others).await;
}

/// Everything but what lies beside the key, because there is nothing.
#[tokio::test]
async fn a_secret_that_does_not_exist_keeps_the_laws() {
    let violations = support::violations(async || Cluster::new()).await;
    let others = violations
        .into_iter()
        .filter(|(name, _)| *name != "everything_beside_the_secret_is_kept");
    let others: Vec<_> = others.collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[tokio::test]
async fn a_conflict_that_something_in_front_reports_may_have_written() {
    let cluster = Cluster::with_others().await;
    let sink = cluster.open();
    let found = sink.read().await.unwrap();
    let answer = Action::AnswerAfterwards(Canned::json(409, "{\"error\": \"proxy\"}"));
    cluster
        .simulator
        .faults()
        .add(Fault::new(answer).method("PUT"));
    let secret = Secret::new("secret");
    let error = sink
        .write(&secret, &found.version, &stamp(1))
        .await
        .unwrap_err();
    assert_eq!(Refusal::of(&error), None, "{error}");
    assert!(error.may_have_applied(), "{error}");
    assert_eq!(sink.read().await.unwrap().stamp, Some(stamp(1)));
}

/// A server that quotes what it was sent, as text and in base64.
#[tokio::test]
async fn what_the_server_repeats_of_the_secret_is_masked() {
    let cluster = Cluster::with_others().await;
    let sink = cluster.open();
    let found = sink.read().await.unwrap();
    let secret = Secret::new("plain words 1");
    let message = "data: Invalid value: plain words 1, cGxhaW4gd29yZHMgMQ==";
    let status = serde_json::json!({
        "kind": "Status", "status": "Failure", "reason": "Invalid", "message": message,
    });
    let answer = Action::Answer(Canned::json(422, status.to_string()));
    let fault = Fault::new(answer).method("PUT");
    cluster.simulator.faults().add(fault);
    let written = sink.write(&secret, &found.version, &stamp(1)).await;
    let error = written.unwrap_err();
    let shown = format!("{error} {error:#?}");
    assert!(shown.contains("data: Invalid value"), "{shown}");
    assert!(
        !shown.contains("plain words") && !shown.contains("cGxhaW4"),
        "{shown}"
    );
    assert_eq!(error.fate(), Fate::Rejected);
}

/// Lines of a log.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn nothing_secret_is_logged() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For all threads: a subscriber of one thread does not see the places to which a thread without
    // one came first.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing::callsite::rebuild_interest_cache();
    let cluster = Cluster::with_others().await;
    let sink = cluster.open();
    let found = sink.read().await.unwrap();
    let secret = Secret::new("Canary-5tX9");
    sink.write(&secret, &found.version, &stamp(1))
        .await
        .unwrap();
    sink.write(&secret, &found.version, &stamp(1))
        .await
        .unwrap_err();
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("losant#token"), "{log}");
    for secret in ["Canary", "Q2FuYXJ5", &cluster.token()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_named() {
    let cluster = Cluster::with_others().await;
    let transport = Arc::new(cluster.transport.clone());
    let address = || BaseUrl::parse("https://kubernetes.default.svc").unwrap();
    let good = || Credential::from_secret(Secret::new(cluster.token()));
    let bad = Credential::from_secret(Secret::new("Canary-wrong"));

    let config = KubernetesConfig::new(address(), bad, "ci", "losant", "token").unwrap();
    let sink = KubernetesSink::new(config, transport.clone());
    let error = sink.read().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{error}");
    let expected = cluster.open().read().await.unwrap().version;
    let error = sink
        .write(&Secret::new("x"), &expected, &stamp(1))
        .await
        .unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent, "{error}");
    assert!(!error.to_string().contains("Canary"), "{error}");

    let config = KubernetesConfig::new(address(), good(), "missing", "losant", "token").unwrap();
    let sink = KubernetesSink::new(config, transport.clone());
    let found = sink.read().await.unwrap();
    let error = sink
        .write(&Secret::new("x"), &found.version, &stamp(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert!(
        error
            .to_string()
            .contains("namespaces \"missing\" not found"),
        "{error}"
    );
    assert!(!error.may_have_applied(), "{error}");

    // A page of something in front of the server is no missing Secret.
    let page = Action::Answer(Canned::status(404).body("<html>"));
    cluster.simulator.faults().add(Fault::new(page));
    cluster.open().read().await.unwrap_err();

    for (namespace, name, key) in [
        ("", "a", "a"),
        ("A", "a", "a"),
        ("a", "a/b", "a"),
        ("a", "-a", "a"),
        ("a", "a", ""),
        ("a", "a", "a b"),
        ("a", "a", "a."),
        ("a", "a", &"a".repeat(58)),
    ] {
        let config = KubernetesConfig::new(address(), good(), namespace, name, key);
        let error = config.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    KubernetesConfig::new(address(), good(), "a-1", "a.b-c", ".dockerconfigjson").unwrap();
}
