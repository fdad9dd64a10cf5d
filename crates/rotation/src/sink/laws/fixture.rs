//! The access that the laws need to the place of a sink.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;

use crate::sink::SecretSink;

/// The place of a sink, as the laws, a consumer and a person see it.
#[async_trait]
pub trait SinkFixture: Debug + Send + Sync {
    /// Creates a sink of the place, as another process does. One that `adopts` may replace a secret
    /// that somebody else wrote.
    fn sink(&self, adopts: bool) -> Arc<dyn SecretSink>;

    /// Sets the secret as a person does, who leaves the stamp as it is.
    async fn set(&self, secret: &str);

    /// Returns the secret as a consumer reads it.
    async fn secret(&self) -> Option<String>;

    /// Returns everything that the place holds beside the secret and its stamp, in any form.
    async fn surroundings(&self) -> String {
        String::new()
    }

    /// Creates a sink whose next write goes wrong, if the fixture can cause that.
    fn faulty(&self, fault: SinkFault) -> Option<Arc<dyn SecretSink>> {
        let _ = fault;
        None
    }

    /// Lets a write arrive that is [late](SinkFault::Late).
    async fn let_arrive(&self) {}
}

/// A fault of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SinkFault {
    /// The write does not arrive, and the sink cannot know.
    RequestLost,
    /// The write arrives and its answer is lost.
    AnswerLost,
    /// The write fails, and arrives when the fixture [lets](SinkFixture::let_arrive) it.
    Late,
}
