//! A request, read: route, parameters and the few headers that matter.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{
    parameters::{Parameter, Parameters},
    release::Release,
    reply::Reply,
};
use crate::target::Target;

/// Where a request wants to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Index { user: String },
    Show { user: String, id: String },
    Create { user: String },
    Destroy { user: String, id: String },
    Users,
    Apidoc,
    ApidocChecksum,
}

/// A request whose parameters could be read.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) route: Route,
    pub(super) parameters: Parameters,
    /// The media type of the body, without parameters; `None` without the header.
    pub(super) media_type: Option<String>,
}

/// Nesting that Ruby's JSON refuses.
const DEEPEST: usize = 100;

impl Incoming {
    pub(super) fn read(request: &Request<Bytes>, release: &Release) -> Result<Self, Reply> {
        let path = Target::parse(request.uri()).path;
        let segments = segments(&path)?;
        let route =
            route(request.method(), &segments).ok_or_else(|| no_route(request.headers()))?;
        let mut parameters = Parameters::from_query(request.uri().query().unwrap_or_default())
            .map_err(|_| Reply::bad_request())?;
        let media_type = media_type(request.headers());
        if media_type
            .as_deref()
            .is_some_and(|media_type| !is_media_type(media_type))
        {
            return Err(Reply::not_acceptable());
        }
        let body = body(request, media_type.as_deref(), release)?;
        wrap(&mut parameters, body);
        Ok(Self {
            route,
            parameters,
            media_type,
        })
    }
}

fn segments(path: &str) -> Result<Vec<String>, Reply> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| match percent_decode_str(segment).decode_utf8() {
            Ok(segment) => Ok(segment.into_owned()),
            Err(_) => Err(Reply::bad_request()),
        })
        .collect()
}

fn route(method: &Method, segments: &[String]) -> Option<Route> {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let read = matches!(*method, Method::GET | Method::HEAD);
    let rest = match segments.as_slice() {
        ["api", "v2", rest @ ..] | ["api", rest @ ..] => rest,
        ["apidoc", "v2.json" | "v2.en.json"] if read => return Some(Route::Apidoc),
        ["apidoc", "apipie_checksum"] if read => return Some(Route::ApidocChecksum),
        _ => return None,
    };
    match *rest {
        ["users"] if read => Some(Route::Users),
        // The collection takes a format, which changes nothing; an id swallows it.
        [
            "users",
            user,
            "personal_access_tokens" | "personal_access_tokens.json",
        ] => {
            let user = user.to_owned();
            match *method {
                Method::POST => Some(Route::Create { user }),
                _ => read.then_some(Route::Index { user }),
            }
        }
        ["users", user, "personal_access_tokens", id] => {
            let (user, id) = (user.to_owned(), id.to_owned());
            match *method {
                Method::DELETE => Some(Route::Destroy { user, id }),
                _ => read.then_some(Route::Show { user, id }),
            }
        }
        _ => None,
    }
}

/// Only here is the `Accept` header read, so only here can it be wrong.
fn no_route(headers: &HeaderMap) -> Reply {
    if accepts_nonsense(headers) {
        Reply::not_acceptable()
    } else {
        Reply::no_route()
    }
}

fn header_text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Whether `Accept` has an item that is no media type, such as the `version=2` that some clients send
/// behind a comma.
fn accepts_nonsense(headers: &HeaderMap) -> bool {
    header_text(headers, header::ACCEPT).is_some_and(|accept| {
        accept
            .split(',')
            .map(|item| item.split(';').next().unwrap_or_default().trim())
            .any(|item| !item.is_empty() && !is_media_type(item))
    })
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = header_text(headers, header::CONTENT_TYPE)?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    )
}

fn is_media_type(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
}

/// The parameters in the body. Malformed ones are refused before anybody asks who is calling.
fn body(
    request: &Request<Bytes>,
    media_type: Option<&str>,
    release: &Release,
) -> Result<Parameters, Reply> {
    let bytes = request.body();
    if bytes.is_empty() {
        return Ok(Parameters::default());
    }
    match media_type {
        Some("application/json") => {
            let text = std::str::from_utf8(bytes).map_err(|_| Reply::bad_request())?;
            json(text).map_err(|reason| {
                if !release.answers_bad_json_with_400() {
                    Reply::failed_outside()
                } else if accepts_nonsense(request.headers()) {
                    Reply::not_acceptable()
                } else {
                    Reply::bad_json(&reason)
                }
            })
        }
        Some("application/x-www-form-urlencoded") => {
            let text = std::str::from_utf8(bytes).map_err(|_| Reply::bad_request())?;
            Parameters::from_query(text).map_err(|_| Reply::bad_request())
        }
        _ => Ok(Parameters::default()),
    }
}

fn json(text: &str) -> Result<Parameters, String> {
    if depth(text) > DEEPEST {
        return Err(format!("nesting of {} is too deep", DEEPEST + 1));
    }
    let value: Value =
        serde_json::from_str(text).map_err(|_| format!("unexpected token at '{}'", text.trim()))?;
    Ok(match Parameter::from(value) {
        Parameter::Map(parameters) => parameters,
        other => {
            let mut parameters = Parameters::default();
            parameters.set("_json", other);
            parameters
        }
    })
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

const WRAPPER: &str = "personal_access_token";

/// Merges the body over the query. Attributes at the top of a body are wrapped, unless query or body
/// wrap them already.
fn wrap(parameters: &mut Parameters, body: Parameters) {
    let wrapped = parameters.get(WRAPPER).is_some() || body.get(WRAPPER).is_some();
    if !wrapped {
        let mut attributes = Parameters::default();
        for name in ["name", "expires_at"] {
            if let Some(value) = body.get(name) {
                attributes.set(name, value.clone());
            }
        }
        parameters.set(WRAPPER, Parameter::Map(attributes));
    }
    parameters.merge(body);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(method: &str, target: &str, body: &'static str) -> Result<Incoming, Reply> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        Incoming::read(&request, &Release::default())
    }

    fn route_of(method: &str, target: &str) -> Option<Route> {
        read(method, target, "").ok().map(|incoming| incoming.route)
    }

    #[test]
    fn only_four_operations_have_routes() {
        let index = Some(Route::Index { user: "4".into() });
        assert_eq!(
            route_of("GET", "/api/users/4/personal_access_tokens"),
            index
        );
        assert_eq!(
            route_of("HEAD", "//api//v2/users/4/personal_access_tokens/"),
            index
        );
        let show = Some(Route::Show {
            user: "4".into(),
            id: "3.json".into(),
        });
        assert_eq!(
            route_of("GET", "/api/users/4/personal_access_tokens/3.json"),
            show
        );
        for (method, target) in [
            ("PUT", "/api/users/4/personal_access_tokens/3"),
            ("PATCH", "/api/users/4/personal_access_tokens/3"),
            ("DELETE", "/api/users/4/personal_access_tokens"),
            ("OPTIONS", "/api/users/4/personal_access_tokens"),
            ("GET", "/api/v1/users/4/personal_access_tokens"),
        ] {
            assert_eq!(route_of(method, target), None, "{method} {target}");
        }
    }

    #[test]
    fn bare_attributes_are_wrapped_unless_something_is_wrapped() {
        let name = |target: &str, body| {
            let incoming = read("POST", target, body).unwrap();
            match incoming.parameters.get(WRAPPER) {
                Some(Parameter::Map(map)) => map.get("name").map(Parameter::to_text),
                _ => None,
            }
        };
        let target = "/api/users/4/personal_access_tokens";
        assert_eq!(name(target, r#"{"name":"a"}"#).as_deref(), Some("a"));
        let both = r#"{"name":"a","personal_access_token":{"name":"b"}}"#;
        assert_eq!(name(target, both).as_deref(), Some("b"));
        let query = "/api/users/4/personal_access_tokens?personal_access_token[name]=q&name=x";
        assert_eq!(name(query, r#"{"name":"a"}"#).as_deref(), Some("q"));
        assert_eq!(
            name("/api/users/4/personal_access_tokens?name=q", "{}"),
            None
        );
    }

    #[test]
    fn malformed_bodies_and_text_that_is_not_utf8_are_refused_at_once() {
        let status = |result: Result<Incoming, Reply>| result.unwrap_err().status;
        assert_eq!(
            status(read("POST", "/api/users/4/personal_access_tokens", "{bad")),
            400
        );
        assert_eq!(
            status(read(
                "GET",
                "/api/users/4/personal_access_tokens?search=%ff",
                ""
            )),
            400
        );
        assert_eq!(
            status(read("GET", "/api/users/%ff/personal_access_tokens", "")),
            400
        );
    }
}
