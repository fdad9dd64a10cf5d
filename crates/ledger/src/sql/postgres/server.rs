//! A server: where it is, and how a connection to it is made.

use std::fmt;
use std::future::poll_fn;
use std::time::Duration;

use tokenfleet_core::{Result, Secret};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};
use tokio_postgres_rustls_improved::MakeRustlsConnect;

use super::failure::{Failure, describe};
use super::place::Place;
use super::tls::{Trust, connector};

/// The settings of each connection. A commit that is acknowledged survives a crash of the server.
const SETTINGS: &str = "
set search_path = tokenfleet;
set synchronous_commit = on;
set lock_timeout = '30s';
set idle_in_transaction_session_timeout = '60s';
set client_min_messages = warning;
";

/// A server of Postgres, and the limits of time that it gets.
pub(super) struct Server {
    config: Config,
    /// `None` if it is spoken to in clear.
    tls: Option<MakeRustlsConnect>,
    connect_timeout: Duration,
    statement_timeout: Duration,
}

/// Without the URL, which may hold a password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    pub(super) fn new(url: &Secret, trust: &Trust, statement_timeout: Duration) -> Result<Self> {
        let place = Place::parse(url)?;
        let tls = place.needs_tls.then(|| connector(trust)).transpose()?;
        Ok(Self {
            config: place.config,
            tls,
            connect_timeout: place.connect_timeout,
            statement_timeout,
        })
    }

    /// Connects, within a limit that also holds for the handshake and the login.
    pub(super) async fn connect(&self) -> Result<Client> {
        self.connect_hearing(|| {}).await
    }

    /// Connects like [`connect`](Self::connect), and calls `hear` for each notification.
    pub(super) async fn connect_hearing(
        &self,
        hear: impl FnMut() + Send + 'static,
    ) -> Result<Client> {
        let connected = match &self.tls {
            None => timeout(self.connect_timeout, self.connect_with(NoTls, hear)).await,
            Some(tls) => {
                let connecting = self.connect_with(tls.clone(), hear);
                timeout(self.connect_timeout, connecting).await
            }
        };
        match connected {
            Ok(connected) => connected.map_err(|error| describe(error.into())),
            Err(_) => Err(describe(Failure::Late)),
        }
    }

    async fn connect_with<T>(
        &self,
        tls: T,
        mut hear: impl FnMut() + Send + 'static,
    ) -> std::result::Result<Client, tokio_postgres::Error>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
    {
        let (client, mut connection) = self.config.connect(tls).await?;
        // It ends with the client, and hands its error to the call that waits.
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(_) = message {
                    hear();
                }
            }
        });
        let milliseconds = self
            .statement_timeout
            .as_millis()
            .clamp(1, i32::MAX as u128);
        let settings = format!("{SETTINGS} set statement_timeout = {milliseconds};");
        client.batch_execute(&settings).await?;
        Ok(client)
    }

    /// Returns how long an answer is waited for: longer than the server needs to give up.
    pub(super) fn patience(&self) -> Duration {
        self.statement_timeout
            .saturating_add(self.statement_timeout / 4)
    }
}
