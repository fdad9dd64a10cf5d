//! A transport on which every secret that a platform answers is written down.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;
use tokenfleet_http::{Body, SendPhase, Transport, TransportError};
use tokenfleet_simulators::{Simulator, dispatch};

use crate::Planted;

/// The members under which platforms put what is secret, one of them a hash.
const SECRET_MEMBERS: [&str; 5] = [
    "token",
    "token_value",
    "key",
    "AccessToken",
    "two_factor_token",
];

/// Secrets that several write down.
pub type SharedPlanted = Arc<Mutex<Planted>>;

/// The secrets, whatever became of who held them last.
pub fn lock(planted: &SharedPlanted) -> MutexGuard<'_, Planted> {
    planted.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The way to a simulator in the same process, on which every secret that the platform answers is written down.
pub struct Tap {
    /// The platform.
    pub simulator: Arc<dyn Simulator>,
    /// Where its secrets go.
    pub planted: SharedPlanted,
}

/// A simulator's `Debug` shows the credentials that it accepts.
impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}

#[async_trait]
impl Transport for Tap {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let lost = |_| TransportError::new(SendPhase::MaybeSent, "connection lost");
        let response = dispatch(&*self.simulator, request).await.map_err(lost)?;
        if let Ok(body) = serde_json::from_slice(response.body()) {
            plant_members(&body, &mut lock(&self.planted));
        }
        Ok(response.map(Body::full))
    }
}

fn plant_members(value: &Value, planted: &mut Planted) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    // What is listed is masked, or begins with four characters of the key.
                    Value::String(text) if SECRET_MEMBERS.contains(&name.as_str()) => {
                        if text.len() > 4 && !text.contains(['*', '…']) {
                            planted.plant(name, text);
                        }
                    }
                    other => plant_members(other, planted),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| plant_members(item, planted)),
        _ => {}
    }
}
