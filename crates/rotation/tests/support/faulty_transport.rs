//! A transport that loses or delays the next write.

use std::sync::{Arc, Mutex};

use tokenfleet_http::{Body, Bytes, Transport, TransportError, async_trait, http};
use tokenfleet_rotation::sink::laws::SinkFault;

/// A transport that loses or delays the next write, which is any request but a GET.
#[derive(Debug, Clone)]
pub(crate) struct FaultyTransport {
    inner: Arc<dyn Transport>,
    fault: Arc<Mutex<Option<SinkFault>>>,
    late: Arc<Mutex<Vec<http::Request<Bytes>>>>,
}

impl FaultyTransport {
    pub(crate) fn new(inner: Arc<dyn Transport>) -> Self {
        Self {
            inner,
            fault: Arc::default(),
            late: Arc::default(),
        }
    }

    /// Returns a transport to the same server with a fault.
    pub(crate) fn with_fault(&self, fault: SinkFault) -> Self {
        Self {
            fault: Arc::new(Mutex::new(Some(fault))),
            ..self.clone()
        }
    }

    /// Sends the requests that are late.
    pub(crate) async fn let_arrive(&self) {
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        for request in late {
            let _ = self.inner.send(request).await;
        }
    }
}

#[async_trait]
impl Transport for FaultyTransport {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Body>, TransportError> {
        let is_write = request.method() != http::Method::GET;
        let fault = (self.fault.lock().unwrap()).take_if(|_| is_write);
        match fault {
            None => return self.inner.send(request).await,
            Some(SinkFault::AnswerLost) => {
                self.inner.send(request).await?;
            }
            Some(SinkFault::Late) => self.late.lock().unwrap().push(request),
            Some(_) => {}
        }
        Err(TransportError::maybe_sent("connection lost"))
    }
}
