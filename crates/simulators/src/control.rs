//! The control interface over HTTP, for tests that are not written in Rust.

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{Entry, Fault, NewToken, Simulator, State, Token, answer, target::Target};

/// Where the control interface begins on every server.
///
/// It lives beside the platform on the same port, under this path, which no platform uses. Its
/// requests are neither logged nor met by faults.
///
/// | Request | Does |
/// |---|---|
/// | `GET /` | names the provider, its credentials, the time, and counts |
/// | `GET /log?after=N` | the requests received, those with a number above N |
/// | `DELETE /log` | forgets them |
/// | `GET /clock` | `{"now","frozen"}` |
/// | `PUT /clock` | any of `{"set":TIME,"advance":"25h","frozen":BOOL}`, then as `GET` |
/// | `GET /faults` | the faults that wait |
/// | `POST /faults` | adds one: `{"method","path","after","times","actions":[…]}`, gives `{"number"}` |
/// | `DELETE /faults`, `DELETE /faults/N` | removes all, or one |
/// | `GET /tokens?offset=N&limit=N` | what really exists, with secrets; 1,000 at most unless told |
/// | `GET /tokens/ID` | one of them |
/// | `POST /tokens` | creates `{"name",…}` past the platform's rules, gives `{"id","secret"}` |
/// | `DELETE /tokens/ID` | erases one |
/// | `POST /accepts` | `{"secret"}` to `{"accepts":BOOL}` |
///
/// `times` is 1 unless given, and null for ever. An action is written like its Rust name in
/// `snake_case`: `"close_after"`, `{"answer":{"status":503,"headers":{"retry-after":"1"},"body":"…"}}`,
/// `{"delay":MILLISECONDS}`, `{"trickle":{"bytes":1,"millis":10}}`, `{"churn":{"create":"name"}}`.
pub const CONTROL_PATH: &str = "/__control";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    set: Option<Timestamp>,
    advance: Option<SignedDuration>,
    frozen: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenToMake {
    #[serde(default)]
    name: String,
    description: Option<String>,
    #[serde(default)]
    state: TokenState,
    created: Option<Timestamp>,
    expires: Option<Timestamp>,
    last_used: Option<Timestamp>,
    #[serde(default)]
    scopes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TokenState {
    #[default]
    Active,
    Suspended,
    Revoked,
    Expired,
    Tomorrow,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretToTry {
    secret: String,
}

/// Why a control request failed.
#[derive(Debug)]
enum Refusal {
    NotFound,
    BadRequest(String),
}

/// The answer, when the request is one for the control interface.
pub(crate) fn control(
    simulator: &dyn Simulator,
    request: &Request<Bytes>,
) -> Option<Response<Bytes>> {
    let target = Target::of(request.uri());
    let path = target.path.strip_prefix(CONTROL_PATH)?;
    if !path.is_empty() && !path.starts_with('/') {
        return None;
    }
    let segments = target.segments();
    let segments: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let answered = serve(simulator, request, &target, &segments);
    Some(match answered {
        Ok(body) => answer::json(200, &body),
        Err(Refusal::NotFound) => answer::json(404, &json!({"error": "no such control"})),
        Err(Refusal::BadRequest(error)) => answer::json(400, &json!({"error": error})),
    })
}

fn serve(
    simulator: &dyn Simulator,
    request: &Request<Bytes>,
    target: &Target,
    path: &[&str],
) -> Result<Value, Refusal> {
    match (request.method().as_str(), path) {
        ("GET", []) => Ok(summary(simulator)),
        ("GET", ["log"]) => Ok(log(simulator, target)),
        ("DELETE", ["log"]) => {
            simulator.log().clear();
            Ok(json!({}))
        }
        ("GET", ["clock"]) => Ok(clock(simulator)),
        ("PUT", ["clock"]) => {
            change_clock(simulator, &read(request)?);
            Ok(clock(simulator))
        }
        ("GET", ["faults"]) => Ok(faults(simulator)),
        ("POST", ["faults"]) => {
            let fault: Fault = read(request)?;
            Ok(json!({"number": simulator.faults().add(fault)}))
        }
        ("DELETE", ["faults"]) => {
            simulator.faults().clear();
            Ok(json!({}))
        }
        ("DELETE", ["faults", number]) => {
            let number = number.parse().map_err(|_| Refusal::NotFound)?;
            done(simulator.faults().remove(number))
        }
        ("GET", ["tokens"]) => Ok(tokens(simulator, target)),
        ("GET", ["tokens", id]) => match simulator.token(id) {
            Some(found) => Ok(token(&found)),
            None => Err(Refusal::NotFound),
        },
        ("POST", ["tokens"]) => {
            let made = simulator.insert(new_token(read(request)?));
            Ok(json!({"id": made.id, "secret": made.secret}))
        }
        ("DELETE", ["tokens", id]) => done(simulator.remove(id)),
        ("POST", ["accepts"]) => {
            let tried: SecretToTry = read(request)?;
            Ok(json!({"accepts": simulator.accepts(&tried.secret)}))
        }
        _ => Err(Refusal::NotFound),
    }
}

fn read<T: DeserializeOwned>(request: &Request<Bytes>) -> Result<T, Refusal> {
    serde_json::from_slice(request.body()).map_err(|error| Refusal::BadRequest(error.to_string()))
}

fn done(found: bool) -> Result<Value, Refusal> {
    found.then(|| json!({})).ok_or(Refusal::NotFound)
}

fn summary(simulator: &dyn Simulator) -> Value {
    json!({
        "provider": simulator.provider(),
        "credentials": simulator.credentials(),
        "clock": clock(simulator),
        "tokens": simulator.token_count(),
        "requests": simulator.log().total(),
        "faults": simulator.faults().waiting().len(),
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
        .filter_map(|id| Some(token(&simulator.token(id)?)))
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
        .waiting()
        .into_iter()
        .map(|(number, mut fault)| {
            // A hook is a function of a Rust test; it has no spelling.
            fault
                .actions
                .retain(|action| !matches!(action, crate::Action::Run(_)));
            json!({"number": number, "fault": fault})
        })
        .collect();
    json!({"faults": faults})
}

fn token(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "state": match token.state {
            State::Active => "active",
            State::Suspended => "suspended",
            State::Revoked => "revoked",
            State::Expired => "expired",
            State::Tomorrow => "tomorrow",
        },
        "created": token.created,
        "updated": token.updated,
        "expires": token.expires,
        "last_used": token.last_used,
        "secret": token.secret,
    })
}

fn new_token(asked: TokenToMake) -> NewToken {
    NewToken {
        name: asked.name,
        description: asked.description,
        state: match asked.state {
            TokenState::Active => State::Active,
            TokenState::Suspended => State::Suspended,
            TokenState::Revoked => State::Revoked,
            TokenState::Expired => State::Expired,
            TokenState::Tomorrow => State::Tomorrow,
        },
        created: asked.created,
        expires: asked.expires,
        last_used: asked.last_used,
        scopes: asked.scopes,
    }
}
