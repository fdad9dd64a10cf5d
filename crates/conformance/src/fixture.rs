//! What the suite needs beside the provider: control over the platform behind it, and the truth about it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::{
    Fact, RequestedExpiry, Secret, Timestamp, TokenId, TokenProvider, TokenState,
};

/// A provider together with the platform behind it, which the suite prepares and inspects without the provider.
///
/// Every case gets a fresh one. It starts without tokens, unless the acting credential is one itself.
///
/// Six methods must be written. The others say "that cannot be done here" until they are written too, and the report
/// then lists the cases that stay out for that reason: write as many as the platform allows.
///
/// A whole one, for a platform of numbered door codes that can only be listed:
///
/// ```
/// use std::sync::{Arc, Mutex, atomic::{AtomicU64, Ordering}};
///
/// use async_trait::async_trait;
/// use tokenfleet_conformance::{Existing, Fixture, Inserted, TokenSpec, run};
/// use tokenfleet_core::*;
///
/// /// The platform: the codes by their numbers, and how often it was asked. Yours is a simulator, or a test account.
/// #[derive(Debug, Default)]
/// struct Door {
///     codes: Mutex<Vec<u32>>,
///     requests: AtomicU64,
/// }
///
/// /// The provider under test. Yours is your adapter.
/// #[derive(Debug)]
/// struct DoorProvider {
///     door: Arc<Door>,
///     account: Account,
///     capabilities: Capabilities,
/// }
///
/// #[async_trait]
/// impl TokenProvider for DoorProvider {
///     async fn list_page(&self, request: PageRequest) -> Result<Page> {
///         self.capabilities.check(OperationCall::List(&request))?;
///         self.door.requests.fetch_add(1, Ordering::SeqCst);
///         let token = |number: &u32| Token::new(TokenId::new(number.to_string()), TokenState::Active);
///         Ok(Page::last(self.door.codes.lock().unwrap().iter().map(token).collect()))
///     }
///     // Everything else is not declared, and refused by the check.
/// #     fn account(&self) -> &Account {
/// #         &self.account
/// #     }
/// #     fn capabilities(&self) -> &Capabilities {
/// #         &self.capabilities
/// #     }
/// #     async fn get(&self, id: &TokenId) -> Result<Token> {
/// #         self.capabilities.check(OperationCall::Get(id.into()))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// #     async fn create(&self, request: CreateToken) -> Result<IssuedToken> {
/// #         self.capabilities.check(OperationCall::Create(&request))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// #     async fn update(&self, id: &TokenId, change: UpdateToken) -> Result<Token> {
/// #         self.capabilities.check(OperationCall::Update(id.into(), &change))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// #     async fn rotate(&self, id: &TokenId) -> Result<IssuedToken> {
/// #         self.capabilities.check(OperationCall::Rotate(id.into()))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// #     async fn renew(&self, secret: &Secret) -> Result<RenewedToken> {
/// #         self.capabilities.check(OperationCall::Renew(secret.into()))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// #     async fn revoke(&self, token: TokenRef<'_>, options: RevokeOptions) -> Result<Revocation> {
/// #         self.capabilities.check(OperationCall::Revoke(token, &options))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// #     async fn verify(&self, secret: &Secret) -> Result<Liveness> {
/// #         self.capabilities.check(OperationCall::Verify(secret))?;
/// #         Err(Error::unsupported("never reached"))
/// #     }
/// }
///
/// struct DoorFixture {
///     door: Arc<Door>,
///     provider: Arc<DoorProvider>,
/// }
///
/// impl DoorFixture {
///     fn new() -> Self {
///         let door = Arc::new(Door::default());
///         let list = ListCapability::new(Paging::Snapshot);
///         let provider = Arc::new(DoorProvider {
///             door: Arc::clone(&door),
///             account: Account::new("door", "front"),
///             capabilities: Capabilities::none().with_list(list),
///         });
///         Self { door, provider }
///     }
/// }
///
/// #[async_trait]
/// impl Fixture for DoorFixture {
///     fn provider(&self) -> Arc<dyn TokenProvider> {
///         Arc::<DoorProvider>::clone(&self.provider)
///     }
///
///     fn credentials(&self) -> Vec<Secret> {
///         Vec::new()
///     }
///
///     async fn insert(&self, spec: TokenSpec) -> Option<Inserted> {
///         if spec.state != TokenState::Active || spec.expiry != RequestedExpiry::PlatformDefault {
///             return None;
///         }
///         let mut codes = self.door.codes.lock().unwrap();
///         let number = 1 + codes.last().copied().unwrap_or(0);
///         codes.push(number);
///         Some(Inserted::new(TokenId::new(number.to_string())))
///     }
///
///     async fn tokens(&self) -> Vec<Existing> {
///         let codes = self.door.codes.lock().unwrap();
///         let exists = |number: &u32| Existing::new(TokenId::new(number.to_string()), TokenState::Active);
///         codes.iter().map(exists).collect()
///     }
///
///     async fn accepts(&self, _secret: &Secret) -> bool {
///         false
///     }
///
///     fn requests(&self) -> u64 {
///         self.door.requests.load(Ordering::SeqCst)
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let report = run(async || DoorFixture::new()).await;
/// report.assert_passed();
/// # });
/// ```
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The provider under test. Always the same one.
    fn provider(&self) -> Arc<dyn TokenProvider>;

    /// Every credential that the providers of this fixture act with, in each form in which it is sent: none of them may
    /// ever be shown.
    fn credentials(&self) -> Vec<Secret>;

    /// Makes a token directly at the platform; `None` when the platform cannot have such a token, or not one more.
    async fn insert(&self, spec: TokenSpec) -> Option<Inserted>;

    /// All tokens that exist at the platform now.
    async fn tokens(&self) -> Vec<Existing>;

    /// Whether the platform would let this secret in now. Counts as no request and changes nothing.
    async fn accepts(&self, secret: &Secret) -> bool;

    /// How many requests have reached the platform so far.
    fn requests(&self) -> u64;

    /// Deletes a token directly at the platform, as somebody else would; `false` when the platform never loses tokens.
    async fn remove(&self, _id: &TokenId) -> bool {
        false
    }

    /// A second provider for the same account, with a credential that the platform does not accept.
    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        None
    }

    /// The time at the platform. Starts near the time of this machine.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Moves the platform's clock forward; `false` when it cannot be moved.
    async fn advance(&self, _by: Duration) -> bool {
        false
    }

    /// Arranges a fault for the next request; `false` when that cannot be arranged.
    async fn inject(&self, _fault: Fault) -> bool {
        false
    }

    /// Scopes that may be given to a token here, for the case that tries them.
    fn scopes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A token that shall exist.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSpec {
    /// Its name; `None` where the provider reports no names.
    pub name: Option<String>,
    /// Its state. [`TokenState::Unknown`]: a word that did not exist when the provider was written.
    pub state: TokenState,
    /// Its expiry. A token in the state [`TokenState::Expired`] may have any that is past.
    pub expiry: RequestedExpiry,
}

impl TokenSpec {
    /// A token that works, without a name and with the platform's usual expiry.
    #[must_use]
    pub fn active() -> Self {
        Self {
            name: None,
            state: TokenState::Active,
            expiry: RequestedExpiry::PlatformDefault,
        }
    }

    /// With that name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// In that state.
    #[must_use]
    pub fn in_state(mut self, state: TokenState) -> Self {
        self.state = state;
        self
    }

    /// With that expiry.
    #[must_use]
    pub fn expiring(mut self, expiry: RequestedExpiry) -> Self {
        self.expiry = expiry;
        self
    }
}

/// A token that was made behind the provider's back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inserted {
    /// Its id at the platform. Where the platform has none, anything that [`Fixture::remove`] understands.
    pub id: TokenId,
    /// Its secret, where the platform tells the fixture.
    pub secret: Option<Secret>,
}

impl Inserted {
    /// A token with that id.
    #[must_use]
    pub fn new(id: TokenId) -> Self {
        Self { id, secret: None }
    }

    /// Whose secret is known.
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }
}

/// A token as it is at the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Existing {
    /// Its id, as in [`Inserted::id`].
    pub id: TokenId,
    /// Its state.
    pub state: TokenState,
    /// When it stops working; [`Fact::NotReported`] where the fixture cannot tell.
    pub expiry: Fact<Timestamp>,
}

impl Existing {
    /// A token with that id, in that state.
    #[must_use]
    pub fn new(id: TokenId, state: TokenState) -> Self {
        Self {
            id,
            state,
            expiry: Fact::NotReported,
        }
    }

    /// That stops working then.
    #[must_use]
    pub fn expiring(mut self, expiry: Fact<Timestamp>) -> Self {
        self.expiry = expiry;
        self
    }
}

/// What may happen to the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It never reaches the platform; the caller sees its connection break.
    LoseRequest,
    /// The platform carries it out; its answer never reaches the caller, who sees the connection break.
    LoseAnswer,
    /// The platform does not carry it out; it answers with a redirect to another address.
    Redirect,
}
