//! Response bodies that are sent whole, slowly, or only in part.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, header};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::faults::Delivery;

/// A response body that is being sent.
#[derive(Debug)]
pub(super) struct DeliveredBody {
    rest: Bytes,
    cut: Option<Cut>,
    trickle: Option<Trickle>,
}

/// The time for the last bytes before a cut to be sent; an error discards unsent bytes.
const FLUSH_TIME: Duration = Duration::from_millis(20);

/// The point at which the connection is closed.
#[derive(Debug)]
enum Cut {
    /// Closes it after this many more bytes.
    After(usize),
    /// Closes it once the bytes had time to be sent.
    Flushing(Pin<Box<Sleep>>),
}

/// The pace of a body that is sent in small chunks.
#[derive(Debug)]
struct Trickle {
    bytes: usize,
    every: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl DeliveredBody {
    /// Returns a body that is sent whole.
    pub(super) fn whole(rest: Bytes) -> Self {
        Self {
            rest,
            cut: None,
            trickle: None,
        }
    }

    /// Turns the body of a response into one that is sent as `delivery` requires.
    pub(super) fn deliver(mut response: Response<Bytes>, delivery: Delivery) -> Response<Self> {
        // The connection itself does the rest of the other two.
        if matches!(
            delivery,
            Delivery::Whole | Delivery::Twice | Delivery::Flood
        ) {
            return response.map(Self::whole);
        }
        // Announce the full length, so that the client notices the missing part.
        let length = response.body().len();
        response
            .headers_mut()
            .entry(header::CONTENT_LENGTH)
            .or_insert(length.into());
        response.map(|rest| match delivery {
            Delivery::Whole | Delivery::Twice | Delivery::Flood => Self::whole(rest),
            Delivery::Cut(bytes) => Self {
                cut: (bytes < length).then_some(Cut::After(bytes)),
                ..Self::whole(rest)
            },
            Delivery::Trickle { bytes, every } => Self {
                trickle: Some(Trickle {
                    bytes,
                    every,
                    sleep: Box::pin(tokio::time::sleep(every)),
                }),
                ..Self::whole(rest)
            },
        })
    }
}

impl Body for DeliveredBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut self.cut {
            None => {}
            Some(Cut::Flushing(flushed)) => {
                let aborted = Some(Err(io::ErrorKind::ConnectionAborted.into()));
                return flushed.as_mut().poll(context).map(|()| aborted);
            }
            Some(Cut::After(bytes)) => {
                let bytes = *bytes;
                self.cut = Some(Cut::Flushing(Box::pin(tokio::time::sleep(FLUSH_TIME))));
                let chunk = self.rest.split_to(bytes);
                return Poll::Ready(Some(Ok(Frame::data(chunk))));
            }
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len();
        let chunk = match &mut self.trickle {
            None => length,
            Some(trickle) => {
                if trickle.sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                trickle.sleep = Box::pin(tokio::time::sleep(trickle.every));
                trickle.bytes.min(length)
            }
        };
        let chunk = self.rest.split_to(chunk);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.cut.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
