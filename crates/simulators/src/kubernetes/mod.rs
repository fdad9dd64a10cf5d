//! The Secrets of Kubernetes, for the delivery of tokens: it issues none.
//!
//! Served: `GET`, `PUT` and `DELETE` of `/api/v1/namespaces/{namespace}/secrets/{name}`, and `POST`
//! to the collection. Left out: everything else, among it lists, watches, patches, labels as
//! selectors, field managers, and authorization by roles. `docs/facts/kubernetes.md` has the
//! sources.

mod secrets;
mod status;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};

use self::{secrets::Secrets, status::Status};
use crate::{
    Credentials, Inserted, Instruments, ListingShape, NewToken, Simulator, Token, response,
    target::Target,
};

/// The API server of a cluster with two namespaces, `default` and `ci`. Clones share it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bytes::Bytes;
/// use tokenfleet_simulators::{Simulator, dispatch, kubernetes::Kubernetes};
///
/// let cluster = Kubernetes::new();
/// let request = http::Request::post("/api/v1/namespaces/ci/secrets")
///     .header("authorization", format!("Bearer {}", cluster.credentials()["token"]))
///     .body(Bytes::from(r#"{"metadata":{"name":"losant"},"data":{"token":"b2xk"}}"#))?;
/// assert_eq!(dispatch(&cluster, request).await?.status(), 201);
/// assert_eq!(cluster.value("ci", "losant", "token").as_deref(), Some("old"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Kubernetes(Arc<Cluster>);

#[derive(Debug, Default)]
struct Cluster {
    instruments: Instruments,
    secrets: Mutex<Secrets>,
}

/// The only token that the cluster accepts.
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2ltdWxhdGVk";
const NAMESPACES: [&str; 2] = ["default", "ci"];

impl Kubernetes {
    /// Creates a cluster without Secrets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a Secret as the API shows it.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<Value> {
        let secret = self.0.secrets().get(namespace, name).ok()?;
        Some(Value::Object(secret))
    }

    /// Returns a value of a Secret as a pod reads it, if it is text.
    pub fn value(&self, namespace: &str, name: &str, key: &str) -> Option<String> {
        self.0.secrets().value(namespace, name, key)
    }

    /// Sets a value of a Secret as a person does, who leaves everything else as it is.
    pub fn set_value(&self, namespace: &str, name: &str, key: &str, value: &str) {
        let now = self.clock().now();
        self.0
            .secrets()
            .set_value((namespace, name), key, value, now);
    }
}

impl Cluster {
    fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Status> {
        let token = request.headers().get("authorization");
        let token = token.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if token != Some(TOKEN) {
            return Err(Status::new(401, "Unauthorized", "Unauthorized"));
        }
        let segments = Target::parse(request.uri()).segments();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (namespace, name) = match *segments.as_slice() {
            ["api", "v1", "namespaces", namespace, "secrets"] => (namespace, None),
            ["api", "v1", "namespaces", namespace, "secrets", name] => (namespace, Some(name)),
            _ => {
                let message = "the server could not find the requested resource";
                return Err(Status::new(404, "NotFound", message));
            }
        };
        let (now, mut secrets) = (self.instruments.clock.now(), self.secrets());
        let body = || object(request.body());
        let (status, body) = match (request.method(), name) {
            (&Method::GET, Some(name)) => (200, secrets.get(namespace, name)?),
            (&Method::POST, None) if !NAMESPACES.contains(&namespace) => {
                return Err(Status::missing("namespaces", namespace));
            }
            (&Method::POST, None) => (201, secrets.create(namespace, body()?, now)?),
            (&Method::PUT, Some(name)) => (200, secrets.replace((namespace, name), body()?)?),
            (&Method::DELETE, Some(name)) => {
                secrets.delete(namespace, name)?;
                return Ok(Status::success().response());
            }
            _ => {
                let message = "the server does not allow this method on the requested resource";
                return Err(Status::new(405, "MethodNotAllowed", message));
            }
        };
        Ok(response::json(status, &body))
    }
}

/// Reads a body that is to be a Secret.
fn object(body: &Bytes) -> Result<Map<String, Value>, Status> {
    let Ok(Value::Object(object)) = serde_json::from_slice(body) else {
        let message = "the body of the request was in an unknown format";
        return Err(Status::new(400, "BadRequest", message));
    };
    for (field, expected) in [("kind", "Secret"), ("apiVersion", "v1")] {
        if object.get(field).is_some_and(|value| value != expected) {
            let message = format!("the object provided is unrecognized: {field}");
            return Err(Status::new(400, "BadRequest", &message));
        }
    }
    Ok(object)
}

impl Simulator for Kubernetes {
    fn provider(&self) -> &'static str {
        "kubernetes"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        [("token".to_owned(), TOKEN.to_owned())].into()
    }

    fn instruments(&self) -> &Instruments {
        &self.0.instruments
    }

    fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        let result = self.0.handle(&request);
        result.unwrap_or_else(|status| status.response())
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        None
    }

    /// Returns none: a Secret is no token.
    fn tokens(&self) -> Vec<Token> {
        Vec::new()
    }

    fn token_count(&self) -> usize {
        0
    }

    fn accepts(&self, secret: &str) -> bool {
        secret == TOKEN
    }

    /// Inserts nothing: a Secret is no token.
    fn insert(&self, _token: NewToken) -> Inserted {
        Inserted::new(String::new(), String::new())
    }

    fn remove(&self, _id: &str) -> bool {
        false
    }
}
