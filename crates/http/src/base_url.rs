//! Where an account lives, and the only place its credentials go.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokenfleet_core::config::Settings;
use tokenfleet_core::{Error, Result};
use url::{Host, Url};

/// What RFC 3986 leaves unreserved stands for itself, everything else is encoded.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The scheme, host, port and path prefix of an account's API.
///
/// ```
/// use tokenfleet_http::BaseUrl;
///
/// assert!(BaseUrl::parse("https://api.losant.com").is_ok());
/// assert!(BaseUrl::parse("http://127.0.0.1:8080").is_ok());
/// assert!(BaseUrl::parse("http://foreman.example.com").is_err(), "credentials in the open");
/// assert!(BaseUrl::parse("https://admin:pw@foreman.example.com").is_err(), "credentials in a URL");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// Without a slash at its end.
    prefix: String,
}

impl BaseUrl {
    /// Reads a base URL: https, or http to a loopback address.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) for anything else. The text does not repeat the URL,
    /// which may hold a password.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Self::read(text)?;
        match (url.scheme(), is_loopback(&url)) {
            ("https", _) | ("http", true) => Ok(Self::keep(&url)),
            _ => Err(
                Error::configuration("the base URL would send credentials over plain http")
                    .with_advice("use https; plain http is for loopback addresses"),
            ),
        }
    }

    /// The root of a host that is known to be right, over https.
    #[must_use]
    pub fn from_host(host: &'static str) -> Self {
        Self {
            prefix: format!("https://{host}"),
        }
    }

    /// Reads a base URL and accepts plain http to any host: credentials travel in the open.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), for what is no http or https URL.
    pub fn parse_allowing_plain_http(text: &str) -> Result<Self> {
        Self::read(text).map(|url| Self::keep(&url))
    }

    /// Takes `base_url` and `allow_plain_http` from an account's settings.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse), and when there is neither a setting nor a default.
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

    fn read(text: &str) -> Result<Url> {
        let wrong = |what: &str| {
            Err(Error::configuration(format!("the base URL {what}"))
                .with_advice("write it as https://host or https://host/prefix"))
        };
        match Url::parse(text) {
            Err(_) => wrong("is not a URL"),
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                wrong("is neither https nor http")
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                wrong("holds a user name or password")
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                wrong("holds a query or fragment")
            }
            Ok(url) => Ok(url),
        }
    }

    fn keep(url: &Url) -> Self {
        Self {
            prefix: url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// The absolute URI of a path below this URL. Segments and parameters are encoded whatever they hold.
    pub(crate) fn join(&self, path: &[String], query: &[(String, String)]) -> Result<String> {
        let mut uri = self.prefix.clone();
        for segment in path {
            if matches!(segment.as_str(), "." | "..") {
                return Err(Error::invalid_input("\".\" and \"..\" are no ids"));
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
