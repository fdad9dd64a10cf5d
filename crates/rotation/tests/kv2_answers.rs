//! Answers to the sink in KV, version 2, that a real server is not known to give.

#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokenfleet_core::{Credential, ErrorKind, Fate, Secret, TokenId};
use tokenfleet_http::{BaseUrl, Body, Bytes, Transport, TransportError, http};
use tokenfleet_rotation::sink::{Kv2Config, Kv2Sink, SecretSink, Stamp, Version};

/// A server whose secret is answered with this body, and the methods of the requests for it.
#[derive(Debug)]
struct Scripted {
    secret: &'static str,
    methods: Arc<Mutex<Vec<http::Method>>>,
}

#[async_trait]
impl Transport for Scripted {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let body = if request.uri().path().contains("/mounts/") {
            r#"{"data":{"type":"kv","options":{"version":"2"}}}"#
        } else {
            self.methods.lock().unwrap().push(request.method().clone());
            self.secret
        };
        let response = http::Response::builder().header("content-type", "application/json");
        Ok(response.body(Body::full(Bytes::from(body))).unwrap())
    }
}

#[tokio::test]
async fn a_secret_whose_fields_are_not_shown_is_neither_empty_nor_replaced() {
    for secret in [
        r#"{"data":{"data":null,"metadata":{"version":3}}}"#,
        r#"{"data":{"metadata":{"version":3}}}"#,
        r#"{"data":{"data":[],"metadata":{"version":3}}}"#,
    ] {
        let methods = Arc::default();
        let transport = Scripted {
            secret,
            methods: Arc::clone(&methods),
        };
        let address = BaseUrl::parse("https://bao.example.com").unwrap();
        let token = Credential::from_secret(Secret::new("hvs.0123456789"));
        let config = Kv2Config::new(address, token, "secret", "ci", "token").unwrap();
        let sink = Kv2Sink::new(config.with_adoption(), Arc::new(transport));
        let read = sink.read().await.unwrap_err();
        assert_eq!(read.kind(), ErrorKind::ProtocolViolation, "{secret}");
        let version = Version::new("3");
        let new = Secret::new("SK-PrjW98OTY1h8QTY9hUA");
        let written = sink
            .write(&new, &version, &Stamp::new("op-1", 1, TokenId::new("65f0")))
            .await;
        assert_eq!(written.unwrap_err().fate(), Fate::NotSent, "{secret}");
        assert!(
            methods
                .lock()
                .unwrap()
                .iter()
                .all(|sent| *sent == http::Method::GET)
        );
    }
}
