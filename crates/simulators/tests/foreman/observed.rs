//! Whole sessions with the real platform, replayed request by request.
//!
//! What the recordings do not hold is which secret a caller used and what the recorder changed in the
//! database between requests; the steps that need it are named here.

use jiff::{Timestamp, fmt::strtime};
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tokenfleet_simulators::{NewToken, Simulator, foreman::Foreman};

use crate::client::{Answer, basic, foreman, send, time};

/// What a step adds to the recorded request.
#[derive(Default)]
struct Extra {
    secret: Option<String>,
    headers: Vec<(&'static str, String)>,
    /// Where the answer does not show the time of the request.
    at: Option<Timestamp>,
    without_times: bool,
}

/// An observed answer as it is written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    response: &'a RawValue,
}

/// A replay under way.
struct Replay {
    foreman: Foreman,
    secrets: Vec<String>,
    cookie: String,
    etag: String,
}

fn replay(recording: &str, extra: impl Fn(usize, &Replay) -> Extra) {
    let steps: Vec<Value> = serde_json::from_str(recording).unwrap();
    let written: Vec<Written<'_>> = serde_json::from_str(recording).unwrap();
    let mut replay = Replay {
        foreman: foreman(&["row_order=staying"]),
        secrets: vec![String::new()],
        cookie: String::new(),
        etag: String::new(),
    };
    let mut disagreements = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let extra = extra(number, &replay);
        if let Some(at) = extra.at.or_else(|| latest_time(&step["response"])) {
            replay.foreman.clock().set(at);
        }
        let answer = perform(&replay.foreman, step, &extra);
        if let Some(id) = answer.json()["id"]
            .as_u64()
            .filter(|_| answer.status == 201)
        {
            replay.secrets.resize(id as usize + 1, String::new());
            replay.secrets[id as usize] = answer.json()["token_value"].as_str().unwrap().to_owned();
        }
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';')
            && extra.secret.is_some()
        {
            replay.cookie = cookie.to_owned();
        }
        answer.header("etag").clone_into(&mut replay.etag);
        disagreements.extend(
            disagreement(
                step,
                written[number].response.get(),
                &answer,
                !extra.without_times,
            )
            .map(|reason| {
                format!(
                    "{number} {} {} {}: {reason}",
                    step["label"], step["method"], step["path"]
                )
            }),
        );
    }
    println!(
        "{} of {} observed answers agree",
        steps.len() - disagreements.len(),
        steps.len()
    );
    assert!(disagreements.is_empty(), "{}", disagreements.join("\n"));
}

fn perform(foreman: &Foreman, step: &Value, extra: &Extra) -> Answer {
    let text = |name: &str| step[name].as_str().unwrap_or_default();
    let mut headers = vec![("accept", "application/json,version=2".to_owned())];
    if !text("body").is_empty() || text("method") == "POST" {
        headers.push(("content-type", "application/json".to_owned()));
    }
    if let Some(login) = step["user"].as_str() {
        let password = if login == "admin" { "changeme" } else { login };
        headers.push((
            "authorization",
            basic(login, extra.secret.as_deref().unwrap_or(password)),
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
    for (name, value) in &extra.headers {
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

fn disagreement(step: &Value, written: &str, answer: &Answer, times: bool) -> Option<String> {
    if step["status"] != answer.status {
        return Some(format!(
            "status {} instead of {}: {}",
            answer.status, step["status"], answer.text
        ));
    }
    let content_type = step["content_type"].as_str().unwrap_or_default();
    if content_type != answer.header("content-type") {
        return Some(format!("content type {}", answer.header("content-type")));
    }
    let (mut expected, mut found) = (step["response"].clone(), answer.json());
    settle(&mut expected, times);
    settle(&mut found, times);
    if expected != found {
        return Some(format!("expected {expected}\nfound    {found}"));
    }
    (members(written) != members(&answer.text))
        .then(|| format!("other order of members: {}", answer.text))
}

/// The names of members in the order in which they are written, which comparing values does not see.
fn members(text: &str) -> Vec<String> {
    let name = Regex::new(r#""([a-z_]+\??)"\s*:"#).unwrap();
    name.captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// Replaces what no two runs share: secrets and hashes, and fractions of seconds, or whole times.
fn settle(value: &mut Value, times: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, times)),
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), &*member) {
                    ("token_value", Value::String(secret)) => *member = secret.len().into(),
                    // The salt is the same everywhere.
                    ("token", Value::String(hash)) => *member = hash[..29].into(),
                    ("created_at" | "updated_at" | "last_used_at", Value::String(text)) => {
                        *member = if times {
                            moment(text).to_string().into()
                        } else {
                            text.replace(|letter: char| letter.is_ascii_digit(), "0")
                                .into()
                        };
                    }
                    _ => settle(member, times),
                }
            }
        }
        _ => {}
    }
}

/// The time a text shows, to the second.
fn moment(text: &str) -> Timestamp {
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

/// The time of the request, as far as its answer shows it.
fn latest_time(response: &Value) -> Option<Timestamp> {
    match response {
        Value::Array(items) => items.iter().filter_map(latest_time).max(),
        Value::Object(members) => members
            .iter()
            .filter_map(|(name, member)| match (name.as_str(), member) {
                ("created_at" | "updated_at" | "last_used_at", Value::String(text)) => {
                    Some(moment(text))
                }
                _ => latest_time(member),
            })
            .max(),
        _ => None,
    }
}

#[test]
fn creations_are_answered_as_observed() {
    replay(
        include_str!("../data/foreman/observed_create.json"),
        |_, _| Extra::default(),
    );
}

#[test]
fn ids_rights_contexts_and_zones_are_answered_as_observed() {
    replay(
        include_str!("../data/foreman/observed_misc.json"),
        |number, replay| {
            let secret = |id: usize| Some(replay.secrets[id].clone());
            let mut extra = Extra::default();
            match number {
                32 | 35 | 52 => extra.secret = secret(3),
                34 => extra.secret = Some("wrong".to_owned()),
                39 => extra
                    .headers
                    .push(("authorization", format!("Bearer {}", replay.secrets[3]))),
                40 => {
                    let lower = basic("jane.doe", &replay.secrets[3]).replacen("Basic", "basic", 1);
                    extra.headers.push(("authorization", lower));
                }
                67 => {
                    let token = NewToken::default().expires(time("2026-11-22T12:17:57.902Z"));
                    assert!(replay.foreman.rewrite("2", token));
                }
                68 => extra.secret = secret(2),
                71 => extra.at = Some(time("2026-11-22T13:18:00Z")),
                72 => extra.at = Some(time("2026-11-22T13:18:00.5Z")),
                _ => {}
            }
            extra
        },
    );
}

#[test]
fn sessions_tags_and_the_lock_are_answered_as_observed() {
    replay(
        include_str!("../data/foreman/observed_sessions_etag.json"),
        |number, replay| {
            let secret = |id: usize| Some(replay.secrets[id].clone());
            let mut extra = Extra::default();
            match number {
                1 | 5 => extra.secret = secret(1),
                8 => extra.secret = secret(2),
                12 => extra.headers.push(("if-none-match", replay.etag.clone())),
                13 => extra
                    .headers
                    .push(("if-none-match", replay.etag.replacen("W/", "", 1))),
                28 => {
                    extra.secret = secret(8);
                    extra.at = Some(time("2026-11-22T13:18:38Z"));
                }
                33..64 => extra.secret = Some("wrong".to_owned()),
                _ => {}
            }
            if (2..=6).contains(&number) {
                extra.headers.push(("cookie", replay.cookie.clone()));
            }
            if number >= 66 {
                // The recorder opened the lock; here five minutes pass.
                extra.at = Some(time("2026-11-22T13:30:00Z"));
                extra.without_times = true;
            }
            extra
        },
    );
}
