//! Server, faults, clock and log, on a platform that only echoes the path.

#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::Request;
use tokenfleet_simulators::{
    Action, Canned, Credentials, Dropped, Fault, Inserted, Instruments, ListingShape, NewToken,
    Server, Simulator, StartError, Token, dispatch,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A platform that returns `{"path":…}` to every request, and an example of a custom simulator.
#[derive(Clone, Debug, Default)]
struct Echo {
    instruments: Instruments,
}

impl Simulator for Echo {
    fn provider(&self) -> &'static str {
        "echo"
    }

    fn to_arc(&self) -> Arc<dyn Simulator> {
        Arc::new(self.clone())
    }

    fn credentials(&self) -> Credentials {
        Credentials::new()
    }

    fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    fn answer(&self, request: Request<Bytes>) -> http::Response<Bytes> {
        let path = request.uri().path();
        http::Response::new(Bytes::from(format!(r#"{{"path":"{path}"}}"#)))
    }

    fn listing_shape(&self) -> Option<ListingShape> {
        None
    }

    fn tokens(&self) -> Vec<Token> {
        Vec::new()
    }

    fn token_count(&self) -> usize {
        0
    }

    fn accepts(&self, _secret: &str) -> bool {
        false
    }

    fn insert(&self, _token: NewToken) -> Inserted {
        Inserted::new("", "")
    }

    fn remove(&self, _id: &str) -> bool {
        false
    }
}

fn get(target: &str) -> Request<Bytes> {
    Request::get(target).body(Bytes::new()).unwrap()
}

/// Sends send_raw text and reads until the server closes the connection, for at most a second.
async fn send_raw(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    let _ = tokio::time::timeout(Duration::from_secs(1), read).await;
    String::from_utf8_lossy(&response).into_owned()
}

#[tokio::test]
async fn absolute_targets_and_any_case_are_understood_and_logged_as_sent() {
    let server = Server::start(Echo::default(), "127.0.0.1:0").await.unwrap();
    for target in ["https://api.example.com//a//b?x=1", "//a//b"] {
        let response = send_raw(
            &server,
            &format!("GET {target} HTTP/1.1\r\nhOsT: x\r\nconnection: close\r\n\r\n"),
        )
        .await;
        assert!(response.ends_with(r#"{"path":"//a//b"}"#), "{response}");
        assert!(response.contains("\r\nDate: "), "{response}");
        let entry = server.simulator().log().last().unwrap();
        assert_eq!(entry.target, target);
        assert!(entry.processed);
        assert_eq!(entry.status, Some(200));
    }
}

#[tokio::test]
async fn only_loopback_addresses_are_served_by_default() {
    let refused = Server::start(Echo::default(), "0.0.0.0:0").await;
    assert!(matches!(refused, Err(StartError::NotLoopback(_))));
}

#[tokio::test]
async fn a_fault_applies_to_matching_requests_and_runs_out() {
    let platform = Echo::default();
    let fault = Fault::new(Action::Answer(Canned::status(503)))
        .method("get")
        .path("/a/*/c")
        .after(1)
        .times(2);
    platform.faults().add(fault);
    let mut statuses = Vec::new();
    for target in ["/a/b/c", "/a/b/c/d", "/b", "/A/x/c", "/a/b/c"] {
        let response = dispatch(&platform, get(target)).await.unwrap();
        statuses.push(response.status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 200, 503, 200]);
    assert!(platform.faults().pending().is_empty());
}

#[tokio::test]
async fn a_connection_can_break_before_or_after_processing_or_within_the_body() {
    let platform = Echo::default();
    let mut processed = Vec::new();
    let faults = [
        (Action::CloseBefore, Dropped::BeforeProcessing),
        (Action::CloseAfter, Dropped::AfterProcessing),
        (Action::CutBody(3), Dropped::DuringBody { received: 3 }),
    ];
    for (action, expected) in faults {
        platform.faults().add(Fault::new(action));
        assert_eq!(dispatch(&platform, get("/")).await.unwrap_err(), expected);
        processed.push(platform.log().last().unwrap().processed);
    }
    assert_eq!(processed, [false, true, true]);
}

#[tokio::test]
async fn a_cut_body_announces_more_than_it_sends() {
    let platform = Echo::default();
    let server = Server::start(platform.clone(), "127.0.0.1:0")
        .await
        .unwrap();
    platform.faults().add(Fault::new(Action::CutBody(4)));
    let response = send_raw(&server, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(response.contains("Content-Length: 13\r\n"), "{response}");
    assert!(response.ends_with("\r\n\r\n{\"pa"), "{response}");

    platform.faults().add(Fault::new(Action::CloseAfter));
    let response = send_raw(&server, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(response, "");
}

#[tokio::test]
async fn a_trickled_body_arrives_whole() {
    let platform = Echo::default();
    let server = Server::start(platform.clone(), "127.0.0.1:0")
        .await
        .unwrap();
    let action = Action::Trickle {
        bytes: 2,
        millis: 1,
    };
    platform.faults().add(Fault::new(action));
    let response = send_raw(
        &server,
        "GET /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(response.ends_with(r#"{"path":"/a"}"#), "{response}");
}

#[tokio::test]
async fn a_disconnect_cancels_a_delayed_request_but_not_one_applied_late() {
    let platform = Echo::default();
    let server = Server::start(platform.clone(), "127.0.0.1:0")
        .await
        .unwrap();
    let delay = Duration::from_millis(100);
    for (action, processed) in [
        (Action::Delay(delay), false),
        (Action::ApplyLate(delay), true),
    ] {
        platform.faults().add(Fault::new(action));
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        drop(stream);
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(platform.log().last().unwrap().processed, processed);
    }
}

#[tokio::test]
async fn a_response_too_many_precedes_the_next_one_on_the_same_connection() {
    let platform = Echo::default();
    let server = Server::start(platform.clone(), "127.0.0.1:0")
        .await
        .unwrap();
    platform.faults().add(Fault::new(Action::AnswerTwice));
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    for (path, expected) in [("/a", "/a"), ("/b", "/a")] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        while !response.ends_with(b"}") {
            assert!(stream.read_buf(&mut response).await.unwrap() > 0);
            // The next response may arrive together with this one.
            if let Some(end) = response.iter().position(|byte| *byte == b'}') {
                response.truncate(end + 1);
            }
        }
        let response = String::from_utf8_lossy(&response);
        let first = format!("{{\"path\":\"{expected}\"}}");
        assert!(response.ends_with(&first), "{path}: {response}");
    }
    let other = send_raw(
        &server,
        "GET /e HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    assert!(other.await.ends_with(r#"{"path":"/e"}"#));
}

#[tokio::test]
async fn a_flood_of_informational_heads_ends_only_with_the_connection() {
    let platform = Echo::default();
    let server = Server::start(platform.clone(), "127.0.0.1:0")
        .await
        .unwrap();
    platform
        .faults()
        .add(Fault::new(Action::InformationalFlood));
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut received = vec![0; 1 << 20];
    stream.read_exact(&mut received).await.unwrap();
    let received = String::from_utf8(received).unwrap();
    let mut heads = received.split_inclusive("\r\n\r\n");
    let first = heads.next().unwrap();
    assert!(first.starts_with("HTTP/1.1 103 "), "{first}");
    assert!(heads.all(|head| first.starts_with(head)));
    assert!(platform.log().last().unwrap().processed);
    drop(stream);
    let other = send_raw(
        &server,
        "GET /e HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    assert!(other.await.ends_with(r#"{"path":"/e"}"#));
}
