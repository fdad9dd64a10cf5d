//! A connection that can send more than one response to each request.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::faults::Delivery;

/// An informational head, which announces that the response is still to come.
const INFORMATIONAL: &[u8] = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";

/// The number of heads that a flood sends before others get a turn.
const HEADS_PER_TURN: usize = 64;

/// The bytes that a connection sends besides its responses. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Surplus(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// `true` if informational heads take the place of the response.
    floods: bool,
    /// The number of bytes of the current head that a flood has sent.
    flooded: usize,
    /// The bytes of the response in progress, if it is to be sent twice.
    recorded: Option<Vec<u8>>,
    /// The copy of an earlier response, to be sent before the next one.
    left_over: Vec<u8>,
}

impl Surplus {
    /// Plans how the response that begins now is sent. The one before has been sent.
    pub(super) fn plan(&self, delivery: Delivery) {
        let mut state = self.lock();
        if let Some(recorded) = state.recorded.take() {
            state.left_over = recorded;
        }
        match delivery {
            Delivery::Twice => state.recorded = Some(Vec::new()),
            Delivery::Flood => state.floods = true,
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection to a client.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    surplus: Surplus,
}

impl Connection {
    /// Wraps a stream.
    pub(super) fn new(stream: TcpStream, surplus: Surplus) -> Self {
        Self { stream, surplus }
    }

    /// Sends informational heads until the client closes the connection.
    fn flood(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        for _ in 0..HEADS_PER_TURN {
            let mut state = self.surplus.lock();
            let rest = &INFORMATIONAL[state.flooded..];
            let sent = ready!(Pin::new(&mut self.stream).poll_write(context, rest))?;
            state.flooded = (state.flooded + sent) % INFORMATIONAL.len();
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let connection = &mut *self;
        if connection.surplus.lock().floods {
            return connection.flood(context);
        }
        let mut state = connection.surplus.lock();
        let stream = &mut connection.stream;
        while !state.left_over.is_empty() {
            let sent = ready!(Pin::new(&mut *stream).poll_write(context, &state.left_over))?;
            state.left_over.drain(..sent);
        }
        let sent = ready!(Pin::new(stream).poll_write(context, bytes))?;
        if let (Some(recorded), Some(sent)) = (&mut state.recorded, bytes.get(..sent)) {
            recorded.extend_from_slice(sent);
        }
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
