//! A request target, made readable: absolute form and doubled slashes gone, query taken apart.

use percent_encoding::percent_decode_str;

/// Path and query of a request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The path with doubled slashes made single, still percent-encoded.
    pub(crate) path: String,
    /// The query parameters in their order, decoded.
    pub(crate) query: Vec<(String, String)>,
}

impl Target {
    pub(crate) fn of(uri: &http::Uri) -> Self {
        let mut path = String::with_capacity(uri.path().len());
        for letter in uri.path().chars() {
            if letter != '/' || !path.ends_with('/') {
                path.push(letter);
            }
        }
        Self {
            path,
            query: query_pairs(uri.query().unwrap_or_default()),
        }
    }

    /// The path's segments, decoded, without the empty one that a trailing slash leaves.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// Whether the path ends in a slash.
    pub(crate) fn trailing_slash(&self) -> bool {
        self.path.len() > 1 && self.path.ends_with('/')
    }

    /// The last value given for a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Takes `a=b&c=d+e%20f` apart.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    // In a query a plus is a space; Python's clients send it so.
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
