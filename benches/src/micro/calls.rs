//! What a single call costs, whatever the network makes of it.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use tokenfleet::http::BaseUrl;
use tokenfleet::losant::{Losant, LosantConfig};
use tokenfleet::{
    Account, Capabilities, CreateToken, Credential, Error, IssuedToken, Liveness, Page,
    PageRequest, RenewedToken, Result, Revocation, RevokeOptions, Secret, Token, TokenId,
    TokenProvider, TokenRef, TokenState, UpdateToken,
};
use tokenfleet_simulators::{NewToken, Simulator, losant};
use tokio::runtime::Runtime;

use super::replay::Replay;
use super::{Amount, Micro, Prepare};

pub(super) const ALL: [(&str, Prepare); 3] = [
    ("get a token", get),
    ("create a token", create),
    ("call a provider", through_the_trait),
];

fn get(runtime: &Rc<Runtime>) -> Micro {
    let simulator = losant::Losant::new(losant::Options::default()).to_arc();
    let id = TokenId::new(simulator.insert(NewToken::named("ci")).id);
    let (provider, runtime) = (provider(simulator), Rc::clone(runtime));
    Micro::new(Amount::Times(1), move || {
        let token = runtime.block_on(provider.get(&id));
        black_box(token).expect("the simulator answers");
    })
}

fn create(runtime: &Rc<Runtime>) -> Micro {
    let simulator = losant::Losant::new(losant::Options::default()).to_arc();
    let (provider, runtime) = (provider(simulator), Rc::clone(runtime));
    Micro::new(Amount::Times(1), move || {
        let request = CreateToken::named("ci").with_scope("all.Application");
        let issued = runtime.block_on(provider.create(request.never_expiring()));
        black_box(issued).expect("the simulator answers");
    })
}

fn provider(simulator: Arc<dyn Simulator>) -> Losant {
    let token = Secret::new(simulator.credentials()["token"].clone());
    // Nothing listens there.
    let base_url = BaseUrl::parse("http://127.0.0.1:9").expect("a loopback address");
    let config = LosantConfig::new(Credential::fixed(token)).with_base_url(base_url);
    Losant::new("bench", config, Replay::of(simulator))
}

/// A call through `dyn TokenProvider` that does nothing else.
fn through_the_trait(runtime: &Rc<Runtime>) -> Micro {
    const CALLS: u64 = 1_000;
    let provider: Arc<dyn TokenProvider> = Arc::new(Idle {
        account: Account::new("idle", "bench"),
        capabilities: Capabilities::none(),
    });
    let runtime = Rc::clone(runtime);
    Micro::new(Amount::Times(CALLS), move || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                let page = black_box(&*provider).list_page(PageRequest::default());
                black_box(page.await).expect("there is always an empty page");
            }
        });
    })
}

/// A platform without tokens.
#[derive(Debug)]
struct Idle {
    account: Account,
    capabilities: Capabilities,
}

#[async_trait]
impl TokenProvider for Idle {
    fn account(&self) -> &Account {
        &self.account
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn list_page(&self, _: PageRequest) -> Result<Page> {
        Ok(Page::default())
    }

    async fn get(&self, id: &TokenId) -> Result<Token> {
        Ok(Token::new(id.clone(), TokenState::Unknown))
    }

    async fn create(&self, _: CreateToken) -> Result<IssuedToken> {
        Err(Error::unsupported("never reached"))
    }

    async fn update(&self, _: &TokenId, _: UpdateToken) -> Result<Token> {
        Err(Error::unsupported("never reached"))
    }

    async fn rotate(&self, _: &TokenId) -> Result<IssuedToken> {
        Err(Error::unsupported("never reached"))
    }

    async fn renew(&self, _: &Secret) -> Result<RenewedToken> {
        Err(Error::unsupported("never reached"))
    }

    async fn revoke(&self, _: TokenRef<'_>, _: RevokeOptions) -> Result<Revocation> {
        Err(Error::unsupported("never reached"))
    }

    async fn verify(&self, _: &Secret) -> Result<Liveness> {
        Err(Error::unsupported("never reached"))
    }
}
