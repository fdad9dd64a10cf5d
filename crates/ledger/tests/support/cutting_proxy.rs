//! A proxy before a server that cuts connections: one at a chosen request, or all at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;

/// The side of a request on which the connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The server does not get the request.
    Before,
    /// The server gets the request and answers, and the client does not get the answer.
    After,
}

/// The request at which the connection is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Point {
    /// The request of a number, counted over all connections from 0.
    Number(usize),
    /// The requests that contain a text.
    Containing(&'static str),
}

/// A cut of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) point: Point,
    pub(crate) side: Side,
}

/// A proxy on a loopback port before a Unix socket. A request is what arrives at once.
pub(crate) struct CuttingProxy {
    port: u16,
    traffic: Arc<Traffic>,
}

struct Traffic {
    requests: AtomicUsize,
    cut: Option<Cut>,
    cuts_next: AtomicBool,
    /// The number of times that all connections were cut.
    cuts_of_all: watch::Sender<u64>,
}

impl Traffic {
    /// Counts a request, and returns the side on which the connection is cut.
    fn count(&self, request: &[u8]) -> Option<Side> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        if self.cuts_next.swap(false, Ordering::SeqCst) {
            return Some(Side::Before);
        }
        let cut = self.cut?;
        let is_here = match cut.point {
            Point::Number(wanted) => wanted == number,
            Point::Containing(text) => {
                let mut parts = request.windows(text.len());
                parts.any(|part| part == text.as_bytes())
            }
        };
        is_here.then_some(cut.side)
    }
}

impl CuttingProxy {
    pub(crate) async fn start(socket: PathBuf, cut: Option<Cut>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let traffic = Arc::new(Traffic {
            requests: AtomicUsize::new(0),
            cut,
            cuts_next: AtomicBool::new(false),
            cuts_of_all: watch::Sender::new(0),
        });
        let counter = Arc::clone(&traffic);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // As a server does: otherwise each answer may wait 40 ms for an acknowledgement.
                client.set_nodelay(true).unwrap();
                // While the server is away, the client is.
                if let Ok(server) = UnixStream::connect(&socket).await {
                    tokio::spawn(forward(client, server, Arc::clone(&counter)));
                }
            }
        });
        Self { port, traffic }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts the connection before its next request. The client learns of it only then.
    pub(crate) fn cut_next(&self) {
        self.traffic.cuts_next.store(true, Ordering::SeqCst);
    }

    /// Cuts all connections now, whatever is under way on them.
    pub(crate) fn cut_all(&self) {
        self.traffic.cuts_of_all.send_modify(|cuts| *cuts += 1);
    }
}

async fn forward(mut client: TcpStream, mut server: UnixStream, traffic: Arc<Traffic>) {
    let (mut request, mut answer) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut cuts_of_all = traffic.cuts_of_all.subscribe();
    loop {
        tokio::select! {
            _ = cuts_of_all.changed() => return,
            length = client.read(&mut request) => {
                let Ok(length @ 1..) = length else { return };
                let cut = traffic.count(&request[..length]);
                if cut == Some(Side::Before) {
                    return;
                }
                if server.write_all(&request[..length]).await.is_err() {
                    return;
                }
                if cut.is_some() {
                    let _ = server.read(&mut answer).await;
                    return;
                }
            }
            length = server.read(&mut answer) => {
                let Ok(length @ 1..) = length else { return };
                if client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
