//! A simulator as an HTTP server on a port.

mod connection;
mod delivery;

use std::{io, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::watch,
    task::JoinHandle,
};

use self::{
    connection::{Connection, Surplus},
    delivery::DeliveredBody,
};
use crate::{CONTROL_PATH, Peer, Simulator, control::control, dispatch::exchange, response};

/// The largest accepted request body, more than any client of these platforms sends.
const MAX_REQUEST_BODY: usize = 64 * 1024 * 1024;

/// The reason why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is not loopback; [`Server::start_on_any_address`] accepts it.
    #[error("{0} is not a loopback address, and a simulator does not protect its secrets")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("cannot listen")]
    Io(#[from] io::Error),
}

/// A simulator that listens on a port, until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    simulator: Arc<dyn Simulator>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Starts a server on a loopback address; port 0 lets the system choose.
    ///
    /// # Errors
    /// Fails if the address is not loopback or cannot be listened on.
    pub async fn start(
        simulator: impl Simulator,
        address: impl ToSocketAddrs,
    ) -> Result<Self, StartError> {
        Self::start_shared(simulator.to_arc(), address).await
    }

    /// Starts a server like [`Self::start`], for a simulator of dynamic type.
    ///
    /// # Errors
    /// Fails like [`Self::start`].
    pub async fn start_shared(
        simulator: Arc<dyn Simulator>,
        address: impl ToSocketAddrs,
    ) -> Result<Self, StartError> {
        for address in tokio::net::lookup_host(&address).await? {
            if !address.ip().is_loopback() {
                return Err(StartError::NotLoopback(address));
            }
        }
        Self::start_on_any_address(simulator, address).await
    }

    /// Starts a server that other machines may reach, which can then read every token on it.
    ///
    /// # Errors
    /// Fails if the address cannot be listened on.
    pub async fn start_on_any_address(
        simulator: Arc<dyn Simulator>,
        address: impl ToSocketAddrs,
    ) -> Result<Self, StartError> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, Arc::clone(&simulator), stopped));
        Ok(Self {
            address,
            simulator,
            stop,
            accepting,
        })
    }

    /// Returns the address that the server listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL for clients, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the URL of the control interface.
    pub fn control_url(&self) -> String {
        format!("{}{CONTROL_PATH}", self.url())
    }

    /// Returns the served simulator.
    pub fn simulator(&self) -> &Arc<dyn Simulator> {
        &self.simulator
    }

    /// Stops listening and closes all connections.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        // The task has nothing to report.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    simulator: Arc<dyn Simulator>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        // A connection that fails to be accepted does not affect the others.
        if let Ok((stream, peer)) = accepted {
            tokio::spawn(serve(stream, peer, Arc::clone(&simulator), stopped.clone()));
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    simulator: Arc<dyn Simulator>,
    mut stopped: watch::Receiver<bool>,
) {
    // Without this, small responses wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    let surplus = Surplus::default();
    let connection = Connection::new(stream, surplus.clone());
    let service = service_fn(|request| {
        let simulator = Arc::clone(&simulator);
        let surplus = surplus.clone();
        async move { respond(&*simulator, request, peer, &surplus).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .title_case_headers(true)
        .serve_connection(TokioIo::new(connection), service);
    tokio::select! {
        // Injected connection faults arrive here as errors.
        _ = connection => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

async fn respond(
    simulator: &dyn Simulator,
    request: Request<Incoming>,
    peer: SocketAddr,
    surplus: &Surplus,
) -> Result<Response<DeliveredBody>, crate::Dropped> {
    let (mut parts, body) = request.into_parts();
    parts.extensions.insert(Peer(peer.ip()));
    let body: Bytes = match Limited::new(body, MAX_REQUEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(response::empty(413).map(DeliveredBody::whole)),
    };
    let request = Request::from_parts(parts, body);
    if let Some(response) = control(simulator, &request) {
        return Ok(response.map(DeliveredBody::whole));
    }
    let (response, delivery) = exchange(simulator, request).await?;
    surplus.plan(delivery);
    Ok(DeliveredBody::deliver(response, delivery))
}
