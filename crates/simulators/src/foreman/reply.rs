//! Status and body of responses, in the several styles that Foreman uses.

/// The status and body of a response, without its headers.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
}

/// A response body, whose kind also determines the headers.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// The JSON of a successful operation.
    Success(String),
    /// The JSON value of the `error` member, which some errors wrap in the caller's `root_name`.
    Error { content: String, in_root: bool },
    /// JSON without an `error` object.
    PlainJson(String),
    /// An error from outside the application, sent as this JSON only if `Accept` asks for JSON and
    /// as an HTML page otherwise.
    ErrorPage { json: String },
    /// No content, with this content type.
    Empty(&'static str),
}

/// The message of an error that Foreman does not explain.
const UNEXPLAINED: &str = "Internal Server Error: the server was unable to finish the request. \
    This may be caused by unavailability of some required service, incorrect API call or a \
    server-side bug. There may be more information in the server's logs.";

impl Reply {
    fn new(status: u16, body: Body) -> Self {
        Self { status, body }
    }

    pub(super) fn success(status: u16, body: String) -> Self {
        Self::new(status, Body::Success(body))
    }

    fn error(status: u16, content: String, in_root: bool) -> Self {
        Self::new(status, Body::Error { content, in_root })
    }

    fn message(status: u16, message: &str, in_root: bool) -> Self {
        let content = format!("{{\"message\":{}}}", json_string(message));
        Self::error(status, content, in_root)
    }

    fn error_page(status: u16, error: &str) -> Self {
        let json = format!("{{\"status\":{status},\"error\":{}}}", json_string(error));
        Self::new(status, Body::ErrorPage { json })
    }

    /// Creates a 500 with the message of an exception.
    pub(super) fn exception(message: &str) -> Self {
        Self::message(500, message, true)
    }

    /// Creates a 500 that does not explain the error.
    pub(super) fn unexplained() -> Self {
        Self::exception(UNEXPLAINED)
    }

    /// Creates a 400 for an unsupported search or order.
    pub(super) fn query_not_supported(message: &str) -> Self {
        let content = format!(
            "{{\"message\":{},\"class\":\"ScopedSearch::QueryNotSupported\"}}",
            json_string(message)
        );
        Self::error(400, content, true)
    }

    /// Creates a 401 with a message.
    pub(super) fn unauthorized(message: &str) -> Self {
        Self::message(401, message, false)
    }

    /// Creates a 401 for an unknown login or a wrong secret.
    pub(super) fn login_failed(login: &str) -> Self {
        Self::unauthorized(&format!("Unable to authenticate user {login}"))
    }

    /// Creates an empty 401 for an expired session.
    pub(super) fn session_expired() -> Self {
        Self::new(401, Body::Empty("text/plain; charset=utf-8"))
    }

    /// Creates a 403 for a missing permission.
    pub(super) fn access_denied(permission: &str) -> Self {
        let details = format!("Missing one of the required permissions: {permission}");
        let content = format!(
            "{{\"message\":\"Access denied\",\"details\":{},\"missing_permissions\":[{}]}}",
            json_string(&details),
            json_string(permission)
        );
        Self::error(403, content, false)
    }

    /// Creates a 404 for an unknown token.
    pub(super) fn token_not_found(id: &str) -> Self {
        let message = format!("Resource personal_access_token not found by id '{id}'");
        Self::message(404, &message, false)
    }

    /// Creates a 404 for an unknown organization or location.
    pub(super) fn taxonomy_not_found(kind: &str, id: &str) -> Self {
        let message = html_safe_json_string(&format!("{kind} with id {id} not found"));
        Self::new(404, Body::PlainJson(format!("{{\"message\":{message}}}")))
    }

    /// Creates a 404 for a path without a route.
    pub(super) fn no_route() -> Self {
        Self::error_page(404, "Not Found")
    }

    /// Creates a 400 for text that is not UTF-8.
    pub(super) fn bad_request() -> Self {
        Self::error_page(400, "Bad Request")
    }

    /// Creates the 500 with which releases before 3.3 respond to malformed JSON.
    pub(super) fn malformed_json_before_3_3() -> Self {
        Self::error_page(500, "Internal Server Error")
    }

    /// Creates a 400 for malformed JSON, whose `error` member is a string.
    pub(super) fn malformed_json(reason: &str) -> Self {
        let error = html_safe_json_string(&format!(
            "There was a problem in the JSON you submitted: {reason}"
        ));
        let json = format!("{{\"status\":400,\"error\":{error}}}");
        Self::new(400, Body::PlainJson(json))
    }

    /// Creates an empty 406 for a malformed media type.
    pub(super) fn not_acceptable() -> Self {
        Self::new(406, Body::Empty("text/html; charset=UTF-8"))
    }

    /// Creates a 415 for a body that is not JSON.
    pub(super) fn unsupported_media_type(content_type: &str) -> Self {
        let message = format!(
            "Media type in 'Content-Type: {content_type}' is unsupported in API v2 for POST and \
             PUT requests. Please use 'Content-Type: application/json'."
        );
        Self::message(415, &message, false)
    }

    /// Creates a 422 for an unknown user.
    pub(super) fn user_not_found(id: &str) -> Self {
        Self::message(422, &format!("Couldn't find User with 'id'={id}"), true)
    }

    /// Creates a 422 for invalid attributes: each with its name, its label and the message.
    pub(super) fn invalid(errors: &[(&str, &str, String)]) -> Self {
        let members: Vec<_> = errors
            .iter()
            .map(|(attribute, _, message)| {
                format!("{}:[{}]", json_string(attribute), json_string(message))
            })
            .collect();
        let sentences: Vec<_> = errors
            .iter()
            .map(|(_, label, message)| json_string(&format!("{label} {message}")))
            .collect();
        let content = format!(
            "{{\"id\":null,\"errors\":{{{}}},\"full_messages\":[{}]}}",
            members.join(","),
            sentences.join(",")
        );
        Self::error(422, content, true)
    }
}

impl Body {
    /// Returns the text of the body; some errors are wrapped in a member named `root_name`.
    pub(super) fn into_text(self, root_name: Option<&str>) -> String {
        match self {
            Self::Success(text) | Self::PlainJson(text) => text,
            Self::Error { content, in_root } => {
                let content = match root_name.filter(|_| in_root) {
                    Some(root) => format!("{{{}:{content}}}", json_string(root)),
                    None => content,
                };
                format!("{{\n  \"error\": {content}\n}}\n")
            }
            Self::ErrorPage { json } => json,
            Self::Empty(_) => String::new(),
        }
    }
}

/// Encodes text as a JSON string the way Ruby's own generator does.
pub(super) fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Encodes text as a JSON string that is safe inside HTML, the way Rails does.
pub(super) fn html_safe_json_string(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    for character in json_string(text).chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                safe.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_errors_are_wrapped_in_the_root_name() {
        let denied = Reply::access_denied("view_personal_access_tokens");
        assert_eq!(
            denied.body.into_text(Some("token")),
            "{\n  \"error\": {\"message\":\"Access denied\",\"details\":\"Missing one of the \
             required permissions: view_personal_access_tokens\",\"missing_permissions\":\
             [\"view_personal_access_tokens\"]}\n}\n"
        );
        let failed = Reply::exception("x").body.into_text(Some("token"));
        assert_eq!(
            failed,
            "{\n  \"error\": {\"token\":{\"message\":\"x\"}}\n}\n"
        );
    }

    #[test]
    fn only_the_html_safe_encoding_escapes_markup() {
        assert_eq!(json_string("<a>&\u{2028}é\n"), "\"<a>&\u{2028}é\\n\"");
        assert_eq!(
            html_safe_json_string("<a>&\u{2028}é\n"),
            "\"\\u003ca\\u003e\\u0026\\u2028é\\n\""
        );
    }
}
