//! A Postgres that the fleets of one thread have one after the other, each in a database of its
//! own.

use std::time::Duration;

use tokenfleet::Secret;

use crate::RUNTIME;
use crate::cutting_proxy::CuttingProxy;
use crate::postgres_server::PostgresServer;

/// A Postgres with a proxy that can cut the connections to it.
pub(crate) struct Lane {
    server: PostgresServer,
    proxy: CuttingProxy,
}

impl Lane {
    /// Starts a Postgres. Where it is not installed, says so and returns `None`.
    pub(crate) fn start() -> Option<Self> {
        let server = PostgresServer::start()?;
        server.leave_writing_to_the_system();
        let proxy = RUNTIME.block_on(CuttingProxy::start(server.socket(), None));
        Some(Self { server, proxy })
    }

    /// Creates a database.
    pub(crate) fn create(&self, database: &str) {
        self.server
            .carry_out(&format!("create database {database}"));
    }

    /// Removes a database, whoever is connected to it.
    pub(crate) fn remove(&self, database: &str) {
        self.server
            .carry_out(&format!("drop database if exists {database} with (force)"));
    }

    /// Returns the URL of a database behind the proxy.
    pub(crate) fn url(&self, database: &str) -> String {
        let port = self.proxy.port();
        format!("postgres://owner@127.0.0.1:{port}/{database}")
    }

    /// Returns the URL of a database for whoever judges, which is never cut.
    pub(crate) fn direct_url(&self, database: &str) -> Secret {
        let socket = self.server.socket();
        let folder = socket.parent().unwrap().display();
        let port = self.server.port();
        Secret::new(format!(
            "host={folder} port={port} user=owner dbname={database}"
        ))
    }

    /// Ends Postgres, at once or when it has written everything, and starts it again after a while.
    pub(crate) fn restart(&mut self, is_immediate: bool, after: Duration) {
        if is_immediate {
            self.server.kill();
        } else {
            self.server.stop();
        }
        std::thread::sleep(after);
        self.server.start_again();
    }

    pub(crate) fn cut_all(&self) {
        self.proxy.cut_all();
    }

    pub(crate) fn cut_next(&self) {
        self.proxy.cut_next();
    }
}
