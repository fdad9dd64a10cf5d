//! A provider for another platform than the built-in ones: a directory with one file per token.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet::adapter::{Adapter, Page, PageRequest};
use tokenfleet::capability::{ListCapability, RevokeCapability};
use tokenfleet::config::Settings;
use tokenfleet::transport::Transport;
use tokenfleet::*;

/// An adapter for a directory in which each file is a token.
#[derive(Debug)]
pub struct Directory {
    account: Account,
    capabilities: Capabilities,
    path: PathBuf,
}

impl Directory {
    /// Creates the provider of an account from its settings, as a [`Registry`] needs it.
    ///
    /// # Errors
    ///
    /// Fails if the setting `path` is missing or empty.
    pub fn open(account: &str, settings: &mut Settings, _: Arc<dyn Transport>) -> Result<Self> {
        // A relative path starts from the directory of the configuration.
        let path = settings.required_text("path")?;
        let path = std::path::absolute(settings.file_path(path)).map_err(io_error)?;
        Ok(Self {
            // The place, so that a plan for one directory is not carried out in another.
            account: Account::new("directory", account).with_place(&path.display().to_string()),
            capabilities: Capabilities::none()
                .with_list(ListCapability::unpaged())
                .with_get()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted)),
            path,
        })
    }

    /// Returns the path of a token's file. An id must not lead out of the directory.
    fn file(&self, id: &TokenId) -> Result<PathBuf> {
        match Path::new(id.as_str()).file_name() {
            Some(name) if name == id.as_str() => Ok(self.path.join(name)),
            _ => Err(Error::invalid_input("the id is not a file name")),
        }
    }
}

/// Three operations; a call of any other is refused before it gets here.
#[async_trait]
impl Adapter for Directory {
    fn account(&self) -> &Account {
        &self.account
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    async fn list_page(&self, _request: PageRequest) -> Result<Page> {
        let mut tokens = Vec::new();
        // Fail the page if one entry cannot be read: a listing must never be silently incomplete.
        for entry in std::fs::read_dir(&self.path).map_err(io_error)? {
            let name = entry.map_err(io_error)?.file_name();
            // An id made of a part of the name could be that of another file.
            let name = name.to_str().ok_or_else(|| {
                let message = "the directory has a file whose name is not UTF-8";
                Error::protocol_violation(Fate::Rejected, message)
            })?;
            tokens.push(token(name));
        }
        Ok(Page::last(tokens))
    }
    async fn get(&self, id: &TokenId) -> Result<Token> {
        (std::fs::metadata(self.file(id)?).map(|_| token(id.as_str()))).map_err(io_error)
    }
    async fn revoke_by_id(&self, id: &TokenId, options: RevokeOptions) -> Result<Revocation> {
        let outcome = match std::fs::remove_file(self.file(id)?) {
            Ok(()) => RevocationOutcome::Revoked,
            // Any other name may be another directory's, and alive there.
            Err(error) if error.kind() == io::ErrorKind::NotFound && options.existed => {
                RevocationOutcome::AlreadyGone
            }
            Err(error) => return Err(io_error(error)),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }
}

fn token(name: &str) -> Token {
    Token::new(TokenId::new(name), TokenState::Active)
}

fn io_error(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, Fate::Rejected, "the file system reports an error").with_source(error)
}
