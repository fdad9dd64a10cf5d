//! The builder of the transport over reqwest: CA certificates, a client certificate, a proxy.

use std::fmt;
use std::sync::Arc;
#[cfg(all(feature = "rustls", not(feature = "native-tls")))]
use std::sync::OnceLock;
use std::time::Duration;

use tokenfleet_core::config::Settings;
use tokenfleet_core::{Error, Result, Secret};

use crate::reqwest_clients::Clients;
use crate::reqwest_error::{in_setting, invalid, is_wrong_key, wrong_client_key};
use crate::reqwest_names::Names;
use crate::reqwest_proxy::{parse_exception, parse_proxy};
use crate::{FailedLogins, ReqwestTransport};

/// The time after which connections that are kept between two pages are closed.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The caller's function that changes the builder of a client.
#[cfg(feature = "client-builder")]
type ChangeClient = dyn Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync;

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
    change_client: Option<Box<ChangeClient>>,
    /// The addresses of host names, for all clients.
    names: Names,
    connect_timeout: Option<Duration>,
    /// Another time than that of production, for tests.
    pub(crate) idle_timeout: Option<Duration>,
    proxy: Option<String>,
    proxy_login: Option<(String, Secret)>,
    no_proxy: Vec<String>,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) authorities: Vec<Vec<u8>>,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) exclusive_authorities: bool,
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) client_certificate: Option<(Vec<u8>, Secret)>,
    /// The TLS configuration of all clients, once the first is built.
    #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
    pub(crate) tls: OnceLock<rustls::ClientConfig>,
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

    /// Changes the `reqwest::ClientBuilder` of the HTTP clients: sets a DNS resolver, a local
    /// address, connector layers, or a TLS backend of your own.
    ///
    /// The function is called several times: for each client of the transport, and to inspect what
    /// it returns. Whatever it sets, redirects, retries, cookies, decompression, `Referer`,
    /// proxies, HTTP/2, verbose connection logs, the connect timeout and the connection pool are
    /// set afterwards: credentials would leave their origin, and writes be repeated, otherwise (law
    /// 8, decision 0025). Set a proxy with [`with_proxy`](Self::with_proxy) and the connect timeout
    /// with [`with_connect_timeout`](Self::with_connect_timeout). A `timeout` or `read_timeout`
    /// that is shorter than ours ends a request as one that may have been applied.
    ///
    /// # Certificates set here are ignored
    ///
    /// With the feature `rustls`, the builder has a TLS configuration (decision 0038), beside which
    /// reqwest ignores its other TLS settings. **Certificates, CRLs and identities
    /// (`tls_certs_only`, `tls_certs_merge`, `tls_crls_only`, `identity`) are dropped without an
    /// error, and the system's authorities are trusted.** Use
    /// [`with_authorities`](Self::with_authorities),
    /// [`with_exclusive_authorities`](Self::with_exclusive_authorities) and
    /// [`with_client_certificate`](Self::with_client_certificate) instead.
    ///
    /// Versions, `tls_sni(false)`, `tls_danger_…` and `tls_sslkeylogfile` make
    /// [`build`](Self::build) fail, because reqwest shows them. `tls_backend_preconfigured`
    /// replaces the whole configuration, with its authorities and client certificate. A builder
    /// that the function creates instead of changing its own has no cryptography, unless the
    /// application gives it one, and reqwest panics.
    ///
    /// # Default headers
    ///
    /// Default headers make [`build`](Self::build) fail as well, because every account of every
    /// platform would get them. Add a header in a [`Transport`](crate::Transport) that wraps this
    /// one: it sees where each request goes. The `User-Agent` and `Accept` of an
    /// [`ApiClient`](crate::ApiClient) are its own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokenfleet_http::ReqwestTransport;
    ///
    /// let keepalive = Duration::from_secs(60);
    /// let transport = ReqwestTransport::builder()
    ///     .with_client_builder(move |client| client.tcp_keepalive(keepalive))
    ///     .build()?;
    /// # Ok::<(), tokenfleet_core::Error>(())
    /// ```
    #[cfg(feature = "client-builder")]
    #[must_use]
    pub fn with_client_builder(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.change_client = Some(Box::new(change));
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
        let has_proxy = self.proxy.is_some();
        let names = self.names.clone();
        Ok(ReqwestTransport {
            clients: Arc::new(Clients::new(move |idle| self.build_client(idle))?),
            names,
            has_proxy,
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
            .pool_idle_timeout(self.idle_timeout.unwrap_or(IDLE_TIMEOUT))
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
        client.build().map_err(|error| {
            if is_wrong_key(&error) {
                wrong_client_key()
            } else {
                invalid("the HTTP client cannot be set up", error)
            }
        })
    }

    /// Returns a builder with the TLS configuration, as the caller changed it, without a cookie
    /// store.
    fn client_builder(&self) -> Result<reqwest::ClientBuilder> {
        let client = reqwest::Client::builder().dns_resolver(Arc::new(self.names.clone()));
        #[cfg(any(feature = "rustls", feature = "native-tls"))]
        let client = self.apply_tls(client)?;
        #[cfg(feature = "client-builder")]
        let client = self.change_client(client)?.cookie_store(false);
        Ok(client)
    }

    /// Returns a builder as the caller changed it.
    #[cfg(feature = "client-builder")]
    fn change_client(&self, client: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder> {
        let Some(change) = &self.change_client else {
            return Ok(client);
        };
        let shown = shown_settings(change(reqwest::Client::builder()));
        if !shown.contains(NO_DEFAULT_HEADERS) {
            return Err(Error::configuration(
                "the reqwest::ClientBuilder has default headers, which every platform would get",
            )
            .with_advice("add headers in a Transport that wraps this one"));
        }
        #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
        if let Some(setting) = IGNORED_TLS_SETTINGS.iter().find(|key| shown.contains(*key)) {
            let setting = setting.split(':').next().unwrap_or_default();
            return Err(Error::configuration(format!(
                "the reqwest::ClientBuilder sets {setting}, which would be ignored"
            ))
            .with_advice("pass a rustls::ClientConfig to its tls_backend_preconfigured"));
        }
        Ok(change(client))
    }
}

/// The default headers that `shown_settings` shows of a builder that has none of its own, or only
/// `Accept` and `User-Agent`, which every request of an `ApiClient` sets itself.
#[cfg(feature = "client-builder")]
const NO_DEFAULT_HEADERS: &str = r#" default_headers: {"accept": "*/*", "user-agent": "-"}"#;

/// The settings that reqwest ignores when it is given a whole TLS configuration.
#[cfg(all(
    feature = "client-builder",
    feature = "rustls",
    not(feature = "native-tls")
))]
const IGNORED_TLS_SETTINGS: [&str; 6] = [
    "tls_version_min: ",
    "tls_version_max: ",
    "tls_danger_accept_invalid_hostnames: true",
    "tls_danger_accept_invalid_certs: true",
    "tls_sni: false",
    "tls_sslkeylogfile: true",
];

/// Returns the `Debug` output of a builder, to which an `Accept` and a `User-Agent` are added.
///
/// reqwest can neither remove default headers nor list them, but its `Debug` output shows them. An
/// output of another form counts as one with headers.
#[cfg(feature = "client-builder")]
fn shown_settings(client: reqwest::ClientBuilder) -> String {
    let accept = (http::header::ACCEPT, http::HeaderValue::from_static("*/*"));
    let known = client
        .default_headers([accept].into_iter().collect())
        .user_agent("-");
    format!("{known:?}")
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
            let client = move |client: reqwest::ClientBuilder| {
                client.user_agent("own").default_headers(headers.clone())
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

    #[cfg(all(feature = "rustls", not(feature = "native-tls")))]
    #[test]
    fn a_tls_setting_that_would_be_ignored_is_refused() {
        type Change = fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder;
        let changes: [(&str, Change); 6] = [
            ("tls_version_min", |client| {
                client.tls_version_min(reqwest::tls::Version::TLS_1_3)
            }),
            ("tls_version_max", |client| {
                client.tls_version_max(reqwest::tls::Version::TLS_1_2)
            }),
            ("tls_danger_accept_invalid_hostnames", |client| {
                client.tls_danger_accept_invalid_hostnames(true)
            }),
            ("tls_danger_accept_invalid_certs", |client| {
                client.tls_danger_accept_invalid_certs(true)
            }),
            ("tls_sni", |client| client.tls_sni(false)),
            ("tls_sslkeylogfile", |client| client.tls_sslkeylogfile(true)),
        ];
        for (setting, change) in changes {
            let built = ReqwestTransport::builder()
                .with_client_builder(change)
                .build();
            let error = built.unwrap_err().to_string();
            assert!(error.contains(&format!(" {setting},")), "{error}");
        }
    }
}
