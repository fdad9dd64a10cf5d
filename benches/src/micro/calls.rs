//! The cost of single operations, without the network.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use tokenfleet::adapter::{Page, PageRequest};
use tokenfleet::losant::{Losant, LosantConfig};
use tokenfleet::transport::{ApiClient, ApiRequest, Body, ErrorBody, Transport, TransportError};
use tokenfleet::{
    Account, Capabilities, CreateToken, Credential, Error, Identity, IssuedToken, Liveness,
    Operation, RenewedToken, Result, Revocation, RevokeOptions, Secret, SecretShape, Token,
    TokenId, TokenProvider, TokenRef, TokenState, UpdateToken,
};
use tokenfleet_simulators::{NewToken, Simulator, losant};
use tokio::runtime::Runtime;

use super::decoding::base_url;
use super::replay::Replay;
use super::{Amount, Micro, Prepare};

pub(super) const ALL: [(&str, Prepare); 4] = [
    ("get a token", get),
    ("create a token", create),
    ("encode a request, and judge an empty answer", send),
    ("call a provider", through_the_trait),
];

/// Measures the path that all requests share: encoding, credential, rate limits and response.
fn send(runtime: &Rc<Runtime>) -> Micro {
    let account = Account::new("idle", "bench");
    let client = ApiClient::new(account, base_url(), Arc::new(EmptyTransport), |_, _, _| {
        ErrorBody::default()
    });
    let (secret, runtime) = (Secret::new("eyJhbGciOiJIUzI1NiJ9"), Rc::clone(runtime));
    Micro::new(Amount::Times(1), move || {
        let request = ApiRequest::get(Operation::Get, ["me", "tokens", "575ec7417ae143cd83dc4a95"])
            .allow_empty_body()
            .query("_links", false)
            .credential("authorization", "Bearer ", &secret);
        let response = runtime.block_on(client.send(request));
        black_box(response).expect("the empty response is accepted");
    })
}

/// A transport whose responses are empty.
#[derive(Debug)]
struct EmptyTransport;

#[async_trait]
impl Transport for EmptyTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Body>, TransportError> {
        black_box(request);
        Ok(Response::new(Body::full(Bytes::new())))
    }
}

fn get(runtime: &Rc<Runtime>) -> Micro {
    let simulator = losant::Losant::new(losant::Options::default()).to_arc();
    let id = TokenId::new(simulator.insert(NewToken::named("ci")).id);
    let (provider, runtime) = (provider(simulator), Rc::clone(runtime));
    Micro::new(Amount::Times(1), move || {
        let token = runtime.block_on(provider.get(&id));
        black_box(token).expect("the simulator responds");
    })
}

fn create(runtime: &Rc<Runtime>) -> Micro {
    let simulator = losant::Losant::new(losant::Options::default()).to_arc();
    let (provider, runtime) = (provider(simulator), Rc::clone(runtime));
    Micro::new(Amount::Times(1), move || {
        let request = CreateToken::new("ci").with_scope("all.Application");
        let issued = runtime.block_on(provider.create(request.without_expiry()));
        black_box(issued).expect("the simulator responds");
    })
}

fn provider(simulator: Arc<dyn Simulator>) -> Losant {
    let token = Secret::new(simulator.credentials()["token"].clone());
    let config = LosantConfig::new(Credential::from_secret(token)).with_base_url(base_url());
    Losant::new("bench", config, Replay::new(simulator))
}

/// Measures an operation of a `dyn TokenProvider` that does nothing.
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
                black_box(page.await).expect("the page is empty");
            }
        });
    })
}

/// A provider without tokens.
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

    fn secret_shape(&self, _: &Secret) -> SecretShape {
        SecretShape::Possible
    }

    async fn token_of(&self, _: &Secret) -> Result<Option<Token>> {
        Ok(None)
    }

    async fn whoami(&self) -> Result<Identity> {
        Err(Error::unsupported("never reached"))
    }
}
