//! Answers before they have headers: bodies in the platform's several styles.

use super::people::Right;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
}

/// A body, and with it the family of headers around it.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// What the caller asked for.
    Success(String),
    /// The content of the `error` member. `renamed` ones heed `root_name`.
    Error { content: String, renamed: bool },
    /// JSON of another shape.
    Bare(String),
    /// An answer that never came to the application: JSON for those who ask for it, else a page.
    Outside { json: String },
    /// Nothing, of this type.
    Empty(&'static str),
}

/// The text that stands for an error the platform does not explain.
const UNEXPLAINED: &str = "Internal Server Error: the server was unable to finish the request. \
    This may be caused by unavailability of some required service, incorrect API call or a server-side bug. \
    There may be more information in the server's logs.";

impl Reply {
    pub(super) fn success(status: u16, body: String) -> Self {
        Self {
            status,
            body: Body::Success(body),
        }
    }

    fn error(status: u16, content: String, renamed: bool) -> Self {
        Self {
            status,
            body: Body::Error { content, renamed },
        }
    }

    fn message(status: u16, message: &str, renamed: bool) -> Self {
        Self::error(
            status,
            format!("{{\"message\":{}}}", text(message)),
            renamed,
        )
    }

    fn outside(status: u16, error: &str) -> Self {
        let json = format!("{{\"status\":{status},\"error\":{}}}", text(error));
        Self {
            status,
            body: Body::Outside { json },
        }
    }

    /// 500 with the text of an exception.
    pub(super) fn exception(message: &str) -> Self {
        Self::message(500, message, true)
    }

    /// 500 without a reason.
    pub(super) fn unexplained() -> Self {
        Self::exception(UNEXPLAINED)
    }

    /// 400 about a search or an order.
    pub(super) fn query_not_supported(message: &str) -> Self {
        let content = format!(
            "{{\"message\":{},\"class\":\"ScopedSearch::QueryNotSupported\"}}",
            text(message)
        );
        Self::error(400, content, true)
    }

    /// 401 with a reason.
    pub(super) fn unauthorized(message: &str) -> Self {
        Self::message(401, message, false)
    }

    /// 401 when a session has expired.
    pub(super) fn session_expired() -> Self {
        Self {
            status: 401,
            body: Body::Empty("text/plain; charset=utf-8"),
        }
    }

    /// 403 for want of a permission.
    pub(super) fn access_denied(permission: &str) -> Self {
        let details = format!("Missing one of the required permissions: {permission}");
        let content = format!(
            "{{\"message\":\"Access denied\",\"details\":{},\"missing_permissions\":[{}]}}",
            text(&details),
            text(permission)
        );
        Self::error(403, content, false)
    }

    /// 403 for want of a right.
    pub(super) fn lacks(right: Right) -> Self {
        Self::access_denied(right.permission())
    }

    /// 404 for a token.
    pub(super) fn no_token(id: &str) -> Self {
        let message = format!("Resource personal_access_token not found by id '{id}'");
        Self::message(404, &message, false)
    }

    /// 404 for an organization or a location, outside any `error`.
    pub(super) fn no_taxonomy(kind: &str, id: &str) -> Self {
        let message = escaped(&format!("{kind} with id {id} not found"));
        Self {
            status: 404,
            body: Body::Bare(format!("{{\"message\":{message}}}")),
        }
    }

    /// 404 for a path that leads nowhere.
    pub(super) fn no_route() -> Self {
        Self::outside(404, "Not Found")
    }

    /// 400 for text that is not UTF-8.
    pub(super) fn bad_request() -> Self {
        Self::outside(400, "Bad Request")
    }

    /// 500 from outside the application, for bad JSON before 3.3.
    pub(super) fn failed_outside() -> Self {
        Self::outside(500, "Internal Server Error")
    }

    /// 400 for bad JSON, with `error` as a text.
    pub(super) fn bad_json(reason: &str) -> Self {
        let error = escaped(&format!(
            "There was a problem in the JSON you submitted: {reason}"
        ));
        Self {
            status: 400,
            body: Body::Bare(format!("{{\"status\":400,\"error\":{error}}}")),
        }
    }

    /// 406, empty, for a media type that is none.
    pub(super) fn not_acceptable() -> Self {
        Self {
            status: 406,
            body: Body::Empty("text/html; charset=UTF-8"),
        }
    }

    /// 415 for a body that is not JSON.
    pub(super) fn unsupported_media_type(content_type: &str) -> Self {
        let message = format!(
            "Media type in 'Content-Type: {content_type}' is unsupported in API v2 for POST and PUT requests. \
             Please use 'Content-Type: application/json'."
        );
        Self::message(415, &message, false)
    }

    /// 422 for a user that does not exist.
    pub(super) fn no_user(shown_id: &str) -> Self {
        Self::message(
            422,
            &format!("Couldn't find User with 'id'={shown_id}"),
            true,
        )
    }

    /// 422 for what a new token may not be: attribute, its words in a sentence, message.
    pub(super) fn invalid(errors: &[(&str, &str, String)]) -> Self {
        let members: Vec<_> = errors
            .iter()
            .map(|(attribute, _, message)| format!("{}:[{}]", text(attribute), text(message)))
            .collect();
        let sentences: Vec<_> = errors
            .iter()
            .map(|(_, words, message)| text(&format!("{words} {message}")))
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
    /// The text of the body, in the frame that its kind has.
    pub(super) fn into_text(self, root_name: Option<&str>) -> String {
        match self {
            Self::Success(text) | Self::Bare(text) => text,
            Self::Error { content, renamed } => {
                let content = match root_name.filter(|_| renamed) {
                    Some(root) => format!("{{{}:{content}}}", text(root)),
                    None => content,
                };
                format!("{{\n  \"error\": {content}\n}}\n")
            }
            Self::Outside { json } => json,
            Self::Empty(_) => String::new(),
        }
    }
}

/// A text as JSON, the way Ruby's own generator writes it.
pub(super) fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text as JSON that is safe inside HTML, the way Rails writes it.
pub(super) fn escaped(content: &str) -> String {
    let mut safe = String::with_capacity(content.len() + 2);
    for character in text(content).chars() {
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
    fn errors_stand_in_a_frame_that_root_name_reaches_only_sometimes() {
        let denied = Reply::lacks(Right::View).body.into_text(Some("token"));
        assert_eq!(
            denied,
            "{\n  \"error\": {\"message\":\"Access denied\",\"details\":\"Missing one of the required permissions: \
             view_personal_access_tokens\",\"missing_permissions\":[\"view_personal_access_tokens\"]}\n}\n"
        );
        let failed = Reply::exception("x").body.into_text(Some("token"));
        assert_eq!(
            failed,
            "{\n  \"error\": {\"token\":{\"message\":\"x\"}}\n}\n"
        );
    }

    #[test]
    fn two_ways_of_escaping_differ_in_what_html_would_mind() {
        assert_eq!(text("<a>&\u{2028}é\n"), "\"<a>&\u{2028}é\\n\"");
        assert_eq!(
            escaped("<a>&\u{2028}é\n"),
            "\"\\u003ca\\u003e\\u0026\\u2028é\\n\""
        );
    }
}
