//! The proxy of the transport over reqwest: its URL, its login and the hosts without it.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use tokenfleet_core::{Error, Result, Secret};
use url::Url;
use zeroize::Zeroizing;

use crate::reqwest_error::invalid;

/// Parses the URL of a proxy and adds its login.
pub(crate) fn parse_proxy(url: &str, login: Option<&(String, Secret)>) -> Result<reqwest::Proxy> {
    let parsed = Url::parse(url).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
    });
    // The URL is not repeated: it may contain a password.
    let Some(parsed) = parsed else {
        return Err(
            Error::configuration("the proxy is not an http or https URL without a login")
                .with_advice("write http://host:port, and set the login separately"),
        );
    };
    let proxy = reqwest::Proxy::https(parsed.as_str())
        .map_err(|error| invalid("the proxy cannot be used", error))?;
    let Some((user, password)) = login else {
        return Ok(proxy);
    };
    if user.contains(':') {
        return Err(Error::configuration(
            "the user of the proxy contains a colon, which Basic authentication cannot carry",
        ));
    }
    // Not as part of the URL, where `%25` would mean a percent sign.
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&value)
        .map_err(|_| Error::configuration("the login of the proxy cannot be sent"))?;
    value.set_sensitive(true);
    Ok(proxy.custom_http_auth(value))
}

/// Parses a host that is reached without the proxy, and returns it as the HTTP client spells it.
pub(crate) fn parse_exception(text: &str) -> Result<String> {
    let host = text.trim();
    let host = host.strip_prefix("*.").unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    let host = (host.strip_prefix('['))
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let (address, mask) = host.split_once('/').unwrap_or((host, "0"));
    let is_range = address.parse::<IpAddr>().is_ok_and(|address| {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        mask.parse().is_ok_and(|mask: u8| mask <= bits)
    });
    let is_name = !host.is_empty()
        && host
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
    if host == "*" || is_range || is_name {
        return Ok(host.to_owned());
    }
    Err(
        Error::configuration("a host without a proxy is not a host name, an IP address or a range")
            .with_advice(
                "write it without scheme, port and path: \"host.example.com\", \"*.internal\", \
                 \"10.0.0.0/8\"",
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReqwestTransport;

    #[test]
    fn a_host_without_a_proxy_is_spelled_as_the_http_client_does_or_is_an_error() {
        for (text, expected) in [
            ("internal", Some("internal")),
            (" *.internal ", Some("internal")),
            (".internal.", Some(".internal")),
            ("[::1]", Some("::1")),
            ("10.0.0.0/32", Some("10.0.0.0/32")),
            ("10.0.0.0/33", None),
            ("fe80::/128", Some("fe80::/128")),
            ("fe80::/129", None),
            ("internal/8", None),
            ("internal:80", None),
            ("*", Some("*")),
            ("", None),
        ] {
            let host = parse_exception(text).ok();
            assert_eq!(host.as_deref(), expected, "{text}");
        }
        let alone = ReqwestTransport::builder().without_proxy_for("internal");
        let error = alone.build().unwrap_err().to_string();
        assert!(error.contains("but no proxy"), "{error}");
    }
}
