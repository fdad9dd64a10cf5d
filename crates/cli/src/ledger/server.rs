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
    use std::fs::File;
    use std::io::{self, Read};
    use std::path::Path;

    use tokenfleet::{Error, Result};
    use tokenfleet_ledger::PostgresLedger;

    use super::Server;

    impl Server {
        /// Opens the ledger, and creates its tables if they do not exist.
        pub(in crate::ledger) async fn open(&self) -> Result<PostgresLedger> {
            let mut builder = PostgresLedger::builder();
            for path in &self.authorities {
                builder = builder.with_authorities(read_bounded(path)?);
            }
            if self.has_exclusive_authorities {
                builder = builder.with_exclusive_authorities();
            }
            let url = self.url.secret().await?;
            builder.open(&url).await
        }
    }

    /// Reads a file of certificates.
    fn read_bounded(path: &Path) -> Result<Vec<u8>> {
        read(path).map_err(|error| {
            let name = path.display();
            let message = format!("the file {name} of ledger.authorities cannot be read");
            Error::configuration(message)
                .with_source(error)
                .with_advice("name PEM files that exist")
        })
    }

    fn read(path: &Path) -> io::Result<Vec<u8>> {
        const MAX_FILE_SIZE: u64 = 16 << 20;

        let mut content = Vec::new();
        let file = File::open(path)?;
        file.take(MAX_FILE_SIZE + 1).read_to_end(&mut content)?;
        if content.len() as u64 > MAX_FILE_SIZE {
            let message = format!("it is larger than {} MiB", MAX_FILE_SIZE >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(content)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_file_of_authorities_that_is_too_large_is_refused_and_not_cut() {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("authorities.pem");
            let file = File::create(&path).unwrap();
            file.set_len(16 << 20).unwrap();
            assert_eq!(read_bounded(&path).unwrap().len(), 16 << 20);
            file.set_len((16 << 20) + 1).unwrap();
            let error = read_bounded(&path).unwrap_err().to_string();
            assert!(error.contains("authorities.pem"), "{error}");
        }
    }
}
