//! The HTTP clients of the transport over reqwest, and how many connections they keep open.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokenfleet_core::Result;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::TransportError;

/// The connections to a host that are kept between two pages: as many as an account uses at once.
const MAX_IDLE_CONNECTIONS: usize = 16;
/// The most connections of a transport, unless the process may open fewer files.
const MAX_CONNECTIONS: usize = 1024;

/// The clients of one transport: one for each host, so that the connections to a host can be closed
/// before others are opened, and one that keeps no connection (decision 0017).
pub(crate) struct Clients {
    /// Builds a client that keeps at most so many connections for each host.
    build: Box<dyn Fn(usize) -> Result<reqwest::Client> + Send + Sync>,
    max_connections: usize,
    /// The connections that are not in use. Requests get them in the order in which they asked.
    free: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The client that was built to find out that one can be built.
    spare: Option<reqwest::Client>,
    unpooled: Option<reqwest::Client>,
    hosts: HashMap<Arc<str>, Host>,
    /// An upper bound of the open connections: those of all hosts, and those that are not kept.
    connections: usize,
    leases: u64,
}

struct Host {
    client: reqwest::Client,
    in_flight: usize,
    /// The most requests that were in flight at a time.
    connections: usize,
    last_lease: u64,
}

/// A client for one request, until its response was read.
pub(crate) struct Lease {
    clients: Arc<Clients>,
    pub(crate) client: reqwest::Client,
    /// The host whose connections are kept.
    host: Option<Arc<str>>,
    /// Released last, when the state no longer counts the request.
    _permit: OwnedSemaphorePermit,
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

impl Clients {
    /// Creates the clients of a transport, of which the first is built to find out that it can be.
    pub(crate) fn new(
        build: impl Fn(usize) -> Result<reqwest::Client> + Send + Sync + 'static,
    ) -> Result<Self> {
        let spare = Some(build(MAX_IDLE_CONNECTIONS)?);
        let max_connections = max_connections();
        Ok(Self {
            build: Box::new(build),
            max_connections,
            free: Arc::new(Semaphore::new(max_connections)),
            state: Mutex::new(State {
                spare,
                ..State::default()
            }),
        })
    }

    /// Waits until another connection may be in use, and returns the client for a request: that of
    /// the host, or the one that keeps no connection.
    pub(crate) async fn lease(
        self: &Arc<Self>,
        host: Option<&str>,
    ) -> Result<Lease, TransportError> {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit
            .map_err(|closed| TransportError::not_sent("no connection").with_source(closed))?;
        let mut state = self.lock();
        let (client, host) = match host {
            Some(host) => self.client_for_host(&mut state, host)?,
            None => {
                let client = match state.unpooled.take() {
                    Some(client) => client,
                    None => self.build_client(0)?,
                };
                state.unpooled = Some(client.clone());
                state.connections += 1;
                (client, None)
            }
        };
        state.close_idle_hosts(self.max_connections);
        drop(state);
        let clients = Arc::clone(self);
        Ok(Lease {
            clients,
            client,
            host,
            _permit: permit,
        })
    }

    fn client_for_host(
        &self,
        state: &mut State,
        host: &str,
    ) -> Result<(reqwest::Client, Option<Arc<str>>), TransportError> {
        let name = match state.hosts.get_key_value(host) {
            Some((name, _)) => Arc::clone(name),
            None => {
                let client = match state.spare.take() {
                    Some(client) => client,
                    None => self.build_client(MAX_IDLE_CONNECTIONS)?,
                };
                let new = Host {
                    client,
                    in_flight: 0,
                    connections: 0,
                    last_lease: 0,
                };
                let name = Arc::from(host);
                state.hosts.insert(Arc::clone(&name), new);
                name
            }
        };
        let State {
            hosts,
            leases,
            connections,
            ..
        } = state;
        *leases += 1;
        let host = hosts.get_mut(&name).map(|host| {
            host.last_lease = *leases;
            host.in_flight += 1;
            if host.in_flight > host.connections {
                host.connections += 1;
                *connections += 1;
            }
            host.client.clone()
        });
        let missing = || TransportError::not_sent("the client of the host is missing");
        Ok((host.ok_or_else(missing)?, Some(name)))
    }

    fn build_client(&self, idle: usize) -> Result<reqwest::Client, TransportError> {
        (self.build)(idle).map_err(|error| {
            let message = "the HTTP client cannot be set up";
            TransportError::not_sent(message).with_source(error)
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Closes the connections of the hosts that were not used for longest until at most `max` are
    /// left open. They close when their client is dropped.
    fn close_idle_hosts(&mut self, max: usize) {
        while self.connections > max {
            let idle = self.hosts.iter().filter(|(_, host)| host.in_flight == 0);
            let Some((name, _)) = idle.min_by_key(|(_, host)| host.last_lease) else {
                break;
            };
            let name = Arc::clone(name);
            if let Some(host) = self.hosts.remove(&name) {
                self.connections -= host.connections;
            }
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.clients.lock();
        match &self.host {
            None => state.connections -= 1,
            Some(name) => {
                if let Some(host) = state.hosts.get_mut(name) {
                    host.in_flight -= 1;
                }
            }
        }
    }
}

/// Returns the most connections that a transport opens: half of the files that the process may
/// open, because connecting and looking up names opens some as well, and so does the application.
fn max_connections() -> usize {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
            return (limit / 2).clamp(1, MAX_CONNECTIONS);
        }
    }
    MAX_CONNECTIONS
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use bytes::Bytes;
    use tokenfleet_core::{Account, ErrorKind, Fate, Operation};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    use super::*;
    use crate::reqwest_builder::IDLE_TIMEOUT;
    use crate::response::read_body;
    use crate::{
        ApiClient, ApiRequest, BaseUrl, ErrorBody, ReqwestTransport, RetryPolicy, Transport,
    };

    fn clients(max_connections: usize) -> Arc<Clients> {
        let transport = ReqwestTransport::new().unwrap();
        let mut clients = Arc::into_inner(transport.clients).unwrap();
        clients.max_connections = max_connections;
        clients.free = Arc::new(Semaphore::new(max_connections));
        Arc::new(clients)
    }

    #[tokio::test]
    async fn the_hosts_that_were_not_used_for_longest_are_closed_and_none_in_use() {
        let clients = clients(3);
        let in_use = clients.lease(Some("a")).await.unwrap();
        for host in ["b", "c", "b", "d"] {
            clients.lease(Some(host)).await.unwrap();
        }
        let mut open: Vec<_> = clients.lock().hosts.keys().cloned().collect();
        open.sort_unstable();
        assert_eq!(
            open.iter().map(|name| &**name).collect::<Vec<_>>(),
            ["a", "b", "d"]
        );
        assert_eq!(clients.lock().connections, 3);
        drop(in_use);
        assert_eq!(clients.free.available_permits(), 3);
    }

    #[tokio::test]
    async fn requests_beyond_the_limit_wait_in_order_and_a_cancelled_one_leaves_the_queue() {
        let clients = clients(2);
        let first = clients.lease(Some("a")).await.unwrap();
        let second = clients.lease(None).await.unwrap();
        let mut third = pin!(clients.lease(Some("b")));
        let mut cancelled = Box::pin(clients.lease(Some("c")));
        let mut fifth = pin!(clients.lease(None));
        for waiting in [third.as_mut(), cancelled.as_mut(), fifth.as_mut()] {
            assert!(timeout(Duration::ZERO, waiting).await.is_err());
        }
        drop(first);
        drop(cancelled);
        assert!(timeout(Duration::ZERO, fifth.as_mut()).await.is_err());
        let third = third.await.unwrap();
        assert!(!clients.lock().hosts.contains_key("a"));
        drop(second);
        let fifth = fifth.await.unwrap();
        drop((third, fifth));
        assert_eq!(clients.free.available_permits(), 2);
    }

    /// Returns a client over a transport that opens one connection at a time, its transport, and
    /// the number of requests that its server answered.
    async fn one_at_a_time() -> (ApiClient, ReqwestTransport, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&answered);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.read_buf(&mut Vec::new()).await;
                count.fetch_add(1, Ordering::Relaxed);
                let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                let _ = socket.write_all(ok).await;
            }
        });
        let mut transport = ReqwestTransport::new().unwrap();
        transport.clients = clients(1);
        let base_url = BaseUrl::parse_allowing_plain_http(&base).unwrap();
        let account = Account::new("test", "main");
        let client = ApiClient::new(account, base_url, Arc::new(transport.clone()), |_, _, _| {
            ErrorBody::default()
        });
        (client, transport, answered)
    }

    #[tokio::test]
    async fn a_request_waits_for_a_connection_longer_than_an_attempt_takes_and_is_sent_once() {
        let (client, transport, answered) = one_at_a_time().await;
        let policy = RetryPolicy::no_retries().with_attempt_timeout(Duration::from_millis(400));
        let client = client.with_retry(policy);
        let taken = transport.clients.lease(None).await.unwrap();
        let create = client.send(ApiRequest::post(Operation::Create, ["tokens"]));
        let release = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(taken);
        };
        let (created, ()) = tokio::join!(create, release);
        assert_eq!(created.unwrap().attempts(), 1);
        assert_eq!(answered.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_request_that_waited_for_a_connection_until_its_deadline_was_not_sent() {
        let (client, transport, answered) = one_at_a_time().await;
        let client = client.with_retry(
            RetryPolicy::default()
                .with_attempt_timeout(Duration::from_millis(50))
                .with_total_timeout(Duration::from_millis(300)),
        );
        let taken = transport.clients.lease(None).await.unwrap();
        let create = ApiRequest::post(Operation::Create, ["tokens"]);
        let error = client.send(create).await.unwrap_err();
        let found = (error.kind(), error.fate(), error.attempts());
        assert_eq!(found, (ErrorKind::Timeout, Fate::NotSent, 1), "{error}");
        assert_eq!(answered.load(Ordering::Relaxed), 0);
        drop(taken);
        assert_eq!(transport.clients.free.available_permits(), 1);
    }

    /// Starts a server that answers when this many requests have arrived, and returns its address
    /// and the number of connections that it has accepted.
    async fn answering_together(requests: usize) -> (String, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let all_are_there = Arc::new(tokio::sync::Barrier::new(requests));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                let all_are_there = Arc::clone(&all_are_there);
                tokio::spawn(async move {
                    while socket
                        .read_buf(&mut Vec::new())
                        .await
                        .is_ok_and(|read| read > 0)
                    {
                        all_are_there.wait().await;
                        let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
                        let _ = socket.write_all(ok).await;
                    }
                });
            }
        });
        (url, accepted)
    }

    /// A number of the table in SECURITY.md.
    #[tokio::test]
    async fn sixteen_connections_to_a_host_are_kept_when_nothing_is_sent() {
        let (url, accepted) = answering_together(20).await;
        let transport = ReqwestTransport::new().unwrap();
        for expected in [20, 20 + 4] {
            let mut requests = tokio::task::JoinSet::new();
            for _ in 0..20 {
                let (transport, url) = (transport.clone(), url.clone());
                requests.spawn(async move { read(&transport, &url).await });
            }
            while let Some(done) = requests.join_next().await {
                done.unwrap();
            }
            assert_eq!(accepted.load(Ordering::Relaxed), expected);
            // A connection is put back by a task of its own.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn read(transport: &ReqwestTransport, url: &str) {
        let request = http::Request::get(url).body(Bytes::new()).unwrap();
        let response = transport.send(request).await.unwrap();
        let body = read_body(response.into_body(), None, 16).await;
        assert!(body.unwrap().complete);
    }

    /// The other number of that line, in a short form: a second instead of 20 s.
    #[tokio::test]
    async fn a_connection_that_was_idle_for_too_long_is_not_used_again() {
        assert_eq!(IDLE_TIMEOUT, Duration::from_secs(20));
        let (url, accepted) = answering_together(1).await;
        let mut builder = ReqwestTransport::builder();
        builder.idle_timeout = Some(Duration::from_secs(1));
        let transport = builder.build().unwrap();
        for (pause, connections) in [(0, 1), (0, 1), (1500, 2)] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            read(&transport, &url).await;
            assert_eq!(accepted.load(Ordering::Relaxed), connections, "{pause}");
        }
    }

    #[tokio::test]
    async fn a_client_is_built_once_for_each_host_and_without_a_pool_when_it_is_needed() {
        let clients = clients(16);
        assert!(clients.lock().unpooled.is_none());
        for _ in 0..2 {
            for host in ["a", "b"] {
                clients.lease(Some(host)).await.unwrap();
            }
        }
        assert_eq!(clients.lock().hosts.len(), 2);
        assert!(clients.lock().unpooled.is_none());
        clients.lease(None).await.unwrap();
        assert!(clients.lock().unpooled.is_some());
        assert_eq!(clients.lock().connections, 2);
    }
}
