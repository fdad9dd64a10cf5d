//! The builder of the transport over reqwest: CA certificates, a client certificate, a proxy.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Error, Result, Secret};

use crate::reqwest_error::{in_setting, invalid, is_wrong_key, wrong_client_key};
use crate::reqwest_proxy::{parse_exception, parse_proxy};
use crate::reqwest_transport::LazyClient;
use crate::{FailedLogins, ReqwestTransport};

/// The connections to a host that are kept between two pages: as many as an account uses at once.
const MAX_IDLE_CONNECTIONS: usize = 16;
/// The time after which they are closed, so that thousands of hosts do not use up the descriptors.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The caller's function that returns a builder of a client.
#[cfg(feature = "client-builder")]
type MakeClient = dyn Fn() -> reqwest::ClientBuilder + Send + Sync;

/// A builder of a [`ReqwestTransport`].
///
/// ```no_run
/// use tokenfleet_core::Secret;
/// use tokenfleet_http::ReqwestTransport;
///
/// let transport = ReqwestTransport::builder()
///     .with_proxy("http://proxy.example.com:3128")
///     .with_proxy_login("me", Secret::new("password"))
///     .build()?;
/// # Ok::<(), tokenfleet_core::Error>(())
/// ```
#[derive(Default)]
pub struct ReqwestTransportBuilder {
    #[cfg(feature = "client-builder")]
    client_builder: Option<Box<MakeClient>>,
    connect_timeout: Option<Duration>,
    proxy: Option<String>,
    proxy_login: Option<(String, Secret)>,
    no_proxy: Vec<String>,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) authorities: Vec<Vec<u8>>,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) exclusive_authorities: bool,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) client_certificate: Option<(Vec<u8>, Secret)>,
}

/// Omits everything: certificates, keys, and the proxy URL, which may contain a password.
impl fmt::Debug for ReqwestTransportBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransportBuilder")
            .finish_non_exhaustive()
    }
}

impl ReqwestTransport {
    /// Creates a transport with its own connection pool. It is cheap to clone, and accounts may
    /// share it.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration) when the TLS stack cannot be
    /// set up.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// Returns a builder that can set a proxy, CA certificates and a client certificate.
    #[must_use]
    pub fn builder() -> ReqwestTransportBuilder {
        ReqwestTransportBuilder::default()
    }
}

impl ReqwestTransportBuilder {
    /// Reads `connect_timeout`, `proxy`, `proxy_user`, `proxy_password` and `no_proxy` (one or
    /// several hosts) from settings; with a TLS feature also the paths `authorities` (one or
    /// several) and `client_certificate`, its `client_key`, and `exclusive_authorities`. Reads the
    /// files and credentials that they name.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the key.
    pub async fn from_settings(settings: &mut Settings) -> Result<Self> {
        let mut builder = Self {
            connect_timeout: settings.timeout("connect_timeout")?,
            ..Self::default()
        };
        let url = settings.text("proxy")?;
        let user = settings.text("proxy_user")?;
        let password = settings.credential("proxy_password")?;
        let exceptions = settings.texts("no_proxy")?;
        #[cfg(any(feature = "rustls", feature = "native-tls"))]
        {
            builder = builder.read_certificates(settings).await?;
        }
        if let Some(url) = url {
            // Validated here, so that the error names the line.
            parse_proxy(&url, None).map_err(|error| in_setting(settings, "proxy", error))?;
            builder = builder.with_proxy(url);
        }
        for host in exceptions.iter().flat_map(|hosts| hosts.split(',')) {
            let host = parse_exception(host);
            let host = host.map_err(|error| in_setting(settings, "no_proxy", error))?;
            builder.no_proxy.push(host);
        }
        match (user, password) {
            (None, None) if builder.no_proxy.is_empty() => {}
            (None, None) if builder.proxy.is_some() => {}
            _ if builder.proxy.is_none() => {
                settings.required_text("proxy")?;
            }
            (Some(user), Some(password)) => {
                let password = password.secret().await?;
                builder = builder.with_proxy_login(user, password);
            }
            (Some(_), None) => return Err(settings.missing_credential("proxy_password")),
            (None, Some(_)) => {
                settings.required_text("proxy_user")?;
            }
            (None, None) => {}
        }
        Ok(builder)
    }

    /// Builds the HTTP clients from a `reqwest::ClientBuilder` of your own: with its DNS resolver,
    /// local address, TLS settings or connector layers.
    ///
    /// The function is called several times: for each of the two clients of the transport, and to
    /// inspect what it returns. Whatever it sets, redirects, retries, cookies, decompression,
    /// `Referer`, proxies, HTTP/2, verbose connection logs, the connect timeout and the connection
    /// pool are set afterwards: credentials would leave their origin, and writes be repeated,
    /// otherwise (law 8, decision 0025). Set a proxy with [`with_proxy`](Self::with_proxy) and the
    /// connect timeout with [`with_connect_timeout`](Self::with_connect_timeout). A `timeout` or
    /// `read_timeout` that is shorter than ours ends a request as one that may have been applied.
    ///
    /// Default headers make [`build`](Self::build) fail, because every account of every platform
    /// would get them. Add a header in a [`Transport`](crate::Transport) that wraps this one: it
    /// sees where each request goes. The `User-Agent` and `Accept` of an
    /// [`ApiClient`](crate::ApiClient) are its own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokenfleet_http::{ReqwestTransport, reqwest};
    ///
    /// let keepalive = Duration::from_secs(60);
    /// let transport = ReqwestTransport::builder()
    ///     .with_client_builder(move || reqwest::Client::builder().tcp_keepalive(keepalive))
    ///     .build()?;
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    #[cfg(feature = "client-builder")]
    #[must_use]
    pub fn with_client_builder(
        mut self,
        client_builder: impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.client_builder = Some(Box::new(client_builder));
        self
    }

    /// Sets the timeout for opening a connection; 10 seconds by default.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Sends https requests through the http proxy at `url`, as a tunnel: the proxy sees host names
    /// and nothing else. Plain http, which is for loopback, does not go through it.
    #[must_use]
    pub fn with_proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Sets the user name and password for the proxy.
    #[must_use]
    pub fn with_proxy_login(mut self, user: impl Into<String>, password: Secret) -> Self {
        self.proxy_login = Some((user.into(), password));
        self
    }

    /// Reaches a host without the proxy: a name and all below it (`internal`, `.internal` or
    /// `*.internal`), an IP address, or a range of them (`10.0.0.0/8`).
    #[must_use]
    pub fn without_proxy_for(mut self, host: impl Into<String>) -> Self {
        self.no_proxy.push(host.into());
        self
    }

    /// Trusts these CA certificates too: one or several, in PEM.
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    #[must_use]
    pub fn with_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Trusts only the CA certificates that were given, and not those of the system.
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    #[must_use]
    pub fn with_exclusive_authorities(mut self) -> Self {
        self.exclusive_authorities = true;
        self
    }

    /// Presents a client certificate to servers that ask for one: the chain in PEM, and its key in
    /// PEM (PKCS #8).
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    #[must_use]
    pub fn with_client_certificate(mut self, chain: impl Into<Vec<u8>>, key: Secret) -> Self {
        self.client_certificate = Some((chain.into(), key));
        self
    }

    /// Builds the transport, with its own connection pool.
    ///
    /// # Errors
    ///
    /// [`Configuration`](tokenfleet_core::ErrorKind::Configuration), naming the part that is
    /// invalid.
    pub fn build(self) -> Result<ReqwestTransport> {
        Ok(ReqwestTransport {
            pooled: self.build_client(MAX_IDLE_CONNECTIONS)?,
            has_proxy: self.proxy.is_some(),
            unpooled: Arc::new(LazyClient::new(move || self.build_client(0))),
            failed_logins: FailedLogins::default(),
        })
    }

    /// Builds a client that keeps at most `idle` connections for each host.
    fn build_client(&self, idle: usize) -> Result<reqwest::Client> {
        // Another crate of the program may build reqwest with decompression and HTTP/2, which it
        // then uses by default.
        let client = self
            .client_builder()?
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .no_proxy()
            // It logs every byte, credentials included.
            .connection_verbose(false)
            .http1_only()
            .pool_max_idle_per_host(idle)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .connect_timeout(self.connect_timeout.unwrap_or(CONNECT_TIMEOUT));
        let client = match &self.proxy {
            Some(url) => {
                let proxy = parse_proxy(url, self.proxy_login.as_ref())?;
                let hosts: Result<Vec<_>> = self
                    .no_proxy
                    .iter()
                    .map(|host| parse_exception(host))
                    .collect();
                let hosts = hosts?;
                // The HTTP client would still use the proxy for an address.
                if hosts.iter().any(|host| host == "*") {
                    client
                } else {
                    let hosts = reqwest::NoProxy::from_string(&hosts.join(","));
                    client.proxy(proxy.no_proxy(hosts))
                }
            }
            None if self.proxy_login.is_some() => {
                return Err(Error::configuration("a proxy login is set, but no proxy"));
            }
            None if !self.no_proxy.is_empty() => {
                let message = "hosts without a proxy are set, but no proxy";
                return Err(Error::configuration(message));
            }
            None => client,
        };
        #[cfg(any(feature = "rustls", feature = "native-tls"))]
        let client = self.apply_certificates(client)?;
        client.build().map_err(|error| {
            if is_wrong_key(&error) {
                wrong_client_key()
            } else {
                invalid("the HTTP client cannot be set up", error)
            }
        })
    }

    /// Returns the builder that the caller brought, without its cookie store, or a new one.
    #[cfg(feature = "client-builder")]
    fn client_builder(&self) -> Result<reqwest::ClientBuilder> {
        let client = match &self.client_builder {
            None => reqwest::Client::builder(),
            Some(build) if has_default_headers(build()) => {
                return Err(Error::configuration(
                    "the reqwest::ClientBuilder has default headers, which every platform would get",
                )
                .with_advice("add headers in a Transport that wraps this one"));
            }
            Some(build) => build(),
        };
        Ok(client.cookie_store(false))
    }

    #[cfg(not(feature = "client-builder"))]
    #[allow(clippy::unnecessary_wraps, clippy::unused_self)]
    fn client_builder(&self) -> Result<reqwest::ClientBuilder> {
        Ok(reqwest::Client::builder())
    }
}

/// Returns `true` unless a builder has no default header but `Accept` and `User-Agent`, which every
/// request of an `ApiClient` sets itself.
///
/// reqwest can neither remove default headers nor list them, but its `Debug` output shows them. An
/// output of another form counts as one with headers.
#[cfg(feature = "client-builder")]
fn has_default_headers(client: reqwest::ClientBuilder) -> bool {
    let accept = (http::header::ACCEPT, http::HeaderValue::from_static("*/*"));
    let known = client
        .default_headers([accept].into_iter().collect())
        .user_agent("-");
    let shown = format!("{known:?}");
    !shown.contains(r#" default_headers: {"accept": "*/*", "user-agent": "-"}"#)
}

#[cfg(all(test, feature = "client-builder"))]
mod tests {
    use super::*;

    #[test]
    fn a_builder_with_default_headers_is_refused() {
        let build = |name: Option<&'static str>| {
            let headers: http::HeaderMap = name
                .into_iter()
                .map(|name| {
                    let mut value = http::HeaderValue::from_static("hunter2");
                    value.set_sensitive(true);
                    (http::HeaderName::from_static(name), value)
                })
                .collect();
            let client = move || {
                reqwest::Client::builder()
                    .user_agent("own")
                    .default_headers(headers.clone())
            };
            ReqwestTransport::builder()
                .with_client_builder(client)
                .build()
        };
        for name in ["authorization", "cookie", "host", "x-api-key", "x-tenant"] {
            let error = build(Some(name)).unwrap_err().to_string();
            assert!(error.contains("default headers"), "{name}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
        for harmless in [None, Some("accept")] {
            build(harmless).unwrap();
        }
    }
}
