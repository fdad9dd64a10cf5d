//! A response body that arrives whole, in drops, or not to its end.

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

/// The body of an answer on its way.
#[derive(Debug)]
pub(super) struct DeliveredBody {
    rest: Bytes,
    breaks: Option<Break>,
    trickle: Option<Trickle>,
}

/// How long the last bytes before a break get to leave: an error discards what is not yet sent.
const FLUSH: Duration = Duration::from_millis(20);

#[derive(Debug)]
enum Break {
    After(usize),
    Now(Pin<Box<Sleep>>),
}

#[derive(Debug)]
struct Trickle {
    bytes: usize,
    every: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl DeliveredBody {
    pub(super) fn whole(rest: Bytes) -> Self {
        Self {
            rest,
            breaks: None,
            trickle: None,
        }
    }

    pub(super) fn deliver(mut response: Response<Bytes>, delivery: Delivery) -> Response<Self> {
        if matches!(delivery, Delivery::Whole) {
            return response.map(Self::whole);
        }
        // The length is announced in full, so that the client notices what is missing.
        let length = response.body().len();
        response
            .headers_mut()
            .entry(header::CONTENT_LENGTH)
            .or_insert(length.into());
        response.map(|rest| match delivery {
            Delivery::Whole => Self::whole(rest),
            Delivery::Cut(bytes) => Self {
                breaks: (bytes < length).then_some(Break::After(bytes)),
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
        match &mut self.breaks {
            None => {}
            Some(Break::Now(flushed)) => {
                let broken = Some(Err(io::ErrorKind::ConnectionAborted.into()));
                return flushed.as_mut().poll(context).map(|()| broken);
            }
            Some(Break::After(bytes)) => {
                let bytes = *bytes;
                self.breaks = Some(Break::Now(Box::pin(tokio::time::sleep(FLUSH))));
                let piece = self.rest.split_to(bytes);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len();
        let piece = match &mut self.trickle {
            None => length,
            Some(trickle) => {
                if trickle.sleep.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                trickle.sleep = Box::pin(tokio::time::sleep(trickle.every));
                trickle.bytes.min(length)
            }
        };
        let piece = self.rest.split_to(piece);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.breaks.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
