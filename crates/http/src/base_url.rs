//! The base URL of an account: the only place its credentials are sent to.

use std::fmt;
use std::net::IpAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokenfleet_core::config::Settings;
use tokenfleet_core::{Error, Result};
use url::{Host, Url};

/// The characters to encode: all but those that RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The name of this machine.
const LOCALHOST: &str = "localhost";

/// The scheme, host, port and path prefix of an account's API.
///
/// ```
/// use tokenfleet_http::BaseUrl;
///
/// assert!(BaseUrl::parse("https://api.losant.com").is_ok());
/// assert!(BaseUrl::parse("http://127.0.0.1:8080").is_ok());
/// assert!(BaseUrl::parse("http://foreman.example.com").is_err(), "no plain http");
/// assert!(BaseUrl::parse("https://admin:pw@foreman.example.com").is_err(), "no login");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// The URL without a trailing slash.
    prefix: String,
}

impl BaseUrl {
    /// Parses a base URL: https, or http to a loopback address.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) for anything else. The message
    /// does not repeat the URL, which may contain a password.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Self::parse_url(text)?;
        match (url.scheme(), is_loopback(&url)) {
            ("https", _) | ("http", true) => Ok(Self::from_url(&url)),
            _ => Err(
                Error::configuration("the base URL would send credentials over plain http")
                    .with_advice("use https; plain http is for loopback addresses"),
            ),
        }
    }

    /// Creates the base URL of a known host, over https.
    #[must_use]
    pub fn from_host(host: &'static str) -> Self {
        Self {
            prefix: format!("https://{host}"),
        }
    }

    /// Parses a base URL and accepts plain http to any host, which sends credentials unencrypted.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse), except for plain http.
    pub fn parse_allowing_plain_http(text: &str) -> Result<Self> {
        Self::parse_url(text).map(|url| Self::from_url(&url))
    }

    /// Reads `base_url` and `allow_plain_http` from an account's settings.
    ///
    /// # Errors
    ///
    /// Those of [`parse`](Self::parse), and a missing `base_url` without a default.
    pub fn from_settings(settings: &mut Settings, default: Option<Self>) -> Result<Self> {
        let plain_http = settings.boolean("allow_plain_http")?.unwrap_or(false);
        let text = match (settings.text("base_url")?, default) {
            (Some(text), _) => text,
            (None, Some(default)) => return Ok(default),
            (None, None) => settings.required_text("base_url")?,
        };
        if plain_http {
            Self::parse_allowing_plain_http(&text)
        } else {
            Self::parse(&text)
        }
        .map_err(|error| error.with_message_prefix(&settings.place("base_url")))
    }

    /// Returns the address of a path below this URL: the [place](tokenfleet_core::Account::place)
    /// of the tokens in that collection.
    #[must_use]
    pub fn address<S: AsRef<str>>(&self, path: impl IntoIterator<Item = S>) -> String {
        let mut address = self.prefix.clone();
        for segment in path {
            address.push('/');
            address.extend(utf8_percent_encode(segment.as_ref(), RESERVED));
        }
        address
    }

    fn parse_url(text: &str) -> Result<Url> {
        let invalid = |problem: &str| {
            Err(Error::configuration(format!("the base URL {problem}"))
                .with_advice("write it as https://host or https://host/prefix"))
        };
        match Url::parse(text) {
            Err(_) => invalid("is not a valid URL"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                invalid("is neither https nor http")
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                invalid("contains a user name or password")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                invalid("contains a query or fragment")
            }
            Ok(url) => Ok(url),
        }
    }

    fn from_url(url: &Url) -> Self {
        Self {
            prefix: url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// Removes the path of the API itself, the first of `paths` that the URL ends in, because the
    /// adapter adds it: people copy a base URL with it and without.
    ///
    /// ```
    /// use tokenfleet_http::BaseUrl;
    ///
    /// let base_url = BaseUrl::parse("https://foreman.example.com/api/v2/")?;
    /// let base_url = base_url.without_api_path(&["/api/v2", "/api"]);
    /// assert_eq!(base_url.to_string(), "https://foreman.example.com");
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    #[must_use]
    pub fn without_api_path(mut self, paths: &[&str]) -> Self {
        let origin = self.origin().len();
        let found = paths
            .iter()
            .find_map(|path| self.prefix.get(origin..)?.strip_suffix(path));
        if let Some(path) = found {
            let length = origin + path.trim_end_matches('/').len();
            self.prefix.truncate(length);
        }
        self
    }

    /// Returns scheme, host and port.
    pub(crate) fn origin(&self) -> &str {
        let host = self.prefix.find("://").map_or(0, |scheme| scheme + 3);
        let rest = self.prefix.get(host..).unwrap_or_default();
        let end = rest.find('/').map_or(self.prefix.len(), |path| host + path);
        self.prefix.get(..end).unwrap_or_default()
    }

    /// Returns the host without its port, because one platform may be reached by several schemes
    /// and ports: in the same words for every spelling, and for every name of this machine.
    pub(crate) fn host(&self) -> String {
        let origin = self.origin();
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        let end = if host.starts_with('[') {
            host.find(']').map(|end| end + 1)
        } else {
            host.find(':')
        };
        let host = end.and_then(|end| host.get(..end)).unwrap_or(host);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse().map(|address: IpAddr| address.to_canonical()) {
            Ok(address) if address.is_loopback() => LOCALHOST.to_owned(),
            Ok(address) => address.to_string(),
            Err(_) => match host.strip_suffix('.').unwrap_or(host) {
                local if local == LOCALHOST || local.ends_with(".localhost") => LOCALHOST,
                name => name,
            }
            .to_owned(),
        }
    }

    /// Returns the absolute URI of a path below this URL. Segments and parameters are always
    /// encoded.
    pub(crate) fn join(&self, path: &[String], query: &[(String, String)]) -> Result<String> {
        let mut uri = self.prefix.clone();
        for segment in path {
            if matches!(segment.as_str(), "." | "..") {
                return Err(Error::invalid_input("\".\" and \"..\" are not valid ids"));
            }
            uri.push('/');
            uri.extend(utf8_percent_encode(segment, RESERVED));
        }
        for (index, (name, value)) in query.iter().enumerate() {
            uri.push(if index == 0 { '?' } else { '&' });
            uri.extend(utf8_percent_encode(name, RESERVED));
            uri.push('=');
            uri.extend(utf8_percent_encode(value, RESERVED));
        }
        Ok(uri)
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_reaches_loopback_only_unless_allowed() {
        for loopback in [
            "http://localhost:1",
            "http://127.9.9.9",
            "http://[::1]:8080/",
        ] {
            assert!(BaseUrl::parse(loopback).is_ok(), "{loopback}");
        }
        for remote in [
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://[::2]",
        ] {
            assert!(BaseUrl::parse(remote).is_err(), "{remote}");
            assert!(
                BaseUrl::parse_allowing_plain_http(remote).is_ok(),
                "{remote}"
            );
        }
    }

    #[test]
    fn the_path_of_the_api_itself_is_removed_wherever_the_api_lies() {
        for (url, expected) in [
            ("https://h/api/v2/", "https://h"),
            ("https://h:8443/api", "https://h:8443"),
            ("https://h/foreman/api", "https://h/foreman"),
            ("https://h/api/v2/api", "https://h/api/v2"),
            ("https://h/myapi", "https://h/myapi"),
            ("https://api", "https://api"),
        ] {
            let base_url = BaseUrl::parse(url).unwrap();
            let base_url = base_url.without_api_path(&["/api/v2", "/api"]);
            assert_eq!(base_url.to_string(), expected, "{url}");
        }
        let origin = |url: &str| BaseUrl::parse(url).unwrap().origin().to_owned();
        assert_eq!(origin("https://h:8443/api/v2"), "https://h:8443");
        assert_eq!(origin("https://h"), "https://h");
    }

    #[test]
    fn a_host_is_the_same_by_every_scheme_port_path_and_spelling() {
        for (url, expected) in [
            ("https://h:8443/api", "h"),
            ("http://H", "h"),
            ("https://h./", "h"),
            ("https://[2001:db8::1]:8443", "2001:db8::1"),
            ("https://[2001:DB8:0:0::1]", "2001:db8::1"),
            ("https://[::ffff:192.0.2.1]", "192.0.2.1"),
            ("https://192.0.2.1.:8443", "192.0.2.1"),
            ("https://0xc0000201", "192.0.2.1"),
            ("https://BÜCHER.example", "xn--bcher-kva.example"),
            ("https://XN--bcher-kva.example.", "xn--bcher-kva.example"),
            ("https://%62ücher.example", "xn--bcher-kva.example"),
            ("http://LocalHost.:3000", "localhost"),
            ("http://127.1", "localhost"),
            ("http://[::1]:3000", "localhost"),
            ("http://[::ffff:127.0.0.1]", "localhost"),
            ("https://foreman.localhost", "localhost"),
        ] {
            let base_url = BaseUrl::parse_allowing_plain_http(url).unwrap();
            assert_eq!(base_url.host(), expected, "{url}");
        }
    }

    #[test]
    fn a_refused_url_is_not_repeated() {
        for bad in [
            "https://u:hunter2@h",
            "ftp://hunter2",
            "hunter2",
            "https://h?key=hunter2",
        ] {
            let error = BaseUrl::parse(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_base_url_is_http_and_nothing_but_an_address() {
        for bad in [
            "ftp://h",
            "https://u@h",
            "https://:p@h",
            "https://h?a",
            "https://h#a",
        ] {
            assert!(BaseUrl::parse_allowing_plain_http(bad).is_err(), "{bad}");
        }
        let base = BaseUrl::parse("https://h/api/").unwrap();
        assert_eq!(format!("{base:?}"), "BaseUrl(https://h/api)");
        let address = base.address(["users", "a/b"]);
        assert_eq!(address, "https://h/api/users/a%2Fb");
    }

    #[test]
    fn no_segment_or_parameter_escapes_its_place() {
        let base = BaseUrl::parse("https://h/api/").unwrap();
        let path = ["users".to_owned(), "a/../b?c#d e".to_owned(), String::new()];
        let query = [("search".to_owned(), "name = \"x&y=z\"".to_owned())];
        assert_eq!(
            base.join(&path, &query).unwrap(),
            "https://h/api/users/a%2F..%2Fb%3Fc%23d%20e/?search=name%20%3D%20%22x%26y%3Dz%22"
        );
        assert!(base.join(&["..".to_owned()], &[]).is_err());
    }
}
