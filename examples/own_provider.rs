//! A platform of your own beside those that tokenfleet ships: a directory with one file per token.
//!
//! `cargo run -p tokenfleet-examples --example own_provider`

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet::adapter::{Adapter, Page, PageRequest};
use tokenfleet::capability::{ListCapability, Paging, RevokeCapability};
use tokenfleet::config::Settings;
use tokenfleet::transport::ReqwestTransport;
use tokenfleet::*;

#[derive(Debug)]
struct Directory {
    account: Account,
    capabilities: Capabilities,
    path: PathBuf,
}

/// Three operations; all others are refused before they get here.
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
        // A listing is never cut short: one entry that cannot be read fails the page.
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            tokens.push(token(&entry.map_err(failed)?.file_name().to_string_lossy()));
        }
        Ok(Page::last(tokens))
    }
    async fn get(&self, id: &TokenId) -> Result<Token> {
        std::fs::metadata(self.path.join(id.as_str())).map_err(failed)?;
        Ok(token(id.as_str()))
    }
    async fn revoke_by_id(&self, id: &TokenId, _options: RevokeOptions) -> Result<Revocation> {
        let outcome = match std::fs::remove_file(self.path.join(id.as_str())) {
            Ok(()) => RevocationOutcome::Revoked,
            Err(error) if error.kind() == io::ErrorKind::NotFound => RevocationOutcome::AlreadyGone,
            Err(error) => return Err(failed(error)),
        };
        Ok(Revocation::new(outcome, RevocationEffect::Deleted).with_id(id.clone()))
    }
}

fn token(name: &str) -> Token {
    Token::new(TokenId::new(name), TokenState::Active)
}

fn failed(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, Fate::Rejected, "the directory cannot be read").with_source(error)
}

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::end(run().await)
}

async fn run() -> Result<()> {
    let mut registry = Registry::with_builtin();
    registry.register("directory", |account: &str, settings: &mut Settings, _| {
        Ok(Directory {
            account: Account::new("directory", account),
            capabilities: Capabilities::none()
                .with_list(ListCapability::new(Paging::Snapshot))
                .with_get()
                .with_revoke(RevokeCapability::by_id(RevocationEffect::Deleted)),
            path: settings.required_text("path")?.into(),
        })
    });
    let toml = "[accounts.here]\nprovider = 'directory'\npath = '.'";
    let configuration = Configuration::parse(toml)?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let provider = registry.open(configuration.account("here")?, transport)?;
    let list = provider.list_all(Query::new()).await?;
    println!("{} tokens, {:?}", list.tokens.len(), list.completeness);
    Ok(())
}
