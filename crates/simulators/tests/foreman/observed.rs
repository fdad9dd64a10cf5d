//! Replays of whole sessions with the real platform, request by request.
//!
//! The recordings do not contain the secrets that the callers used, nor the changes that were made
//! to the database between requests. The steps that need either are listed here.

use jiff::{Timestamp, fmt::strtime};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokenfleet_simulators::{NewToken, Simulator, foreman::Foreman};

use crate::client::{Response, basic, foreman, send, time};

/// The additions of a step to the recorded request.
#[derive(Default)]
struct Additions {
    secret: Option<String>,
    headers: Vec<(&'static str, String)>,
    /// The time of the request, if the recorded response does not show it.
    at: Option<Timestamp>,
    ignore_times: bool,
}

/// A recorded step with its response as unparsed text.
#[derive(Deserialize)]
struct RawStep<'a> {
    #[serde(borrow)]
    response: &'a RawValue,
}

/// The state of a replay.
struct Replay {
    foreman: Foreman,
    secrets: Vec<String>,
    cookie: String,
    etag: String,
}

fn replay(recording: &str, additions: impl Fn(usize, &Replay) -> Additions) {
    let steps: Vec<Value> = serde_json::from_str(recording).unwrap();
    let raw_steps: Vec<RawStep<'_>> = serde_json::from_str(recording).unwrap();
    let mut replay = Replay {
        foreman: foreman(&["row_order=staying"]),
        secrets: vec![String::new()],
        cookie: String::new(),
        etag: String::new(),
    };
    let mut differences = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let additions = additions(number, &replay);
        if let Some(at) = additions.at.or_else(|| latest_time(&step["response"])) {
            replay.foreman.clock().set(at);
        }
        let response = send_step(&replay.foreman, step, &additions);
        if let Some(id) = response.json()["id"]
            .as_u64()
            .filter(|_| response.status == 201)
        {
            let secret = response.json()["token_value"].as_str().unwrap().to_owned();
            replay.secrets.resize(id as usize + 1, String::new());
            replay.secrets[id as usize] = secret;
        }
        if let Some(cookie) = response.session_cookie()
            && additions.secret.is_some()
        {
            replay.cookie = cookie;
        }
        response.header("etag").clone_into(&mut replay.etag);
        let raw_response = raw_steps[number].response.get();
        let keep_times = !additions.ignore_times;
        if let Some(reason) = difference(step, raw_response, &response, keep_times) {
            differences.push(format!(
                "{number} {} {} {}: {reason}",
                step["label"], step["method"], step["path"]
            ));
        }
    }
    println!(
        "{} of {} recorded responses agree",
        steps.len() - differences.len(),
        steps.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn send_step(foreman: &Foreman, step: &Value, additions: &Additions) -> Response {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let mut headers = vec![("accept", "application/json,version=2".to_owned())];
    if !text("body").is_empty() || text("method") == "POST" {
        headers.push(("content-type", "application/json".to_owned()));
    }
    if let Some(login) = step["user"].as_str() {
        let password = if login == "admin" { "changeme" } else { login };
        headers.push((
            "authorization",
            basic(login, additions.secret.as_deref().unwrap_or(password)),
        ));
    }
    for (name, value) in step["headers"].as_object().unwrap() {
        let name = match name.as_str() {
            "HTTP_ACCEPT" => "accept",
            "CONTENT_TYPE" => "content-type",
            "HTTP_COOKIE" => "cookie",
            "HTTP_AUTHORIZATION" => "authorization",
            "HTTP_IF_NONE_MATCH" => "if-none-match",
            other => panic!("{other}"),
        };
        headers.retain(|(other, _)| *other != name);
        headers.push((name, value.as_str().unwrap().to_owned()));
    }
    for (name, value) in &additions.headers {
        headers.retain(|(other, _)| other != name);
        headers.push((name, value.clone()));
    }
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let path = text("path").replace('[', "%5B").replace(']', "%5D");
    send(foreman, text("method"), &path, &headers, text("body"))
}

/// Describes the first difference from the recorded response, if there is one.
fn difference(
    step: &Value,
    raw_response: &str,
    response: &Response,
    keep_times: bool,
) -> Option<String> {
    if step["status"] != response.status {
        return Some(format!(
            "status {} instead of {}: {}",
            response.status, step["status"], response.text
        ));
    }
    let content_type = response.header("content-type");
    if step["content_type"].as_str().unwrap_or_default() != content_type {
        return Some(format!("content type {content_type}"));
    }
    let (mut expected, mut found) = (step["response"].clone(), response.json());
    mask_volatile_values(&mut expected, keep_times);
    mask_volatile_values(&mut found, keep_times);
    if expected != found {
        return Some(format!("expected {expected}\nfound    {found}"));
    }
    (member_names(raw_response) != member_names(&response.text))
        .then(|| format!("different order of members: {}", response.text))
}

/// Returns the names of all members in the order of the text, which is lost in a parsed value.
fn member_names(text: &str) -> Vec<String> {
    let name = Regex::new(r#""([a-z_]+\??)"\s*:"#).unwrap();
    name.captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// Masks the values that differ in every run: secrets, hashes and either the fractions of seconds
/// or the whole times.
fn mask_volatile_values(value: &mut Value, keep_times: bool) {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| mask_volatile_values(item, keep_times)),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), &*member) {
                    ("token_value", Value::String(secret)) => *member = secret.len().into(),
                    // The salt depends only on the user.
                    ("token", Value::String(hash)) => *member = hash[..29].into(),
                    ("created_at" | "updated_at" | "last_used_at", Value::String(text)) => {
                        *member = if keep_times {
                            parse_time(text).to_string().into()
                        } else {
                            text.replace(|letter: char| letter.is_ascii_digit(), "0")
                                .into()
                        };
                    }
                    _ => mask_volatile_values(member, keep_times),
                }
            }
        }
        _ => {}
    }
}

/// Parses a time in either of Foreman's forms and truncates it to seconds.
fn parse_time(text: &str) -> Timestamp {
    let time: Timestamp = match text.strip_suffix(" UTC") {
        Some(plain) => format!("{}Z", plain.replace(' ', "T")).parse().unwrap(),
        None => text.parse().unwrap_or_else(|_| {
            strtime::parse("%Y-%m-%d %H:%M:%S %z", text)
                .unwrap()
                .to_timestamp()
                .unwrap()
        }),
    };
    Timestamp::from_second(time.as_second()).unwrap()
}

/// Returns the latest time in a response, which is about the time of the request.
fn latest_time(response: &Value) -> Option<Timestamp> {
    match response {
        Value::Array(items) => items.iter().filter_map(latest_time).max(),
        Value::Object(members) => members
            .iter()
            .filter_map(|(name, member)| match (name.as_str(), member) {
                ("created_at" | "updated_at" | "last_used_at", Value::String(text)) => {
                    Some(parse_time(text))
                }
                _ => latest_time(member),
            })
            .max(),
        _ => None,
    }
}

#[test]
fn creations_get_the_recorded_responses() {
    replay(
        include_str!("../data/foreman/observed_create.json"),
        |_, _| Additions::default(),
    );
}

#[test]
fn ids_permissions_contexts_and_zones_get_the_recorded_responses() {
    replay(
        include_str!("../data/foreman/observed_misc.json"),
        |number, replay| {
            let secret = |id: usize| Some(replay.secrets[id].clone());
            let mut additions = Additions::default();
            match number {
                32 | 35 | 52 => additions.secret = secret(3),
                34 => additions.secret = Some("wrong".to_owned()),
                39 => additions
                    .headers
                    .push(("authorization", format!("Bearer {}", replay.secrets[3]))),
                40 => {
                    let lower = basic("jane.doe", &replay.secrets[3]).replacen("Basic", "basic", 1);
                    additions.headers.push(("authorization", lower));
                }
                67 => {
                    let token = NewToken::default().expires(time("2026-11-22T12:17:57.902Z"));
                    assert!(replay.foreman.rewrite("2", token));
                }
                68 => additions.secret = secret(2),
                71 => additions.at = Some(time("2026-11-22T13:18:00Z")),
                72 => additions.at = Some(time("2026-11-22T13:18:00.5Z")),
                _ => {}
            }
            additions
        },
    );
}

#[test]
fn sessions_etags_and_the_lockout_get_the_recorded_responses() {
    replay(
        include_str!("../data/foreman/observed_sessions_etag.json"),
        |number, replay| {
            let secret = |id: usize| Some(replay.secrets[id].clone());
            let mut additions = Additions::default();
            match number {
                1 | 5 => additions.secret = secret(1),
                8 => additions.secret = secret(2),
                12 => additions
                    .headers
                    .push(("if-none-match", replay.etag.clone())),
                13 => additions
                    .headers
                    .push(("if-none-match", replay.etag.replacen("W/", "", 1))),
                28 => {
                    additions.secret = secret(8);
                    additions.at = Some(time("2026-11-22T13:18:38Z"));
                }
                33..64 => additions.secret = Some("wrong".to_owned()),
                _ => {}
            }
            if (2..=6).contains(&number) {
                additions.headers.push(("cookie", replay.cookie.clone()));
            }
            if number >= 66 {
                // The lockout was lifted by hand in the recording. Here it expires after five
                // minutes.
                additions.at = Some(time("2026-11-22T13:30:00Z"));
                additions.ignore_times = true;
            }
            additions
        },
    );
}
