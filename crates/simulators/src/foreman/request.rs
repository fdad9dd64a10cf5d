//! Parsing of requests into route, parameters and media type.

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

/// The operation that a request's method and path select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Index { user: String },
    Show { user: String, id: String },
    Create { user: String },
    Destroy { user: String, id: String },
    Users,
    CurrentUser,
    Apidoc,
    ApidocChecksum,
}

/// A request with its route and parameters parsed.
#[derive(Clone, Debug)]
pub(super) struct ParsedRequest {
    pub(super) route: Route,
    pub(super) parameters: Parameters,
    /// The media type of the body without its parameters, or `None` without the header.
    pub(super) media_type: Option<String>,
}

/// The nesting depth beyond which Ruby's JSON parser fails.
const MAX_NESTING: usize = 100;

impl ParsedRequest {
    pub(super) fn parse(request: &Request<Bytes>, release: &Release) -> Result<Self, Reply> {
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
        let body = parse_body(request, media_type.as_deref(), release)?;
        merge_body(&mut parameters, body);
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
        ["current_user"] if read => Some(Route::CurrentUser),
        // A `.json` suffix is ignored here; after an id it becomes part of the id.
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

/// Creates an error for a path without a route.
///
/// Foreman reads `Accept` only for errors from outside the application, so that a malformed one is
/// reported only then.
fn no_route(headers: &HeaderMap) -> Reply {
    if has_malformed_accept(headers) {
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

/// Returns whether `Accept` has an item that is not a media type, such as the `version=2` that some
/// clients send after a comma.
fn has_malformed_accept(headers: &HeaderMap) -> bool {
    header_text(headers, header::ACCEPT).is_some_and(|accept| {
        accept
            .split(',')
            .map(without_parameters)
            .any(|item| !item.is_empty() && !is_media_type(item))
    })
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = header_text(headers, header::CONTENT_TYPE)?;
    Some(without_parameters(&value).to_owned())
}

fn without_parameters(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

fn is_media_type(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, subtype)| !kind.is_empty() && !subtype.is_empty())
}

/// Parses the parameters in the body.
///
/// A malformed body is rejected before the caller is authenticated.
fn parse_body(
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
            parse_json(text).map_err(|reason| {
                if !release.reports_malformed_json_as_400() {
                    Reply::malformed_json_before_3_3()
                } else if has_malformed_accept(request.headers()) {
                    Reply::not_acceptable()
                } else {
                    Reply::malformed_json(&reason)
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

fn parse_json(text: &str) -> Result<Parameters, String> {
    if nesting_depth(text) > MAX_NESTING {
        return Err(format!("nesting of {} is too deep", MAX_NESTING + 1));
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

fn nesting_depth(text: &str) -> usize {
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

/// The parameter that contains the attributes of a new token.
pub(super) const WRAPPER: &str = "personal_access_token";

/// Merges the body over the query.
///
/// Attributes at the top level of the body are wrapped unless the query or the body already has
/// wrapped attributes.
fn merge_body(parameters: &mut Parameters, body: Parameters) {
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

    fn parse(method: &str, target: &str, body: &'static str) -> Result<ParsedRequest, Reply> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header("content-type", "application/json")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap();
        ParsedRequest::parse(&request, &Release::default())
    }

    fn route_of(method: &str, target: &str) -> Option<Route> {
        parse(method, target, "").ok().map(|request| request.route)
    }

    #[test]
    fn only_the_four_token_operations_have_token_routes() {
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
    fn top_level_attributes_are_wrapped_unless_wrapped_ones_exist() {
        let name = |target: &str, body| {
            let request = parse("POST", target, body).unwrap();
            match request.parameters.get(WRAPPER) {
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
    fn malformed_bodies_and_text_that_is_not_utf8_are_rejected_at_once() {
        let status = |result: Result<ParsedRequest, Reply>| result.unwrap_err().status;
        assert_eq!(
            status(parse("POST", "/api/users/4/personal_access_tokens", "{bad")),
            400
        );
        assert_eq!(
            status(parse(
                "GET",
                "/api/users/4/personal_access_tokens?search=%ff",
                ""
            )),
            400
        );
        assert_eq!(
            status(parse("GET", "/api/users/%ff/personal_access_tokens", "")),
            400
        );
    }
}
