//! A server for whoever watches a worker.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::WorkerStatus;

/// The connections at a time. Further ones wait.
const MAX_CONNECTIONS: usize = 16;

/// The time after which a connection is closed, whatever it is doing.
const LONGEST_CONNECTION: Duration = Duration::from_secs(60);

/// The time that a client has for a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause after a connection that could not be accepted, such as for want of descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A server that tells how a worker is, until it is dropped.
///
/// `/healthz` answers 200, or 503 with the reason if the ledger has not answered for a minute;
/// `/metrics` answers the numbers of the worker in the exposition format of Prometheus. Neither
/// names an account or a token.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl HealthServer {
    /// Starts a server on an address; port 0 lets the system choose. Choose a loopback address,
    /// unless other machines shall watch: there is no login.
    ///
    /// # Errors
    ///
    /// Fails if the address cannot be listened on.
    pub async fn start(address: SocketAddr, status: WorkerStatus) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(accept(listener, status));
        Ok(Self { address, accepting })
    }

    /// Returns the address that the server listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HealthServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, status: WorkerStatus) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let status = status.clone();
                tokio::spawn(async move {
                    let _permit = permit;
                    // A client that is slow or goes away is its own affair.
                    let _ = timeout(LONGEST_CONNECTION, serve(stream, status)).await;
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn serve(stream: TcpStream, status: WorkerStatus) {
    let service = service_fn(move |request| {
        let answer = answer(&request, &status);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

fn answer(request: &Request<Incoming>, status: &WorkerStatus) -> Response<String> {
    let (code, text) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz") => match status.problem() {
            None => (StatusCode::OK, "ok\n".to_owned()),
            Some(problem) => (StatusCode::SERVICE_UNAVAILABLE, problem + "\n"),
        },
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, status.exposition()),
        _ => (StatusCode::NOT_FOUND, String::new()),
    };
    let mut answer = Response::new(text);
    *answer.status_mut() = code;
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
