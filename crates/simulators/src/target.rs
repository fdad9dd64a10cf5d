//! Parsing of request targets: path normalization and query parameters.

use percent_encoding::percent_decode_str;

/// The path and query of a request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The path with repeated slashes collapsed, still percent-encoded.
    pub(crate) path: String,
    /// The decoded query parameters in the order of the request.
    pub(crate) query: Vec<(String, String)>,
}

impl Target {
    /// Parses a URI; scheme and authority of an absolute form are ignored.
    pub(crate) fn parse(uri: &http::Uri) -> Self {
        let mut path = String::with_capacity(uri.path().len());
        for character in uri.path().chars() {
            if character != '/' || !path.ends_with('/') {
                path.push(character);
            }
        }
        Self {
            path,
            query: query_pairs(uri.query().unwrap_or_default()),
        }
    }

    /// Returns the decoded path segments, without the empty one after a trailing slash.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// Returns `true` if the path ends in a slash.
    pub(crate) fn trailing_slash(&self) -> bool {
        self.path.len() > 1 && self.path.ends_with('/')
    }

    /// Returns the last value of a query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Parses a query such as `a=b&c=d+e%20f` into decoded pairs.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn decode(text: &str) -> String {
    // A plus is a space in a query; Python clients send it that way.
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8_lossy()
        .into_owned()
}
