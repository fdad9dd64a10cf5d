//! Host names and their addresses, which the clients of a transport look up once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;

/// The time for which the addresses of a name are kept: that of a command, but not of a service.
const MAX_AGE: Duration = Duration::from_secs(30);

/// A resolver that asks the operating system for each name once, however many connections are
/// opened to it at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Arc<Mutex<HashMap<String, Known>>>);

#[derive(Debug, Clone)]
struct Known {
    since: Instant,
    /// Empty until the first lookup succeeds.
    addresses: Arc<OnceCell<Vec<SocketAddr>>>,
}

impl Names {
    /// Returns the entry of a name that is young enough, and forgets those that are not.
    fn known(&self, name: &str) -> Known {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        names.retain(|_, known| known.since.elapsed() < MAX_AGE);
        let known = names.entry(name.to_owned()).or_insert_with(|| Known {
            since: Instant::now(),
            addresses: Arc::default(),
        });
        known.clone()
    }

    /// Forgets the addresses of a name, at none of which a connection could be opened.
    pub(crate) fn forget(&self, name: &str) {
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names
            .get(name)
            .is_some_and(|known| known.addresses.initialized())
        {
            names.remove(name);
        }
    }

    /// Returns the addresses of a name, from `lookup` unless they are known.
    async fn addresses<L>(
        &self,
        name: &str,
        lookup: impl FnOnce() -> L,
    ) -> std::io::Result<Vec<SocketAddr>>
    where
        L: Future<Output = std::io::Result<Vec<SocketAddr>>>,
    {
        let known = self.known(name);
        known.addresses.get_or_try_init(lookup).await.cloned()
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            // The port is set by whoever connects.
            let lookup = async || Ok(tokio::net::lookup_host((name, 0)).await?.collect());
            let addresses = names.addresses(name, lookup).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{ReqwestTransport, Transport};

    #[tokio::test]
    async fn addresses_that_cannot_be_connected_to_are_forgotten() {
        let transport = ReqwestTransport::new().unwrap();
        let asked = AtomicUsize::new(0);
        let ask = || {
            transport.names.addresses("a.invalid", async || {
                asked.fetch_add(1, Ordering::Relaxed);
                Ok(vec![SocketAddr::from(([127, 0, 0, 1], 0))])
            })
        };
        ask().await.unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut request = http::Request::default();
        *request.uri_mut() = format!("http://a.invalid:{port}/").parse().unwrap();
        transport.send(request).await.unwrap_err();
        ask().await.unwrap();
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_name_is_looked_up_once_and_again_after_a_failure() {
        let names = Names::default();
        let lookups = AtomicUsize::new(0);
        let address = SocketAddr::from(([192, 0, 2, 1], 0));
        let ask = |name: &'static str| {
            names.addresses(name, async || {
                let number = lookups.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if number == 0 {
                    return Err(std::io::Error::other("no answer"));
                }
                Ok(vec![address])
            })
        };
        assert!(ask("a.example").await.is_err());
        let (first, second) = tokio::join!(ask("a.example"), ask("a.example"));
        assert_eq!(first.unwrap(), [address]);
        assert_eq!(second.unwrap(), [address]);
        ask("a.example").await.unwrap();
        assert_eq!(lookups.load(Ordering::Relaxed), 2);
        ask("b.example").await.unwrap();
        assert_eq!(lookups.load(Ordering::Relaxed), 3);
    }
}
