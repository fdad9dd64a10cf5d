//! The control interface over HTTP, for tests in any language.

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Action, Entry, Fault, NewToken, Simulator, response, target::Target};

/// The path of the control interface on every server.
///
/// The control interface shares the port with the platform, which never uses this path. Its
/// requests are not logged and not affected by faults.
///
/// | Request | Effect |
/// |---|---|
/// | `GET /` | returns the provider, its credentials, the time, and counts |
/// | `GET /log?after=N` | returns the received requests with a number above N |
/// | `DELETE /log` | clears the log |
/// | `GET /clock` | returns `{"now","frozen"}` |
/// | `PUT /clock` | takes any of `{"set":TIME,"advance":"25h","frozen":BOOL}`, returns as `GET` |
/// | `GET /faults` | returns the pending faults |
/// | `POST /faults` | takes `{"method","path","after","times","actions":[…]}`, returns `{"number"}` |
/// | `DELETE /faults`, `DELETE /faults/N` | removes all faults, or one |
/// | `GET /tokens?offset=N&limit=N` | returns existing tokens with secrets, 1,000 by default |
/// | `GET /tokens/ID` | returns one token |
/// | `POST /tokens` | inserts `{"name",…}` past the platform's rules, returns `{"id","secret"}` |
/// | `DELETE /tokens/ID` | erases one token |
/// | `POST /accepts` | takes `{"secret"}`, returns `{"accepts":BOOL}` |
///
/// `times` defaults to 1; null means always. An action is spelled like its Rust name in snake case:
/// `"close_after"`, `{"answer":{"status":503,"headers":{"retry-after":"1"},"body":"…"}}`,
/// `{"delay":MILLISECONDS}`, `{"trickle":{"bytes":1,"millis":10}}`, `{"churn":{"create":"name"}}`.
pub const CONTROL_PATH: &str = "/__control";

/// The body of `PUT /clock`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    set: Option<Timestamp>,
    advance: Option<SignedDuration>,
    frozen: Option<bool>,
}

/// The body of `POST /accepts`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretCheck {
    secret: String,
}

/// The reason why a control request failed.
#[derive(Debug)]
enum ControlError {
    NotFound,
    BadRequest(String),
}

/// Answers a request to the control interface; `None` for any other request.
pub(crate) fn control(
    simulator: &dyn Simulator,
    request: &Request<Bytes>,
) -> Option<Response<Bytes>> {
    let target = Target::parse(request.uri());
    let path = target.path.strip_prefix(CONTROL_PATH)?;
    if !path.is_empty() && !path.starts_with('/') {
        return None;
    }
    let segments = target.segments();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    Some(match serve(simulator, request, &target, &segments) {
        Ok(body) => response::json(200, &body),
        Err(ControlError::NotFound) => {
            response::json(404, &json!({"error": "no such control request"}))
        }
        Err(ControlError::BadRequest(error)) => response::json(400, &json!({"error": error})),
    })
}

/// Serves a control request, `path` being the rest of its path.
fn serve(
    simulator: &dyn Simulator,
    request: &Request<Bytes>,
    target: &Target,
    path: &[&str],
) -> Result<Value, ControlError> {
    match (request.method().as_str(), path) {
        ("GET", []) => Ok(summary(simulator)),
        ("GET", ["log"]) => Ok(log(simulator, target)),
        ("DELETE", ["log"]) => {
            simulator.log().clear();
            Ok(json!({}))
        }
        ("GET", ["clock"]) => Ok(clock(simulator)),
        ("PUT", ["clock"]) => {
            change_clock(simulator, &read_body(request)?);
            Ok(clock(simulator))
        }
        ("GET", ["faults"]) => Ok(faults(simulator)),
        ("POST", ["faults"]) => {
            let fault: Fault = read_body(request)?;
            Ok(json!({"number": simulator.faults().add(fault)}))
        }
        ("DELETE", ["faults"]) => {
            simulator.faults().clear();
            Ok(json!({}))
        }
        ("DELETE", ["faults", number]) => {
            let number = number.parse().map_err(|_| ControlError::NotFound)?;
            found_or_error(simulator.faults().remove(number))
        }
        ("GET", ["tokens"]) => Ok(tokens(simulator, target)),
        ("GET", ["tokens", id]) => match simulator.token(id) {
            Some(token) => Ok(json!(token)),
            None => Err(ControlError::NotFound),
        },
        ("POST", ["tokens"]) => {
            let token: NewToken = read_body(request)?;
            let inserted = simulator.insert(token);
            Ok(json!({"id": inserted.id, "secret": inserted.secret}))
        }
        ("DELETE", ["tokens", id]) => found_or_error(simulator.remove(id)),
        ("POST", ["accepts"]) => {
            let check: SecretCheck = read_body(request)?;
            Ok(json!({"accepts": simulator.accepts(&check.secret)}))
        }
        _ => Err(ControlError::NotFound),
    }
}

fn read_body<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, ControlError> {
    serde_json::from_slice(request.body())
        .map_err(|error| ControlError::BadRequest(error.to_string()))
}

/// Returns an empty object if something was found and removed.
fn found_or_error(found: bool) -> Result<Value, ControlError> {
    found.then(|| json!({})).ok_or(ControlError::NotFound)
}

fn summary(simulator: &dyn Simulator) -> Value {
    json!({
        "provider": simulator.provider(),
        "credentials": simulator.credentials(),
        "clock": clock(simulator),
        "tokens": simulator.token_count(),
        "requests": simulator.log().total(),
        "faults": simulator.faults().pending().len(),
    })
}

fn log(simulator: &dyn Simulator, target: &Target) -> Value {
    let after = number(target, "after").unwrap_or(0);
    let entries: Vec<Value> = simulator
        .log()
        .entries()
        .iter()
        .filter(|entry| entry.number > after as u64)
        .map(entry)
        .collect();
    json!({"total": simulator.log().total(), "entries": entries})
}

fn entry(entry: &Entry) -> Value {
    let headers: Vec<[String; 2]> = entry
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            [name.to_string(), value]
        })
        .collect();
    json!({
        "number": entry.number,
        "received": entry.received,
        "method": entry.method.as_str(),
        "target": entry.target,
        "headers": headers,
        "body": String::from_utf8_lossy(&entry.body),
        "processed": entry.processed,
        "status": entry.status,
    })
}

fn tokens(simulator: &dyn Simulator, target: &Target) -> Value {
    let ids = simulator.ids();
    let tokens: Vec<Value> = ids
        .iter()
        .skip(number(target, "offset").unwrap_or(0))
        .take(number(target, "limit").unwrap_or(1000))
        .filter_map(|id| Some(json!(simulator.token(id)?)))
        .collect();
    json!({"total": ids.len(), "tokens": tokens})
}

fn number(target: &Target, parameter: &str) -> Option<usize> {
    target.parameter(parameter)?.parse().ok()
}

fn clock(simulator: &dyn Simulator) -> Value {
    let clock = simulator.clock();
    json!({"now": clock.now(), "frozen": clock.is_frozen()})
}

fn change_clock(simulator: &dyn Simulator, change: &ClockChange) {
    let clock = simulator.clock();
    match change.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.resume(),
        None => {}
    }
    if let Some(at) = change.set {
        clock.set(at);
    }
    if let Some(by) = change.advance {
        clock.advance(by);
    }
}

fn faults(simulator: &dyn Simulator) -> Value {
    let faults: Vec<Value> = simulator
        .faults()
        .pending()
        .into_iter()
        .map(|(number, mut fault)| {
            // A hook is a Rust closure, which JSON cannot spell.
            fault
                .actions
                .retain(|action| !matches!(action, Action::Run(_)));
            json!({"number": number, "fault": fault})
        })
        .collect();
    json!({"faults": faults})
}
