//! A ledger on a server: where its URL is, and which authorities may vouch for the server.

use std::path::PathBuf;

use tokenfleet::Credential;

/// A Postgres database that holds the ledger. Its URL is read when it is needed.
#[derive(Debug, Clone)]
#[cfg_attr(
    not(feature = "postgres"),
    expect(
        dead_code,
        reason = "without it, a server is only told apart from a file"
    )
)]
pub(crate) struct Server {
    pub(super) url: Credential,
    /// The files of CA certificates, in PEM.
    pub(super) authorities: Vec<PathBuf>,
    /// `true` if the authorities of the system are not trusted.
    pub(super) has_exclusive_authorities: bool,
}

#[cfg(feature = "postgres")]
mod opening {
    use std::io::Read;
    use std::path::Path;
    use std::sync::Arc;

    use tokenfleet::{Error, Result};
    use tokenfleet_ledger::{Ledger, PostgresLedger};

    use super::Server;

    impl Server {
        /// Opens the ledger, and creates its tables if they do not exist.
        pub(in crate::ledger) async fn open(&self) -> Result<Arc<dyn Ledger>> {
            let mut builder = PostgresLedger::builder();
            for path in &self.authorities {
                builder = builder.with_authorities(read_bounded(path)?);
            }
            if self.has_exclusive_authorities {
                builder = builder.with_exclusive_authorities();
            }
            let url = self.url.secret().await?;
            Ok(Arc::new(builder.open(&url).await?))
        }
    }

    /// Reads a file of certificates of at most 16 MiB.
    fn read_bounded(path: &Path) -> Result<Vec<u8>> {
        const MAX_FILE_SIZE: u64 = 16 << 20;

        let mut content = Vec::new();
        let file = std::fs::File::open(path);
        let read = file.and_then(|file| file.take(MAX_FILE_SIZE).read_to_end(&mut content));
        match read {
            Ok(_) => Ok(content),
            Err(error) => Err(
                Error::configuration("a file of ledger.authorities cannot be read")
                    .with_source(error)
                    .with_advice("name PEM files that exist"),
            ),
        }
    }
}
