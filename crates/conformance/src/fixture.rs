//! The fixture of the suite: a provider, and control over the platform behind it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::capability::{ArgumentDescription, ArgumentValue};
use tokenfleet_core::{
    Fact, RequestedExpiry, Secret, Timestamp, TokenId, TokenProvider, TokenState,
};

use crate::FixtureError;

/// A provider and the platform behind it, which the suite prepares and inspects directly.
///
/// Each case gets a fresh fixture. It starts without tokens, unless the acting credential is itself
/// a token.
///
/// Six methods are required. The others report that something is impossible until you implement
/// them, and the report lists the cases and the steps that are skipped for that reason. Implement
/// as many as your platform allows.
///
/// # A real server
///
/// The platform may be a simulator or a real server that you do not control:
///
/// * `http::ServerFixture` (feature `http`) is the fixture of a real server, and the module `http`
///   has an example. What you write is a `ServerUser`: a fresh *user* (project, service account) is
///   created by an administrator for each case and deleted after it. Build a `Result`, so that a
///   server that does not respond is reported as that.
/// * Faults and request counts come from a transport around the real one, `http::FixtureTransport`,
///   and `http::AdminClient` calls the server as an administrator over the same transport.
/// * Leave [`advance`](Self::advance) out: the cases run without the steps that need it, and the
///   report names these steps. For an expired token, let one expire in a second and wait.
/// * An account with a request limit and the heavy cases are settings of the
///   [`Suite`](crate::Suite).
///
/// # Example
///
/// A complete fixture, for a platform of numbered door codes that can only be listed:
///
/// ```
/// use std::sync::{Arc, Mutex, atomic::{AtomicU64, Ordering}};
///
/// use async_trait::async_trait;
/// use tokenfleet_conformance::{ExistingToken, Fixture, InsertedToken, TokenSpec, run};
/// use tokenfleet_core::adapter::{Adapter, Page, PageRequest};
/// use tokenfleet_core::capability::ListCapability;
/// use tokenfleet_core::*;
///
/// /// The adapter under test. Yours sends requests to a simulator or a test account; this one
/// /// holds its platform itself: the codes, and the number of requests.
/// #[derive(Debug)]
/// struct Door {
///     account: Account,
///     capabilities: Capabilities,
///     codes: Mutex<Vec<u32>>,
///     requests: AtomicU64,
/// }
///
/// fn id(number: u32) -> TokenId {
///     TokenId::new(number.to_string())
/// }
///
/// #[async_trait]
/// impl Adapter for Door {
///     fn account(&self) -> &Account {
///         &self.account
///     }
///
///     fn capabilities(&self) -> &Capabilities {
///         &self.capabilities
///     }
///
///     async fn list_page(&self, _request: PageRequest) -> Result<Page> {
///         self.requests.fetch_add(1, Ordering::SeqCst);
///         let codes = self.codes.lock().unwrap();
///         let token = |number: &u32| Token::new(id(*number), TokenState::Active);
///         Ok(Page::last(codes.iter().map(token).collect()))
///     }
/// }
///
/// struct DoorFixture(Arc<Door>);
///
/// impl DoorFixture {
///     fn new() -> Self {
///         Self(Arc::new(Door {
///             account: Account::new("door", "front"),
///             capabilities: Capabilities::none().with_list(ListCapability::unpaged()),
///             codes: Mutex::default(),
///             requests: AtomicU64::new(0),
///         }))
///     }
/// }
///
/// #[async_trait]
/// impl Fixture for DoorFixture {
///     fn provider(&self) -> Arc<dyn TokenProvider> {
///         self.0.clone()
///     }
///
///     fn credentials(&self) -> Vec<Secret> {
///         Vec::new()
///     }
///
///     async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
///         if spec.state != TokenState::Active || spec.expiry != RequestedExpiry::PlatformDefault {
///             return None;
///         }
///         let mut codes = self.0.codes.lock().unwrap();
///         let number = codes.last().map_or(1, |last| last + 1);
///         codes.push(number);
///         Some(InsertedToken::new(id(number)))
///     }
///
///     async fn tokens(&self) -> Vec<ExistingToken> {
///         let codes = self.0.codes.lock().unwrap();
///         let existing = |number: &u32| ExistingToken::new(id(*number), TokenState::Active);
///         codes.iter().map(existing).collect()
///     }
///
///     async fn accepts(&self, _secret: &Secret) -> bool {
///         false
///     }
///
///     fn request_count(&self) -> u64 {
///         self.0.requests.load(Ordering::SeqCst)
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
    /// Returns the provider under test, the same one on every call.
    fn provider(&self) -> Arc<dyn TokenProvider>;

    /// Returns every credential that this fixture's providers act with, in each form that is sent.
    ///
    /// The suite fails a case if a result reveals one of them.
    fn credentials(&self) -> Vec<Secret>;

    /// Creates a token directly on the platform.
    ///
    /// Returns `None` if the platform cannot have such a token, or has no room for another one.
    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken>;

    /// Returns all tokens that exist on the platform now.
    async fn tokens(&self) -> Vec<ExistingToken>;

    /// Returns `true` if the platform would accept this secret now.
    ///
    /// This does not count as a request and changes nothing.
    async fn accepts(&self, secret: &Secret) -> bool;

    /// Returns the number of requests that have reached the platform.
    fn request_count(&self) -> u64;

    /// Returns the number of all requests that were sent to the platform for this case, including
    /// those of the fixture itself.
    ///
    /// The report shows it, and a request limit counts it.
    fn total_requests(&self) -> u64 {
        self.request_count()
    }

    /// Deletes what was created for this case, such as its user. It is called once, after the case,
    /// whatever the outcome.
    ///
    /// # Errors
    ///
    /// The reason why something was left behind, which the report shows. The case does not fail.
    async fn close(&self) -> Result<(), FixtureError> {
        Ok(())
    }

    /// Deletes a token directly on the platform, as another client would.
    ///
    /// Returns `false` if the platform never loses tokens.
    async fn remove(&self, _id: &TokenId) -> bool {
        false
    }

    /// Returns a second provider for the same account, with a credential that the platform rejects.
    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        None
    }

    /// Returns the time on the platform's clock, which starts near the time of this machine.
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    /// Moves the platform's clock forward, or returns `false` if that is impossible.
    async fn advance(&self, _by: Duration) -> bool {
        false
    }

    /// Injects a fault into the next request, or returns `false` if that is impossible.
    async fn inject(&self, _fault: Fault) -> bool {
        false
    }

    /// Returns the origin of the platform, such as `http://127.0.0.1:8081`; `None` if it is not
    /// reached over a network.
    ///
    /// The [place](tokenfleet_core::Account::place) of the account must name the host in it, so
    /// that a revocation plan for one server is not carried out on another.
    fn origin(&self) -> Option<String> {
        None
    }

    /// Returns a name as the platform stores it, if it trims names or changes their case.
    ///
    /// An adapter sends names unchanged, and reports what the platform stored.
    fn stored_name(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Returns a value for an argument of a creation that only this platform has.
    ///
    /// The suite makes up a boolean, a number or a word. Which texts and lists a platform takes,
    /// only its fixture knows: without a value for a required one, no case can create a token.
    fn argument(&self, _argument: &ArgumentDescription) -> Option<ArgumentValue> {
        None
    }

    /// Returns scopes that a token may be created with, together and the first one also alone.
    fn scopes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The token that [`Fixture::insert`] is asked to create.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenSpec {
    /// The name of the token; `None` if the provider reports no names.
    pub name: Option<String>,
    /// The state of the token.
    ///
    /// [`TokenState::Unknown`] stands for a state that did not exist when the provider was written.
    pub state: TokenState,
    /// The expiry of the token, which may be any past time for [`TokenState::Expired`].
    pub expiry: RequestedExpiry,
    /// `true` for a token whose revocation revokes others too, where the provider [tells such
    /// tokens](tokenfleet_core::capability::RevokeCapability::with_tokens_alone) from others.
    pub cascades: bool,
}

impl TokenSpec {
    /// Creates the specification of an active token without a name and with the default expiry.
    #[must_use]
    pub fn active() -> Self {
        Self {
            name: None,
            state: TokenState::Active,
            expiry: RequestedExpiry::PlatformDefault,
            cascades: false,
        }
    }

    /// Sets the name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the state.
    #[must_use]
    pub fn with_state(mut self, state: TokenState) -> Self {
        self.state = state;
        self
    }

    /// Sets the expiry.
    #[must_use]
    pub fn with_expiry(mut self, expiry: RequestedExpiry) -> Self {
        self.expiry = expiry;
        self
    }

    /// Asks for a token whose revocation revokes others too.
    #[must_use]
    pub fn with_cascade(mut self) -> Self {
        self.cascades = true;
        self
    }
}

/// A token that was created directly on the platform.
#[derive(Debug)]
#[non_exhaustive]
pub struct InsertedToken {
    /// The id on the platform; if the platform has no ids, anything that [`Fixture::remove`]
    /// accepts.
    pub id: TokenId,
    /// The secret, if the platform returns it to the fixture.
    pub secret: Option<Secret>,
}

impl InsertedToken {
    /// Creates an inserted token with this id, without a known secret.
    #[must_use]
    pub fn new(id: TokenId) -> Self {
        Self { id, secret: None }
    }

    /// Sets the secret.
    #[must_use]
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secret = Some(secret);
        self
    }
}

/// A token as it exists on the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExistingToken {
    /// The id, as in [`InsertedToken::id`].
    pub id: TokenId,
    /// The state.
    pub state: TokenState,
    /// The expiry; [`Fact::NotReported`] if the fixture does not know it.
    pub expiry: Fact<Timestamp>,
    /// `true` if the platform never lists this token.
    pub is_unlisted: bool,
}

impl ExistingToken {
    /// Creates an existing token with this id and state, without a known expiry.
    #[must_use]
    pub fn new(id: TokenId, state: TokenState) -> Self {
        Self {
            id,
            state,
            expiry: Fact::NotReported,
            is_unlisted: false,
        }
    }

    /// States that the platform never lists this token, as the provider must
    /// [declare](tokenfleet_core::capability::ListCapability::with_unlisted_tokens).
    #[must_use]
    pub fn with_unlisted(mut self) -> Self {
        self.is_unlisted = true;
        self
    }

    /// Sets the expiry.
    #[must_use]
    pub fn with_expiry(mut self, expiry: Fact<Timestamp>) -> Self {
        self.expiry = expiry;
        self
    }
}

/// A fault that affects the next request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The connection breaks before the request reaches the platform.
    LoseRequest,
    /// The platform carries the request out, and the connection breaks before the response arrives.
    LoseResponse,
    /// The platform does not carry the request out and redirects to another address.
    Redirect,
    /// The platform does not carry the request out and answers that it accepted it, with 202.
    AcceptOnly,
    /// The response is about another token than the requested one: about a revoked one, where
    /// revoked tokens keep their records.
    OtherRecord,
    /// The response to an update reports success and a token that was not changed.
    IgnoreChange,
    /// The response holds a masked secret instead of the one it issues.
    MaskSecret,
    /// The response holds the secret of before instead of the new one it issues.
    RepeatSecret,
    /// The response holds the credential that was sent with the request instead of the secret it
    /// issues.
    EchoCredential,
    /// The response to a creation reports a scope more than requested.
    BroaderScopes,
    /// The response to a creation reports another expiry than requested.
    OtherExpiry,
    /// The response to a creation reports another name than requested.
    OtherName,
    /// The response reports an active token, whatever was requested.
    ReportActive,
    /// The response reports a state that cannot be read, such as half a surrogate pair.
    UnreadableState,
    /// A byte-order mark precedes the body of the response.
    ByteOrderMark,
    /// The body of the response is compressed, although nobody asked for that.
    Compress,
    /// The response has a content type that does not fit its body.
    WrongContentType,
    /// One record of the response holds a value that the platform does not document, such as half a
    /// surrogate pair in a name.
    OddValue,
    /// The platform no longer knows the position of the requested page, unless it is the first.
    ForgetPosition,
    /// Something in front of the platform refuses the request with 401, in a form that is not the
    /// platform's, such as `{"message":"Unauthorized"}`.
    GatewayRefusal,
    /// Something in front of the platform answers the request with 404, in a form that is not the
    /// platform's, such as a page of HTML.
    GatewayNotFound,
    /// Something in front of the platform answers the request with 404, in JSON that is not the
    /// platform's, such as `{"message":"no Route matched with those values"}`.
    GatewayJsonNotFound,
    /// The page that is requested next is refused with 404, as if there were no such page.
    MissingPage,
}
