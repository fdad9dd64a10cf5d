//! A platform of your own, beside those that tokenfleet ships: a directory with one file per token.
//!
//! `cargo run -p tokenfleet-examples --example own_provider`

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet::http::ReqwestTransport;
use tokenfleet::*;

#[derive(Debug)]
struct Directory {
    account: Account,
    capabilities: Capabilities,
    path: PathBuf,
}

#[async_trait]
impl TokenProvider for Directory {
    fn account(&self) -> &Account {
        &self.account
    }
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }
    async fn list_page(&self, request: PageRequest) -> Result<Page> {
        self.capabilities.check(Call::List(&request))?;
        let unreadable = |error: std::io::Error| {
            let message = "the directory cannot be read";
            Error::new(ErrorKind::Unavailable, Fate::Rejected, message)
                .with_account(&self.account)
                .with_source(error)
        };
        let mut tokens = Vec::new();
        for entry in std::fs::read_dir(&self.path).map_err(unreadable)? {
            // A part is never shown as the whole: an entry that cannot be read fails the page.
            let name = entry.map_err(unreadable)?.file_name();
            let id = TokenId::new(name.to_string_lossy());
            tokens.push(Token::new(id, TokenState::Active));
        }
        Ok(Page::last(tokens))
    }

    // What the platform cannot do is refused by the same check, in one line each.
    async fn get(&self, id: &TokenId) -> Result<Token> {
        Err(self.capabilities.refuse(Call::Get(id.into())))
    }
    async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
        Err(self.capabilities.refuse(Call::Create(&request)))
    }
    async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
        Err(self.capabilities.refuse(Call::Update(id.into(), &change)))
    }
    async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
        Err(self.capabilities.refuse(Call::Rotate(id.into())))
    }
    async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
        Err(self.capabilities.refuse(Call::Renew(secret.into())))
    }
    async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
        Err(self.capabilities.refuse(Call::Revoke(token, &options)))
    }
    async fn verify(&self, secret: &Secret) -> Result<Liveness> {
        Err(self.capabilities.refuse(Call::Verify(secret)))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    tokenfleet_examples::end(run().await)
}

async fn run() -> Result<()> {
    let mut registry = Registry::with_builtin();
    registry.register("directory", |account: &str, settings: &mut Settings, _| {
        Ok(Arc::new(Directory {
            account: Account::new("directory", account),
            capabilities: Capabilities::none().with_list(ListCapability::new(Paging::Snapshot)),
            path: settings.required_text("path")?.into(),
        }))
    });
    let toml = "[accounts.here]\nprovider = 'directory'\npath = '.'";
    let configuration = Configuration::parse(toml)?;
    let transport = Arc::new(ReqwestTransport::new()?);
    let provider = registry.open(configuration.account("here")?, transport)?;
    let list = provider.collect(Query::new()).await?;
    println!("{} tokens, {:?}", list.tokens.len(), list.completeness);
    Ok(())
}
