//! The transport over reqwest against TLS servers: trust, client certificates, and proxies.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::scripted_transport::client;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokenfleet_core::config::{Setting, Settings};
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{
    ApiRequest, ApiResponse, ReqwestTransport, ReqwestTransportBuilder, RetryPolicy,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

#[cfg(all(target_os = "linux", not(feature = "native-tls")))]
const AUTHORITIES_CHILD_TEST: &str = "over_tls::reads_the_systems_authorities_late_and_once";
#[cfg(all(target_os = "linux", not(feature = "native-tls")))]
const CHILD_AUTHORITY: &str = "TOKENFLEET_TEST_AUTHORITY";
#[cfg(all(target_os = "linux", not(feature = "native-tls")))]
const CHILD_BASE_URL: &str = "TOKENFLEET_TEST_TLS_BASE";

type Log = Arc<Mutex<Vec<String>>>;

/// A private CA, which no system trusts.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // A distinct name, or OpenSSL takes the certificates it issues for self-signed ones.
        let name = &mut params.distinguished_name;
        name.push(DnType::CommonName, "a private CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    fn issue(&self, name: &str) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        // As real authorities do, so that OpenSSL can tell two of the same name apart.
        params.use_authority_key_identifier_extension = true;
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// Starts a server for `name` that logs its requests, and may ask for a client certificate.
    async fn serve(&self, name: &str, asks_for_certificate: bool) -> (String, Log) {
        let (certificate, key) = self.issue(name);
        serve_with(
            &certificate,
            &key,
            asks_for_certificate.then_some(&self.certificate),
        )
        .await
    }
}

/// Starts a server that shows this certificate and logs its requests. It asks for a client
/// certificate if an authority is given that signs those.
async fn serve_with(
    certificate: &Certificate,
    key: &KeyPair,
    client_authority: Option<&Certificate>,
) -> (String, Log) {
    let provider = Arc::new(default_provider());
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = if let Some(authority) = client_authority {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        config.with_no_client_auth()
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let chain = vec![certificate.der().clone()];
    let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!(
        "https://127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    let log = Log::default();
    let kept = Arc::clone(&log);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else {
                continue;
            };
            if let Some(request) = read_head(&mut stream).await {
                kept.lock().unwrap().push(request);
                let response =
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
                let _ = stream.write_all(response.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (base, log)
}

/// Reads the head of a request.
async fn read_head(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn send(builder: ReqwestTransportBuilder, base: &str) -> Result<ApiResponse> {
    let create =
        ApiRequest::post(Operation::Create, ["tokens"]).bearer_auth(&Secret::new("hunter2"));
    let client =
        client(Arc::new(builder.build().unwrap()), base).with_retry(RetryPolicy::no_retries());
    client.send(create).await
}

fn assert_nothing_was_sent(result: Result<ApiResponse>, log: &Log) {
    let error = result.unwrap_err();
    let found = (error.kind(), error.fate());
    assert_eq!(found, (ErrorKind::Connection, Fate::NotSent), "{error}");
    assert!(log.lock().unwrap().is_empty(), "{error}");
}

#[tokio::test]
async fn a_failed_handshake_sent_nothing() {
    for garbage in [
        "",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "SSH-2.0-server\r\n",
        // A fatal alert: handshake failure.
        "\x15\x03\x03\x00\x02\x02\x28",
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("https://{}", listener.local_addr().unwrap());
        let received = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut received = Vec::new();
            socket.read_buf(&mut received).await.unwrap();
            socket.write_all(garbage.as_bytes()).await.unwrap();
            socket.shutdown().await.unwrap();
            let _ = socket.read_to_end(&mut received).await;
            String::from_utf8_lossy(&received).into_owned()
        });
        let result = send(ReqwestTransport::builder(), &base).await;
        assert_nothing_was_sent(result, &Log::default());
        assert!(!received.await.unwrap().contains("hunter2"), "{garbage:?}");
    }
}

#[tokio::test]
async fn a_handshake_without_an_answer_is_a_timeout_that_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", listener.local_addr().unwrap());
    let builder = ReqwestTransport::builder().with_connect_timeout(Duration::from_millis(100));
    let error = send(builder, &base).await.unwrap_err();
    let found = (error.kind(), error.fate());
    assert_eq!(found, (ErrorKind::Timeout, Fate::NotSent), "{error}");
}

fn trusting(authority: &Authority) -> ReqwestTransportBuilder {
    ReqwestTransport::builder().with_authorities(authority.certificate.pem())
}

#[tokio::test]
async fn a_private_ca_is_trusted_if_configured_and_only_for_the_name_it_certified() {
    let authority = Authority::new();
    let (base, log) = authority.serve("127.0.0.1", false).await;
    assert_nothing_was_sent(send(ReqwestTransport::builder(), &base).await, &log);
    assert_nothing_was_sent(send(trusting(&Authority::new()), &base).await, &log);
    assert!(send(trusting(&authority), &base).await.is_ok());
    let only = trusting(&authority).with_exclusive_authorities();
    assert!(send(only, &base).await.is_ok());
    assert_eq!(log.lock().unwrap().len(), 2);
    let (base, log) = authority.serve("elsewhere.example.com", false).await;
    assert_nothing_was_sent(send(trusting(&authority), &base).await, &log);
}

#[cfg(all(target_os = "linux", not(feature = "native-tls")))]
#[tokio::test]
async fn the_systems_authorities_are_read_when_a_server_needs_them_and_once_for_all_clients() {
    let authority = Authority::new();
    let (base, log) = authority.serve("127.0.0.1", false).await;
    let (system, private) = (
        TempFile::with_content("system.pem", ""),
        TempFile::with_content("private.pem", authority.certificate.pem()),
    );
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", AUTHORITIES_CHILD_TEST, "--ignored"])
        .env("SSL_CERT_FILE", system.path())
        .env_remove("SSL_CERT_DIR")
        .env(CHILD_AUTHORITY, private.path())
        .env(CHILD_BASE_URL, base);
    let output = tokio::task::spawn_blocking(move || child.output());
    let output = output.await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[cfg(all(target_os = "linux", not(feature = "native-tls")))]
#[tokio::test]
#[ignore = "the_systems_authorities_are_read_when… runs it, with authorities in its environment"]
async fn reads_the_systems_authorities_late_and_once() {
    let (Ok(base), Ok(private), Ok(system)) = (
        std::env::var(CHILD_BASE_URL),
        std::env::var(CHILD_AUTHORITY),
        std::env::var("SSL_CERT_FILE"),
    ) else {
        return;
    };
    let new_client = || {
        let transport = ReqwestTransport::new().unwrap();
        client(Arc::new(transport), &base).with_retry(RetryPolicy::no_retries())
    };
    let page = || ApiRequest::get(Operation::List, ["tokens"]);
    let client = new_client();
    // A read that failed is repeated.
    let error = client.send(page()).await.unwrap_err();
    assert!(error.to_string().contains("No CA"), "{error}");
    std::fs::copy(private, &system).unwrap();
    client.send(page()).await.unwrap();
    std::fs::write(&system, "").unwrap();
    // The client that keeps no connection is another one.
    let create = ApiRequest::post(Operation::Create, ["tokens"]);
    client.send(create).await.unwrap();
    let error = new_client().send(page()).await.unwrap_err();
    assert_eq!(error.fate(), Fate::NotSent, "{error}");
    assert!(error.advice().unwrap().contains("`authorities`"), "{error}");
}

/// Another crate of the program may have set any provider, which this one must neither need nor
/// use.
#[cfg(not(feature = "native-tls"))]
#[tokio::test]
async fn the_cryptography_of_the_process_is_neither_used_nor_set() {
    let mut useless = default_provider();
    useless.cipher_suites.clear();
    useless.kx_groups.clear();
    // An error would mean that a provider was set before.
    useless.install_default().unwrap();
    let authority = Authority::new();
    let (base, _) = authority.serve("127.0.0.1", false).await;
    for builder in [
        trusting(&authority),
        trusting(&authority).with_exclusive_authorities(),
    ] {
        send(builder, &base).await.unwrap();
    }
}

#[tokio::test]
async fn a_client_certificate_is_presented_to_a_server_that_asks_for_one() {
    let authority = Authority::new();
    let (base, log) = authority.serve("127.0.0.1", true).await;
    let (certificate, key) = authority.issue("client.example.com");
    let known = trusting(&authority)
        .with_client_certificate(certificate.pem(), Secret::new(key.serialize_pem()));
    send(known, &base).await.unwrap();
    assert_eq!(log.lock().unwrap().len(), 1);
    // In TLS 1.3 the server rejects the client after it has begun to write, so the fate is
    // ambiguous although nothing is applied.
    let error = send(trusting(&authority), &base).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert_eq!(log.lock().unwrap().len(), 1);
}

/// A temporary file, removed when dropped.
struct TempFile(PathBuf);

impl TempFile {
    fn with_content(name: &str, content: impl AsRef<[u8]>) -> Self {
        let name = format!("tokenfleet-tls-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> String {
        self.0.to_str().unwrap().to_owned()
    }

    /// Returns a setting that refers to the file as a credential.
    fn reference(&self) -> Setting {
        Setting::from([("file", &*self.path())])
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn from_settings(
    settings: impl IntoIterator<Item = (&'static str, Setting)>,
) -> Result<ReqwestTransportBuilder> {
    let mut table = Settings::new("transport");
    for (line, (key, value)) in (1..).zip(settings) {
        table.insert(key, value, Some(line));
    }
    ReqwestTransportBuilder::from_settings(&mut table).await
}

#[tokio::test]
async fn settings_configure_authorities_client_certificate_and_proxy() {
    let authority = Authority::new();
    let (base, log) = authority.serve("127.0.0.1", true).await;
    let (url, proxy_log) = proxy().await;
    let (certificate, key) = authority.issue("client.example.com");
    let root = TempFile::with_content("root.pem", authority.certificate.pem());
    let other = TempFile::with_content("other.pem", Authority::new().certificate.pem());
    let chain = TempFile::with_content("chain.pem", certificate.pem());
    let key = TempFile::with_content("key.pem", key.serialize_pem());
    let password = TempFile::with_content("password", "hunter3\n");
    let builder = from_settings([
        (
            "authorities",
            Setting::Texts(vec![other.path(), root.path()]),
        ),
        ("exclusive_authorities", Setting::Boolean(true)),
        ("client_certificate", Setting::Text(chain.path())),
        ("client_key", key.reference()),
        ("proxy", Setting::Text(url)),
        ("proxy_user", Setting::Text("user".to_owned())),
        ("proxy_password", password.reference()),
        ("connect_timeout", Setting::Text("5s".to_owned())),
    ]);
    send(builder.await.unwrap(), &base).await.unwrap();
    assert_eq!(log.lock().unwrap().len(), 1);
    assert_eq!(proxy_log.lock().unwrap().len(), 1);
    let wrong_ca = from_settings([("authorities", Setting::Text(other.path()))]);
    assert_nothing_was_sent(send(wrong_ca.await.unwrap(), &base).await, &Log::default());
}

#[tokio::test]
async fn an_invalid_setting_is_reported_with_its_line_and_without_secrets() {
    let root = TempFile::with_content("lone.pem", Authority::new().certificate.pem());
    let nothing = TempFile::with_content("nothing.pem", "hunter2");
    let (certificate, _) = Authority::new().issue("client.example.com");
    let (_, other_key) = Authority::new().issue("client.example.com");
    let chain = TempFile::with_content("its-chain.pem", certificate.pem());
    let other_key = TempFile::with_content("other-key.pem", other_key.serialize_pem());
    let text = |text: &str| Setting::Text(text.to_owned());
    let env = |name: &str| Setting::from([("env", name)]);
    let pasted = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    let missing = "/nowhere/at/all.pem";
    for (settings, expected) in [
        (
            vec![("proxy", text("socks5://hunter2.example.com"))],
            "line 1: transport.proxy: the proxy is not an http",
        ),
        (
            vec![("proxy_user", text("me"))],
            "missing key `proxy` in transport;",
        ),
        (
            vec![
                ("proxy", text("http://proxy:3128")),
                ("proxy_user", text("me")),
            ],
            "missing key `proxy_password` in transport;",
        ),
        (
            vec![
                ("proxy", text("http://proxy:3128")),
                ("proxy_password", env("X")),
            ],
            "missing key `proxy_user` in transport;",
        ),
        (
            vec![("proxy_password", text("hunter2"))],
            "line 1: transport.proxy_password is a credential in plain text",
        ),
        (
            vec![
                ("proxy", text("http://proxy:3128")),
                ("proxy_user", text("me")),
                ("proxy_password", env("TOKENFLEET_NEVER_SET")),
            ],
            "line 3: transport.proxy_password: the environment variable TOKENFLEET_NEVER_SET is not set",
        ),
        (
            vec![("client_key", text(pasted))],
            "line 1: transport.client_key is a credential in plain text",
        ),
        (
            vec![
                ("client_certificate", text(pasted)),
                ("client_key", env("X")),
            ],
            "line 1: transport.client_certificate must be the path of a file, not its content",
        ),
        (
            vec![("client_certificate", text(missing))],
            "missing key `client_key` in transport;",
        ),
        (
            vec![("client_key", env("X"))],
            "missing key `client_certificate` in transport;",
        ),
        (
            vec![("authorities", text(missing))],
            "line 1: transport.authorities: /nowhere/at/all.pem cannot be read: No such file or directory",
        ),
        (
            vec![("authorities", text(&nothing.path()))],
            "no CA certificate found",
        ),
        (
            vec![("authorities", Setting::Integer(1))],
            "line 1: transport.authorities must be a quoted string or a list of quoted strings",
        ),
        (
            vec![("exclusive_authorities", Setting::Boolean(true))],
            "line 1: transport.exclusive_authorities requires `authorities`",
        ),
        (
            vec![
                ("client_certificate", text(&root.path())),
                ("client_key", root.reference()),
            ],
            "line 1: transport.client_certificate: the client certificate and its key cannot be used together",
        ),
        (
            vec![
                ("client_certificate", text(&chain.path())),
                ("client_key", other_key.reference()),
            ],
            "line 2: transport.client_key: the client key does not belong to the client certificate",
        ),
        (
            vec![
                ("proxy", text("http://proxy:3128")),
                ("no_proxy", text("http://hunter2:80/")),
            ],
            "line 2: transport.no_proxy: a host without a proxy is not a host name",
        ),
        (
            vec![("no_proxy", text("internal"))],
            "missing key `proxy` in transport;",
        ),
        (
            vec![("connect_timeout", text("0s"))],
            "line 1: transport.connect_timeout must be a duration from \"1s\" to \"1d\", such as \"30s\"",
        ),
        (
            vec![("connect_timeout", Setting::Integer(10))],
            "line 1: transport.connect_timeout must be a duration",
        ),
    ] {
        let error = from_settings(settings).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(!error.to_string().contains("(os error"), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(expected), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

/// Starts a proxy that opens tunnels and logs the requests it receives.
async fn proxy() -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let log = Log::default();
    let kept = Arc::clone(&log);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let Some(request) = read_head(&mut client).await else {
                continue;
            };
            kept.lock().unwrap().push(request.clone());
            if !request.contains("Basic dXNlcjpodW50ZXIz") {
                let rejection = "HTTP/1.1 407 Log In\r\nContent-Length: 0\r\n\r\n";
                let _ = client.write_all(rejection.as_bytes()).await;
                continue;
            }
            let target = request.split(' ').nth(1).unwrap().to_owned();
            let mut server = TcpStream::connect(target).await.unwrap();
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    (url, log)
}

#[tokio::test]
async fn a_proxy_opens_a_tunnel_and_sees_no_credential() {
    let authority = Authority::new();
    let (base, log) = authority.serve("127.0.0.1", false).await;
    let (url, proxy_log) = proxy().await;
    let through = || trusting(&authority).with_proxy(url.as_str());
    // The proxy rejects it without a login, which is its verdict: nothing was sent, and nothing is
    // repeated before the login is locked.
    let client = client(Arc::new(through().build().unwrap()), &base);
    let create = ApiRequest::post(Operation::Create, ["tokens"]);
    let error = client.send(create).await.unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Other, Fate::NotSent, 1), "{error}");
    assert!(error.to_string().contains("proxy_password"), "{error}");
    assert!(log.lock().unwrap().is_empty(), "{error}");
    let login = || through().with_proxy_login("user", Secret::new("hunter3"));
    let shown = format!("{:?}", login().build().unwrap());
    assert!(!shown.contains("dXNlcjpodW50ZXIz"), "{shown}");
    assert!(!shown.contains("hunter3"), "{shown}");
    send(login(), &base).await.unwrap();
    assert!(log.lock().unwrap()[0].contains("Bearer hunter2"));
    let proxy_log = proxy_log.lock().unwrap();
    assert_eq!(proxy_log.len(), 2);
    for request in &*proxy_log {
        assert!(request.starts_with("CONNECT 127.0.0.1:"), "{request}");
        assert!(!request.contains("hunter2"), "{request}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named_where_it_is_used() {
    for (base, names_proxy) in [("https://127.0.0.1:1", true), ("http://127.0.0.1:1", false)] {
        let builder = ReqwestTransport::builder().with_proxy("http://127.0.0.1:1");
        let error = send(builder, base).await.unwrap_err();
        assert_eq!(error.fate(), Fate::NotSent, "{error}");
        let advice = error.advice().unwrap();
        assert_eq!(advice.contains("`proxy` in [transport]"), names_proxy);
    }
}

#[tokio::test]
async fn the_login_of_a_proxy_is_sent_exactly_as_written() {
    for (user, password) in [
        ("me", "100%25off"),
        ("%41", "a:b@c/d?e#f"),
        ("jörg", "pä ß"),
    ] {
        let (url, log) = proxy().await;
        let builder = ReqwestTransport::builder()
            .with_proxy(url)
            .with_proxy_login(user, Secret::new(password));
        send(builder, "https://127.0.0.1:1").await.unwrap_err();
        let expected = STANDARD.encode(format!("{user}:{password}"));
        let sent = log.lock().unwrap()[0].clone();
        assert!(sent.contains(&format!("Basic {expected}\r\n")), "{sent}");
    }
}

#[tokio::test]
async fn hosts_that_need_no_proxy_are_reached_without_it() {
    let authority = Authority::new();
    let (base, log) = authority.serve("127.0.0.1", false).await;
    for (host, direct) in [
        ("127.0.0.1", true),
        ("127.0.0.0/8", true),
        ("*", true),
        ("10.0.0.0/8", false),
        ("*.internal", false),
        ("10.1.2.3, 127.0.0.1", true),
        ("[::1]", false),
    ] {
        let (url, proxy_log) = proxy().await;
        let builder = from_settings([
            ("proxy", Setting::Text(url)),
            ("no_proxy", Setting::Texts(vec![host.to_owned()])),
        ]);
        let builder = builder.await.unwrap();
        let builder = builder.with_authorities(authority.certificate.pem());
        let result = send(builder, &base).await;
        assert_eq!(result.is_ok(), direct, "{host}: {result:?}");
        assert_eq!(proxy_log.lock().unwrap().is_empty(), direct, "{host}");
    }
    assert_eq!(log.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_mistake_with_certificates_is_explained() {
    // What `openssl req -x509` makes: a certificate of an authority, shown as the server's own.
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap();
    let (base, log) = serve_with(&own, &key, None).await;
    let result = send(
        ReqwestTransport::builder().with_authorities(own.pem()),
        &base,
    )
    .await;
    // OpenSSL takes it.
    if cfg!(not(feature = "native-tls")) {
        let text = result.as_ref().unwrap_err().to_string();
        assert!(
            text.contains("CA:FALSE") && !text.contains("OtherError"),
            "{text}"
        );
        assert_nothing_was_sent(result, &log);
    }
    let (base, _) = Authority::new().serve("127.0.0.1", false).await;
    let error = send(ReqwestTransport::builder(), &base).await.unwrap_err();
    let error = error.to_string();
    assert!(error.contains("authorities"), "{error}");
}

/// A server that was sent a secret may show it as a name in its next certificate.
#[tokio::test]
async fn a_secret_in_the_name_of_a_certificate_is_not_shown() {
    let authority = Authority::new();
    let (base, _) = authority.serve("hunter2hunter2.example.com", false).await;
    let transport = trusting(&authority).build().unwrap();
    let request = ApiRequest::get(Operation::List, ["tokens"]);
    let request = request.bearer_auth(&Secret::new("HUNTER2hunter2"));
    let client = client(Arc::new(transport), &base).with_retry(RetryPolicy::no_retries());
    let error = client.send(request).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("127.0.0.1"), "{shown}");
}

#[tokio::test]
async fn a_byte_order_mark_before_pem_is_skipped() {
    let authority = Authority::new();
    let (base, _) = authority.serve("127.0.0.1", true).await;
    let (certificate, key) = authority.issue("client.example.com");
    let marked = |pem: String| format!("\u{feff}{pem}");
    let builder = ReqwestTransport::builder()
        .with_authorities(marked(authority.certificate.pem()))
        .with_client_certificate(
            marked(certificate.pem()),
            Secret::new(marked(key.serialize_pem())),
        );
    send(builder, &base).await.unwrap();
}

#[test]
fn an_invalid_part_is_reported_and_not_repeated() {
    let new = ReqwestTransport::builder;
    let secret =
        || Secret::new("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
    for builder in [
        new().with_proxy("http://user:hunter2@proxy.example.com"),
        new().with_proxy("socks5://hunter2.example.com"),
        new().with_proxy("hunter2"),
        new().with_proxy_login("user", Secret::new("hunter2")),
        new()
            .with_proxy("http://proxy.example.com")
            .with_proxy_login("hunter2:me", Secret::new("password")),
        new().with_authorities("hunter2"),
        new().with_authorities("-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n"),
        new().with_client_certificate("hunter2", secret()),
        new().with_client_certificate(Authority::new().certificate.pem(), secret()),
    ] {
        let shown = format!("{builder:?}");
        let error: Error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        let text = format!("{shown} {error} {error:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
