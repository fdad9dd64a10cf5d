//! Workers that run as a service, and those who watch them.

#![cfg(all(feature = "simulate", unix))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;
use support::rotating::{POLICY, Rotating};

/// Returns the answer of a worker, or nothing while it does not listen.
fn get(port: u16, path: &str) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    answer
}

fn stop(child: Child) {
    let id = child.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// Waits until a counter of a worker is not 0.
#[track_caller]
fn wait_until_counted(port: u16, counter: &str) {
    let started = Instant::now();
    let is_counted = |line: &str| {
        line.strip_prefix(counter)
            .is_some_and(|count| count != " 0")
    };
    loop {
        let metrics = get(port, "/metrics");
        assert!(!metrics.contains("mine") && !metrics.contains("ci-0"));
        if metrics.lines().any(is_counted) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{metrics}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_worker_tells_how_it_is_and_names_no_account() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    rotating.insert("ci-0");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    let words = ["worker", "--health", &port.to_string()];
    // The port is taken.
    let run = rotating.run(&words).ends_with(2);
    assert!(run.stderr.contains("--health"), "{run:?}");
    assert_eq!(rotating.changes_after(0), Vec::<String>::new());
    drop(free);
    let child = rotating.spawn(&words);
    wait_until_counted(
        port,
        "tokenfleet_worker_advances_total{result=\"something\"}",
    );
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200 "));
    stop(child);
    assert!(rotating.accepts(&rotating.held("ci-0")));
}

#[test]
fn a_rotation_that_fails_counts_among_the_errors_of_its_worker() {
    let rotating = Rotating::with("losant", &["--tokens=0"], POLICY);
    rotating.insert("ci-0");
    let fault = json!({"method": "POST", "actions": [{"answer": {"status": 503}}], "times": null});
    rotating.control("POST", "/faults", &fault.to_string());
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let child = rotating.spawn(&["worker", "--health", &port.to_string()]);
    wait_until_counted(port, "tokenfleet_worker_advances_total{result=\"error\"}");
    stop(child);
}
