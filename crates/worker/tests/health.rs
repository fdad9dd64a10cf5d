//! What a worker tells those who watch it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use support::{Close, block_on, due};
use tokenfleet_ledger::{MemoryLedger, Tasks};
use tokenfleet_worker::{HealthServer, Worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Sends a request and returns the status and the rest of the answer.
async fn get(address: SocketAddr, request: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (status, rest) = answer.split_once("\r\n").unwrap();
    (status.to_owned(), rest.to_owned())
}

#[test]
fn whoever_watches_sees_the_numbers_and_no_name() {
    block_on(async {
        let ledger: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
        for number in 0..3 {
            let task = due("queue of customers", &number.to_string());
            ledger.open_task(&task).await.unwrap();
        }
        let close = Close::new(&ledger);
        let worker = Worker::new(Arc::clone(&ledger));
        let loopback = "127.0.0.1:0".parse().unwrap();
        let server = HealthServer::start(loopback, worker.status())
            .await
            .unwrap();
        close.run(&[worker]).await;
        let (status, answer) = get(server.address(), "GET /healthz").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
        let (status, answer) = get(server.address(), "GET /metrics").await;
        assert_eq!(status, "HTTP/1.1 200 OK");
        for line in [
            "tokenfleet_worker_advances_total{result=\"something\"} 1",
            "tokenfleet_worker_advances_total{result=\"error\"} 0",
            "tokenfleet_worker_queues_running 0",
            "# TYPE tokenfleet_worker_ledger_requests_total counter",
        ] {
            assert!(answer.lines().any(|found| found == line), "{answer}");
        }
        assert!(!answer.contains("customers"), "{answer}");
        for request in [
            "GET /",
            "POST /metrics",
            "GET /metrics/x",
            "DELETE /healthz",
        ] {
            let (status, _) = get(server.address(), request).await;
            assert_eq!(status, "HTTP/1.1 404 Not Found", "{request}");
        }
    });
}

/// The seconds pass as soon as everybody waits for them.
#[test]
fn a_client_that_says_nothing_keeps_no_other_waiting() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let ledger: Arc<dyn Tasks> = Arc::new(MemoryLedger::new());
        let worker = Worker::new(ledger);
        let loopback = "127.0.0.1:0".parse().unwrap();
        let server = HealthServer::start(loopback, worker.status())
            .await
            .unwrap();
        let mut silent = Vec::new();
        for _ in 0..33 {
            silent.push(TcpStream::connect(server.address()).await.unwrap());
        }
        let answered = tokio::time::timeout(
            Duration::from_secs(20),
            get(server.address(), "GET /healthz"),
        );
        assert_eq!(answered.await.unwrap().0, "HTTP/1.1 200 OK");
    });
}
