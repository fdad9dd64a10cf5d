//! A transport that records every secret that a platform returns.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokenfleet_http::{Body, Transport, TransportError};
use tokenfleet_simulators::Simulator;

use crate::{CanarySecrets, InProcess};

/// The members that hold secrets, one of them a hash.
const SECRET_MEMBERS: [&str; 5] = [
    "token",
    "token_value",
    "key",
    "AccessToken",
    "two_factor_token",
];

/// A transport to a simulator in the same process that records the secrets in its responses.
pub struct SecretRecordingTransport {
    /// The platform.
    pub simulator: Arc<dyn Simulator>,
    /// The secrets recorded so far.
    pub secrets: CanarySecrets,
}

/// A simulator's `Debug` shows the credentials that it accepts.
impl fmt::Debug for SecretRecordingTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretRecordingTransport")
    }
}

#[async_trait]
impl Transport for SecretRecordingTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let platform = InProcess(Arc::clone(&self.simulator));
        let response = platform.dispatch(request).await?;
        if let Ok(body) = serde_json::from_slice(response.body()) {
            plant_members(&body, &self.secrets);
        }
        Ok(response.map(Body::full))
    }
}

fn plant_members(value: &Value, secrets: &CanarySecrets) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // Lists mask a key, or show only its first four characters.
                    Value::String(text) if SECRET_MEMBERS.contains(&name.as_str()) => {
                        if text.len() > 4 && !text.contains(['*', '…']) {
                            secrets.plant(name, text);
                        }
                    }
                    other => plant_members(other, secrets),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| plant_members(item, secrets)),
        _ => {}
    }
}
