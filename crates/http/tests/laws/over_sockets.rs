//! The transport over reqwest against real sockets: the phase of a failure, and that credentials go
//! nowhere else.

use std::io::{Read, Write};
use std::net::TcpListener as Port;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::scripted_transport::client;
use tokenfleet_core::config::{Setting, Settings};
use tokenfleet_core::{Error, ErrorKind, Fate, Operation, Secret};
use tokenfleet_http::{ApiClient, ApiRequest, BaseUrl, ReqwestTransport, RetryPolicy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CHILD_TEST: &str = "over_sockets::sends_directly_although_proxies_are_set";
const POOR_CHILD_TEST: &str = "over_sockets::is_answered_although_all_descriptors_are_taken";
const MANY_HOSTS_CHILD_TEST: &str = "over_sockets::lists_at_each_host_with_few_descriptors";
const CHILD_BASE_URL: &str = "TOKENFLEET_TEST_PROXIED_BASE";

/// The reply to one connection.
#[derive(Clone)]
pub(super) enum Reply {
    /// Reads the request and writes these bytes.
    Bytes(Vec<u8>),
    /// Reads the request and never stops writing.
    Endless,
    /// Closes without reading.
    Close,
    /// Reads the request and never responds.
    Silence,
}

/// A server that plays one reply per connection, the last for all that follow, and logs the
/// requests.
pub(super) struct Server {
    pub(super) base: String,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(super) async fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Vec<_> = replies.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        tokio::spawn(async move {
            for connection in 0.. {
                let (mut socket, _) = listener.accept().await.unwrap();
                let reply = replies[connection.min(replies.len() - 1)].clone();
                if matches!(reply, Reply::Close) {
                    continue;
                }
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    if socket.read_buf(&mut request).await.unwrap() == 0 {
                        break;
                    }
                }
                let request = String::from_utf8_lossy(&request).into_owned();
                kept.lock().unwrap().push(request);
                match reply {
                    Reply::Bytes(bytes) => socket.write_all(&bytes).await.unwrap(),
                    Reply::Endless => {
                        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
                        let mut going = socket.write_all(head.as_bytes()).await;
                        while going.is_ok() {
                            going = socket.write_all(&[b' '; 4096]).await;
                        }
                    }
                    Reply::Silence => {
                        tokio::spawn(async move { socket.read_buf(&mut Vec::new()).await });
                    }
                    Reply::Close => {}
                }
            }
        });
        Self { base, log }
    }

    pub(super) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

/// Returns a response with this body, after which the connection is closed.
pub(super) fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    Reply::Bytes([head.as_bytes(), body].concat())
}

pub(super) fn client_over_reqwest(base: &str) -> ApiClient {
    let policy = RetryPolicy::default().with_backoff(Duration::ZERO, Duration::ZERO);
    client(Arc::new(ReqwestTransport::new().unwrap()), base).with_retry(policy)
}

pub(super) fn create() -> ApiRequest {
    ApiRequest::post(Operation::Create, ["tokens"])
        .bearer_auth(&Secret::new("hunter2"))
        .credential("x-api-key", "", &Secret::new("hunter3"))
}

pub(super) fn list() -> ApiRequest {
    ApiRequest::get(Operation::List, ["tokens"])
        .bearer_auth(&Secret::new("hunter2"))
        .query("search", "hunter4")
}

/// Returns the error from a request and the number of requests that the server received.
pub(super) async fn failure(request: ApiRequest, reply: Reply) -> (Error, usize) {
    let server = Server::new([reply]).await;
    let error = client_over_reqwest(&server.base)
        .send(request)
        .await
        .unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter"), "{shown}");
    (error, server.log().len())
}

#[tokio::test]
async fn a_refused_connection_sent_nothing() {
    let free = Port::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client_over_reqwest(&format!("http://{free}"));
    let error = client.send(create()).await.unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Connection, Fate::NotSent, 4), "{error}");
}

#[tokio::test]
async fn an_unknown_host_name_sent_nothing() {
    let error = client_over_reqwest("https://nowhere.invalid")
        .send(create())
        .await
        .unwrap_err();
    let found = (error.kind(), error.fate(), error.attempts());
    assert_eq!(found, (ErrorKind::Connection, Fate::NotSent, 4), "{error}");
}

#[tokio::test]
async fn a_request_without_a_response_is_ambiguous() {
    let server = Server::new([Reply::Silence]).await;
    let policy = RetryPolicy::default()
        .with_attempt_timeout(Duration::from_millis(100))
        .with_backoff(Duration::ZERO, Duration::ZERO);
    let client = client_over_reqwest(&server.base).with_retry(policy);
    for (request, fate, requests) in [
        (create(), Fate::MaybeApplied, 1),
        (list(), Fate::Rejected, 5),
    ] {
        let error = client.send(request).await.unwrap_err();
        let found = (error.kind(), error.fate(), server.log().len());
        assert_eq!(found, (ErrorKind::Timeout, fate, requests), "{error}");
    }
}

#[tokio::test]
async fn the_page_of_a_gateway_is_judged_by_its_status_and_never_shown() {
    use ErrorKind::{RateLimited, Timeout, Unavailable};
    use Fate::{MaybeApplied, Rejected};

    for (status, kind, fate, requests) in [
        ("500 Internal Server Error", Unavailable, MaybeApplied, 1),
        ("502 Bad Gateway", Unavailable, MaybeApplied, 1),
        ("503 Service Unavailable", Unavailable, MaybeApplied, 1),
        ("504 Gateway Timeout", Unavailable, MaybeApplied, 1),
        ("521 Web Server Is Down", Unavailable, MaybeApplied, 1),
        ("408 Request Timeout", Timeout, MaybeApplied, 1),
        ("429 Too Many Requests", RateLimited, MaybeApplied, 1),
    ] {
        let page = || {
            response(
                status,
                "Content-Type: text/html\r\n",
                "<html>hunter2</html>",
            )
        };
        let (error, sent) = failure(create(), page()).await;
        let found = (error.kind(), error.fate(), sent);
        assert_eq!(found, (kind, fate, requests), "{error}");
        let (error, sent) = failure(list(), page()).await;
        let found = (error.kind(), error.fate(), sent);
        assert_eq!(found, (kind, Rejected, 4), "{error}");
    }
}

/// A server that answers every request on a connection with `reply`, and counts the connections.
async fn keep_alive_server(reply: &'static str) -> (String, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let base = format!("http://127.0.0.1:{port}");
    let connections = Arc::new(Mutex::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            *count.lock().unwrap() += 1;
            tokio::spawn(async move {
                let mut request = Vec::new();
                while socket.read_buf(&mut request).await.unwrap_or(0) > 0 {
                    if request.ends_with(b"\r\n\r\n") {
                        request.clear();
                        let _ = socket.write_all(reply.as_bytes()).await;
                    }
                }
            });
        }
    });
    (base, connections)
}

#[tokio::test]
async fn a_command_never_gets_a_surplus_answer_because_its_connection_is_new() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
    let (base, connections) = keep_alive_server(ok).await;
    let client = client_over_reqwest(&base);
    for _ in 0..3 {
        client.send(list()).await.unwrap();
    }
    assert_eq!(*connections.lock().unwrap(), 1, "pages share a connection");
    let verify = || ApiRequest::get(Operation::Verify, ["me"]);
    for (number, request) in [create(), verify(), create()].into_iter().enumerate() {
        client.send(request).await.unwrap();
        assert_eq!(*connections.lock().unwrap(), number + 2);
    }
}

/// A server whose first connection ends in this way once it has answered one request: it sends the
/// rest, which nobody asked for, and closes. All others answer with `["own"]`.
async fn server_that_ends_its_first_connection(rest: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for connection in 0.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n[\"own\"]";
                while socket.read_buf(&mut Vec::new()).await.unwrap_or(0) > 0 {
                    let _ = socket.write_all(ok).await;
                    if connection == 0 {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        let _ = socket.write_all(rest.as_bytes()).await;
                        return;
                    }
                }
            });
        }
    });
    base
}

/// The answer to somebody else, or a server that does not keep connections as long as we do.
#[tokio::test]
async fn a_connection_that_changed_while_it_was_idle_is_not_used_again() {
    let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[\"other\"]";
    for rest in [
        "",
        surplus,
        "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    ] {
        for request in [list, create] {
            let base = server_that_ends_its_first_connection(rest).await;
            let client = client_over_reqwest(&base);
            client.send(list()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            let response = client.send(request()).await.unwrap();
            assert_eq!(response.json::<[String; 1]>().unwrap(), ["own"], "{rest}");
            assert_eq!(response.attempts(), 1, "{rest}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_flood_of_informational_heads_ends_in_time_and_holds_up_no_other_account() {
    // A server of its own thread: the test measures the client.
    let port = Port::bind("127.0.0.1:0").unwrap();
    let flooding = format!("http://{}", port.local_addr().unwrap());
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = port.accept() {
            let heads = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n".repeat(2000);
            std::thread::spawn(move || {
                let _ = socket.read(&mut [0; 4096]);
                while socket.write_all(heads.as_bytes()).is_ok() {}
            });
        }
    });
    let flooded_for = |seconds| {
        let policy = RetryPolicy::no_retries().with_attempt_timeout(Duration::from_secs(seconds));
        let client = client_over_reqwest(&flooding).with_retry(policy);
        tokio::spawn(async move { client.send(list()).await })
    };
    let flooded = flooded_for(90);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let server = Server::new([response("200 OK", "", "[]")]).await;
    client_over_reqwest(&server.base)
        .send(list())
        .await
        .unwrap();
    assert!(!flooded.is_finished(), "the flood is over");
    flooded.abort();
    let ended = tokio::time::timeout(Duration::from_secs(60), flooded_for(1)).await;
    let error = ended.expect("the flood ends").unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

#[tokio::test]
async fn json_that_is_nested_too_deep_is_an_error_and_not_an_overflow() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (depth, decoded) in [(100, true), (1000, false), (1_000_000, false)] {
        let server = Server::new([response("200 OK", "", nested(depth))]).await;
        let response = client_over_reqwest(&server.base)
            .send(list())
            .await
            .unwrap();
        let result = response.json::<serde_json::Value>();
        assert_eq!(result.is_ok(), decoded, "{depth}");
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
        }
    }
}

#[tokio::test]
async fn a_broken_connection_leaves_a_write_ambiguous_and_it_is_not_retried() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":";
    for (reply, read) in [
        (Reply::Close, 0),
        (Reply::Bytes(Vec::new()), 1),
        (Reply::Bytes(b"HTTP/1.1 20".to_vec()), 1),
        (Reply::Bytes(b"SSH-2.0-server\r\n\r\n".to_vec()), 1),
        (Reply::Bytes(cut.into()), 1),
    ] {
        let (error, requests) = failure(create(), reply).await;
        let found = (error.kind(), error.fate(), error.attempts(), requests);
        let expected = (ErrorKind::Connection, Fate::MaybeApplied, 1, read);
        assert_eq!(found, expected, "{error}");
    }
    let (error, requests) = failure(list(), Reply::Bytes(cut.into())).await;
    let found = (error.kind(), error.fate(), requests);
    assert_eq!(found, (ErrorKind::Connection, Fate::Rejected, 4), "{error}");
}

#[tokio::test]
async fn the_page_of_a_captive_portal_is_not_a_success() {
    let portal = response(
        "200 OK",
        "Content-Type: text/html\r\n",
        "<html>Log in</html>",
    );
    let (error, requests) = failure(create(), portal).await;
    let found = (error.kind(), error.fate(), requests);
    let expected = (ErrorKind::ProtocolViolation, Fate::MaybeApplied, 1);
    assert_eq!(found, expected, "{error}");
}

#[tokio::test]
async fn an_endless_response_is_cut_off_and_not_retried() {
    let revoke = || ApiRequest::delete(Operation::Revoke, ["tokens", "1"]).idempotent();
    let (error, requests) = failure(revoke(), Reply::Endless).await;
    let found = (error.kind(), error.fate(), requests);
    let expected = (ErrorKind::ProtocolViolation, Fate::MaybeApplied, 1);
    assert_eq!(found, expected, "{error}");
}

#[tokio::test]
async fn a_transient_rejection_is_retried() {
    for status in [
        "429 Too Many Requests",
        "503 Unavailable",
        "408 Request Timeout",
    ] {
        let wait = response(status, "Retry-After: 0\r\n", "busy");
        let server = Server::new([wait, response("200 OK", "", "[]")]).await;
        let response = client_over_reqwest(&server.base)
            .send(list())
            .await
            .unwrap();
        assert_eq!(
            (response.attempts(), server.log().len()),
            (2, 2),
            "{status}"
        );
    }
}

#[tokio::test]
async fn no_redirect_is_followed_and_nothing_reaches_the_other_origin() {
    for status in [301, 302, 303, 307, 308] {
        for request in [create, list] {
            let elsewhere = Server::new([response("200 OK", "", "{}")]).await;
            let location = format!("Location: {}/tokens\r\n", elsewhere.base);
            let redirect = response(&format!("{status} Elsewhere"), &location, "");
            let (error, requests) = failure(request(), redirect).await;
            assert_eq!(error.kind(), ErrorKind::ProtocolViolation, "{error}");
            assert_eq!((error.status(), requests), (Some(status), 1));
            assert_eq!(elsewhere.log(), [""; 0], "{status}");
        }
    }
}

#[tokio::test]
async fn no_cookie_is_sent_back() {
    let baking = response("200 OK", "Set-Cookie: session=hunter5; Path=/\r\n", "[]");
    let server = Server::new([baking]).await;
    let client = client_over_reqwest(&server.base);
    for _ in 0..2 {
        client.send(list()).await.unwrap();
    }
    let log = server.log();
    assert_eq!(log.len(), 2);
    for request in log {
        assert!(request.contains("Bearer hunter2"), "{request}");
        assert!(!request.to_lowercase().contains("cookie"), "{request}");
    }
}

/// Runs the next test in its own process, since the environment of a running test cannot be
/// changed.
#[tokio::test]
async fn the_proxies_of_the_environment_are_ignored() {
    let server = Server::new([response("200 OK", "", "[]")]).await;
    let proxy = Server::new([response("200 OK", "", "[]")]).await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", CHILD_TEST, "--ignored"]);
    child
        .env(CHILD_BASE_URL, &server.base)
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for name in [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ] {
        child.env(name, &proxy.base);
    }
    let output = tokio::task::spawn_blocking(move || child.output());
    let output = output.await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(proxy.log(), [""; 0]);
    assert_eq!(server.log().len(), 1);
}

#[tokio::test]
#[ignore = "the_proxies_of_the_environment_are_ignored runs it, with proxies in its environment"]
async fn sends_directly_although_proxies_are_set() {
    // It is not set when someone runs all ignored tests.
    let Ok(base) = std::env::var(CHILD_BASE_URL) else {
        return;
    };
    client_over_reqwest(&base).send(list()).await.unwrap();
}

/// Returns a command that runs an ignored test of this file in a process that may open so many
/// files.
#[cfg(unix)]
fn poor_child(descriptors: u64, test: &str, base: &str) -> Command {
    let mut child = Command::new("sh");
    child
        .args(["-c", "ulimit -n $2 && exec \"$0\" --exact \"$1\" --ignored"])
        .arg(std::env::current_exe().unwrap())
        .args([test, &descriptors.to_string()])
        .env(CHILD_BASE_URL, base);
    child
}

/// Returns a number of the environment, which the long form of a test sets.
#[cfg(unix)]
fn number(variable: &str, default: u64) -> u64 {
    let value = std::env::var(variable);
    value.map_or(default, |value| value.parse().unwrap())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_connections_to_hosts_that_were_read_are_closed_before_the_descriptors_run_out() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
    let (base, connections) = keep_alive_server(ok).await;
    let descriptors = number("TOKENFLEET_DESCRIPTORS", 64);
    let mut child = poor_child(descriptors, MANY_HOSTS_CHILD_TEST, &base);
    let output = tokio::task::spawn_blocking(move || child.output());
    let output = output.await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let hosts = number("TOKENFLEET_HOSTS", 200);
    assert_eq!(*connections.lock().unwrap() as u64, hosts);
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "the_connections_to_hosts_that_were_read_are_closed… runs it, with few descriptors"]
async fn lists_at_each_host_with_few_descriptors() {
    let Ok(base) = std::env::var(CHILD_BASE_URL) else {
        return;
    };
    let (_, port) = base.rsplit_once(':').unwrap();
    let descriptors = number("TOKENFLEET_DESCRIPTORS", 64);
    let transport = Arc::new(ReqwestTransport::new().unwrap());
    let at_a_time = Arc::new(tokio::sync::Semaphore::new(descriptors as usize / 4));
    let mut listings = tokio::task::JoinSet::new();
    for host in 0..number("TOKENFLEET_HOSTS", 200) {
        // All of 127.0.0.0/8 is this machine.
        let base = format!("http://127.0.{}.{}:{port}", 1 + host / 200, 1 + host % 200);
        let client = client(Arc::clone(&transport) as _, &base);
        let client = client.with_retry(RetryPolicy::no_retries());
        let at_a_time = Arc::clone(&at_a_time);
        listings.spawn(async move {
            let _permit = at_a_time.acquire().await.unwrap();
            // Two pages share a connection.
            for _ in 0..2 {
                client.send(list()).await.unwrap();
            }
            std::fs::read_dir("/proc/self/fd").unwrap().count() as u64
        });
    }
    for open in listings.join_all().await {
        assert!(open < descriptors * 3 / 4, "{open} of {descriptors}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_without_a_descriptor_waits_for_one() {
    let server = Server::new([response("200 OK", "", "[]")]).await;
    let mut child = poor_child(64, POOR_CHILD_TEST, &server.base);
    let output = tokio::task::spawn_blocking(move || child.output());
    let output = output.await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.log().len(), 1);
}

#[tokio::test]
#[ignore = "a_process_without_a_descriptor_waits_for_one runs it, with few of them"]
async fn is_answered_although_all_descriptors_are_taken() {
    let Ok(base) = std::env::var(CHILD_BASE_URL) else {
        return;
    };
    let client = client_over_reqwest(&base).with_retry(RetryPolicy::no_retries());
    let mut taken = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        taken.push(file);
    }
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(taken);
    });
    client.send(list()).await.unwrap();
}

#[tokio::test]
async fn plain_http_to_a_host_is_rejected_before_a_client_exists() {
    let settings = |plain_http| {
        let mut settings = Settings::new("accounts.iot");
        let base_url = Setting::Text("http://api.example.com".to_owned());
        settings.insert("base_url", base_url, Some(3));
        settings.insert("allow_plain_http", Setting::Boolean(plain_http), Some(4));
        settings
    };
    let error = BaseUrl::from_settings(&mut settings(false), None).unwrap_err();
    assert_eq!(
        (error.kind(), error.fate()),
        (ErrorKind::Configuration, Fate::NotSent)
    );
    assert!(
        error
            .to_string()
            .starts_with("line 3: accounts.iot.base_url: "),
        "{error}"
    );
    assert!(BaseUrl::from_settings(&mut settings(true), None).is_ok());
}
