//! Lists tokens, saves them and reads them back, then creates and revokes one, in the account `it`
//! of the configuration named on the command line. With `--probe URL` it sends a few requests
//! there.

use std::sync::Arc;

use tokenfleet::capability::ArgumentSupport;
use tokenfleet::transport::{
    Body, Bytes, FailedLogins, ReqwestTransport, Transport, TransportError, async_trait, http,
};
use tokenfleet::{
    Configuration, CreateToken, ErrorKind, Fleet, FleetTokens, Query, Registry, Result,
    RevokeOptions, TokenList, TokenProviderExt, TokenRef,
};

/// A layer that records which requests were sent, and to which status.
#[derive(Debug)]
struct Recording<T> {
    inner: T,
    lines: std::sync::Mutex<Vec<String>>,
}

#[async_trait]
impl<T: Transport> Transport for Recording<T> {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let line = format!("{} {}", request.method(), request.uri().path());
        let response = self.inner.send(request).await?;
        let status = response.status().as_u16();
        self.lines.lock().unwrap().push(format!("{line} {status}"));
        Ok(response)
    }

    fn failed_logins(&self) -> Option<&FailedLogins> {
        self.inner.failed_logins()
    }
}

/// A client with everything that law 8 forbids, except default headers.
fn client(client: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    client
        .user_agent("consumer/1.0")
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::limited(5))
        .referer(true)
        .retry(reqwest::retry::for_host("127.0.0.1").no_budget().classify_fn(
            |response| match response.status() {
                Some(status) if status == 503 => response.retryable(),
                _ => response.success(),
            },
        ))
        .proxy(reqwest::Proxy::all("http://127.0.0.1:1").unwrap())
        .connection_verbose(true)
        .http09_responses()
}

/// A client that would send one more credential to every account.
fn client_with_credential(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    let value = http::HeaderValue::from_static("Bearer hunter2");
    client(builder).default_headers([(http::header::AUTHORIZATION, value)].into_iter().collect())
}

/// A log of everything that a library writes about the bytes of a connection.
struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().contains("verbose") {
            println!("{}", record.args());
        }
    }

    fn flush(&self) {}
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "tokenfleet.toml".to_owned());
    let transport = ReqwestTransport::builder().with_client_builder(client).build()?;
    let transport = Arc::new(Recording { inner: transport, lines: Default::default() });
    if path == "--probe" {
        probe(&*transport, &arguments.next().unwrap()).await;
        return Ok(());
    }
    let configuration = Configuration::read(path)?;
    let registry = Registry::with_builtin();
    let provider = registry.open(configuration.account("it")?, transport.clone())?;
    let capabilities = provider.capabilities();

    match provider.list_all(Query::new()).await {
        Ok(list) => {
            println!("listed {} {:?}", list.tokens.len(), list.completeness);
            let saved = serde_json::to_string(&list).unwrap();
            let read: TokenList = serde_json::from_str(&saved).unwrap();
            assert_eq!(read, list);
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => println!("cannot be listed"),
        Err(error) => return Err(error),
    }
    let fleet = Fleet::open(&registry, configuration.accounts(), transport.clone());
    let found = fleet.list_all(Query::new()).await;
    let read: FleetTokens = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(read, found);
    println!("saved {}", read.into_iter().count());

    let mut request = CreateToken::unnamed();
    if capabilities.create.as_ref().is_some_and(|create| create.name == ArgumentSupport::Required) {
        request.name = Some("consumer".to_owned());
    }
    let issued = provider.create(request).await?;
    println!("created {}", issued.token.id);

    let revoke = capabilities.revoke.clone();
    let token = match revoke {
        Some(revoke) if revoke.by_id => TokenRef::Id(&issued.token.id),
        _ => TokenRef::Secret(&issued.secret),
    };
    let revocation = provider.revoke(token, RevokeOptions::accept_replacement()).await?;
    println!("{} {}", revocation.outcome.as_str(), revocation.effect.as_str());
    assert!(!transport.lines.lock().unwrap().is_empty());
    Ok(())
}

/// Asks for a cookie, for a redirect, for a response worth a retry, for one without a status, and
/// once more.
async fn probe(transport: &Recording<ReqwestTransport>, base: &str) {
    log::set_logger(&Log).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let refused = ReqwestTransport::builder().with_client_builder(client_with_credential).build();
    println!("{}", refused.unwrap_err());
    for path in ["/cookie", "/redirect", "/busy", "/banner", "/last"] {
        let request = http::Request::get(format!("{base}{path}")).body(Bytes::new()).unwrap();
        if let Err(error) = transport.send(request).await {
            println!("GET {path} {error}");
        }
    }
    for line in transport.lines.lock().unwrap().iter() {
        println!("{line}");
    }
}
