//! A network of delays, with TLS, in front of a simulated platform.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{HandshakeKind, ServerConfig};

use crate::slow_start::SlowStart;

/// A server far away: each byte takes half a round trip, connections begin with TCP's handshake and
/// a small congestion window, and everything is encrypted.
#[derive(Debug)]
pub struct Distance {
    address: SocketAddr,
    authority: PathBuf,
    counters: Arc<Counters>,
}

/// The traffic of a network since it was last asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Traffic {
    /// The number of connections.
    pub connections: u64,
    /// The number of full TLS handshakes, without those that resumed a session.
    pub handshakes: u64,
    /// The bytes to the server, encrypted.
    pub sent: u64,
    /// The bytes from the server, encrypted.
    pub received: u64,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    handshakes: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Distance {
    /// Puts a server this many round trips away. The certificate of its private authority is
    /// written into a directory.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no free port, or if the certificate cannot be made or written.
    pub async fn start(
        server: SocketAddr,
        round_trip: Duration,
        directory: &Path,
    ) -> Result<Self, Box<dyn Error>> {
        let authority = directory.join("authority.pem");
        let acceptor = acceptor(&authority)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let connection = Connection {
            server,
            one_way: round_trip / 2,
            acceptor,
            counters: counters.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection.clone().serve(client));
            }
        });
        Ok(Self {
            address,
            authority,
            counters,
        })
    }

    /// Returns the address of the server for clients.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// Returns the file with the certificate of the server's authority.
    #[must_use]
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// Returns what went over the network since the last call.
    #[allow(clippy::must_use_candidate, reason = "a call begins the count anew")]
    pub fn take_traffic(&self) -> Traffic {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Traffic {
            connections: take(&self.counters.connections),
            handshakes: take(&self.counters.handshakes),
            sent: take(&self.counters.sent),
            received: take(&self.counters.received),
        }
    }
}

/// The parts that all connections of a server share.
#[derive(Clone)]
struct Connection {
    server: SocketAddr,
    one_way: Duration,
    acceptor: TlsAcceptor,
    counters: Arc<Counters>,
}

impl Connection {
    async fn serve(self, client: TcpStream) -> io::Result<()> {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        client.set_nodelay(true)?;
        // On loopback, the client is connected at once: its first bytes wait for the handshake.
        let connected = Instant::now() + 2 * self.one_way;
        let (from_client, to_client) = client.into_split();
        let (near, far) = tokio::io::duplex(1 << 16);
        let (from_server, to_server) = tokio::io::split(near);
        let one_way = self.one_way;
        let there = move |ready: Instant, bytes: &[u8]| {
            vec![(ready.max(connected) + one_way, bytes.to_vec())]
        };
        let mut sender = SlowStart::new(one_way);
        let back = move |ready, bytes: &[u8]| sender.send(ready, bytes);
        let counters = self.counters.clone();
        tokio::spawn(deliver(from_client, to_server, there, move |bytes| {
            counters.sent.fetch_add(bytes, Ordering::Relaxed);
        }));
        let counters = self.counters.clone();
        tokio::spawn(deliver(from_server, to_client, back, move |bytes| {
            counters.received.fetch_add(bytes, Ordering::Relaxed);
        }));
        let mut encrypted = self.acceptor.accept(far).await?;
        if encrypted.get_ref().1.handshake_kind() == Some(HandshakeKind::Full) {
            self.counters.handshakes.fetch_add(1, Ordering::Relaxed);
        }
        let mut server = TcpStream::connect(self.server).await?;
        server.set_nodelay(true)?;
        copy_bidirectional(&mut encrypted, &mut server).await?;
        Ok(())
    }
}

/// Delivers bytes at the times that `arrivals` says for the time at which they were ready.
async fn deliver(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin + Send + 'static,
    mut arrivals: impl FnMut(Instant, &[u8]) -> Vec<(Instant, Vec<u8>)>,
    count: impl Fn(u64),
) -> io::Result<()> {
    let (queue, mut queued) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let delivery = tokio::spawn(async move {
        while let Some((at, bytes)) = queued.recv().await {
            tokio::time::sleep_until(at.into()).await;
            to.write_all(&bytes).await?;
        }
        to.shutdown().await
    });
    let mut buffer = vec![0; 1 << 16];
    let mut last = Instant::now();
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        count(length as u64);
        for arrival in arrivals(Instant::now(), &buffer[..length]) {
            last = arrival.0;
            if queue.send(arrival).is_err() {
                return Ok(());
            }
        }
    }
    // The end arrives after the bytes.
    let _ = queue.send((last, Vec::new()));
    drop(queue);
    delivery.await.map_err(io::Error::other)?
}

/// Returns an acceptor with a certificate of a new authority, and writes that of the authority.
fn acceptor(authority: &Path) -> Result<TlsAcceptor, Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::new())?;
    // A distinct name, or OpenSSL takes the certificates it issues for self-signed ones.
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "a private CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(authority, params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    params.use_authority_key_identifier_extension = true;
    let certificate = params.signed_by(&key, &issuer)?;
    let key = PrivateKeyDer::try_from(key.serialize_der())?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_is_counted_with_its_bytes() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut socket, _) = server.accept().await.unwrap();
            let mut request = [0; 4];
            socket.read_exact(&mut request).await.unwrap();
            socket.write_all(&[b'x'; 100_000]).await.unwrap();
        });
        let directory = std::env::temp_dir().join(format!("distance-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let round_trip = Duration::from_millis(20);
        let distance = Distance::start(address, round_trip, &directory)
            .await
            .unwrap();
        let pem = std::fs::read(distance.authority()).unwrap();
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .build()
            .unwrap();
        let started = Instant::now();
        // The answer is not HTTP, but it went all the way.
        assert!(client.get(distance.url()).send().await.is_err());
        assert!(started.elapsed() >= 3 * round_trip);
        let traffic = distance.take_traffic();
        assert_eq!((traffic.connections, traffic.handshakes), (1, 1));
        assert!(
            traffic.sent > 300 && traffic.received > 1_000,
            "{traffic:?}"
        );
        assert_eq!(distance.take_traffic().connections, 0);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
