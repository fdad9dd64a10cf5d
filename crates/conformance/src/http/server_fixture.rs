//! A fixture over a real server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokenfleet_core::capability::{ArgumentDescription, ArgumentValue};
use tokenfleet_core::{Secret, TokenId, TokenProvider};
use tokenfleet_http::async_trait;

use super::FixtureTransport;
use crate::{ExistingToken, Fault, Fixture, FixtureError, InsertedToken, TokenSpec};

/// A user of a real server whom one case has to itself: what only you can ask of your server.
///
/// [`ServerFixture`] is the rest of the fixture. The methods mean what those of [`Fixture`] mean.
/// Call the server by an [`AdminClient`](super::AdminClient), so that requests are counted and meet
/// no faults.
#[async_trait]
pub trait ServerUser: Send + Sync {
    /// Creates a token of the user, as [`Fixture::insert`] documents.
    ///
    /// For an expired one, create it with a lifetime of a second and wait.
    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken>;

    /// Returns all tokens of the user that exist now.
    async fn tokens(&self) -> Vec<ExistingToken>;

    /// Returns `true` if the server would accept this secret now.
    async fn accepts(&self, secret: &Secret) -> bool;

    /// Deletes a token of the user, as another client would.
    async fn remove(&self, _id: &TokenId) -> bool {
        false
    }

    /// Deletes the user, after the case.
    ///
    /// # Errors
    ///
    /// The reason why something was left behind, which the report shows. The case does not fail.
    async fn delete(&self) -> Result<(), FixtureError>;

    /// Returns a name as the server stores it, as [`Fixture::stored_name`] documents.
    fn stored_name(&self, name: &str) -> String {
        name.to_owned()
    }

    /// Returns a value for an argument that only this platform has, as [`Fixture::argument`]
    /// documents.
    fn argument(&self, _argument: &ArgumentDescription) -> Option<ArgumentValue> {
        None
    }

    /// Returns scopes that a token may be created with, together and the first one also alone.
    fn scopes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The [`Fixture`] of a real server: a user of its own for each case, who is deleted after it, and
/// the provider of the user's tokens, over a [`FixtureTransport`] that counts and injects faults.
///
/// The server's clock cannot be moved, so cases run without the steps that need that, and the
/// report names these steps (decision 0060). Set the request limit of the account, and leave heavy
/// cases out, by the [`Suite`](crate::Suite).
pub struct ServerFixture<U> {
    user: U,
    provider: Arc<dyn TokenProvider>,
    transport: FixtureTransport,
    credentials: Vec<Secret>,
    intruder: Option<Arc<dyn TokenProvider>>,
    origin: Option<String>,
}

impl<U: ServerUser> ServerFixture<U> {
    /// Creates the fixture of a user from the provider of the user's tokens and the transport that
    /// the provider sends over.
    #[must_use]
    pub fn new(user: U, provider: Arc<dyn TokenProvider>, transport: FixtureTransport) -> Self {
        Self {
            user,
            provider,
            transport,
            credentials: Vec::new(),
            intruder: None,
            origin: None,
        }
    }

    /// Adds credentials that the providers act with, in each form that is sent: see
    /// [`Fixture::credentials`].
    #[must_use]
    pub fn with_credentials<T: Into<Box<str>>>(
        mut self,
        credentials: impl IntoIterator<Item = T>,
    ) -> Self {
        self.credentials
            .extend(credentials.into_iter().map(Secret::new));
        self
    }

    /// Sets a second provider over the same transport, with a credential that the server rejects.
    #[must_use]
    pub fn with_intruder(mut self, intruder: Arc<dyn TokenProvider>) -> Self {
        self.intruder = Some(intruder);
        self
    }

    /// Sets the origin of the server, such as `http://127.0.0.1:8081`: see [`Fixture::origin`].
    #[must_use]
    pub fn with_origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}

/// Returns a name for a user that no other case has, in this process or in another one that runs
/// on this machine.
#[must_use]
pub fn unused_user_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("case-{}-{number}", std::process::id())
}

#[async_trait]
impl<U: ServerUser> Fixture for ServerFixture<U> {
    fn provider(&self) -> Arc<dyn TokenProvider> {
        Arc::clone(&self.provider)
    }

    fn credentials(&self) -> Vec<Secret> {
        let expose = |secret: &Secret| Secret::new(secret.expose());
        self.credentials.iter().map(expose).collect()
    }

    async fn insert(&self, spec: TokenSpec) -> Option<InsertedToken> {
        self.user.insert(spec).await
    }

    async fn tokens(&self) -> Vec<ExistingToken> {
        self.user.tokens().await
    }

    async fn accepts(&self, secret: &Secret) -> bool {
        self.user.accepts(secret).await
    }

    fn request_count(&self) -> u64 {
        self.transport.request_count()
    }

    fn total_requests(&self) -> u64 {
        self.transport.total_requests()
    }

    async fn close(&self) -> Result<(), FixtureError> {
        self.user.delete().await
    }

    async fn remove(&self, id: &TokenId) -> bool {
        self.user.remove(id).await
    }

    fn intruder(&self) -> Option<Arc<dyn TokenProvider>> {
        self.intruder.clone()
    }

    async fn inject(&self, fault: Fault) -> bool {
        self.transport.inject(fault)
    }

    fn origin(&self) -> Option<String> {
        self.origin.clone()
    }

    fn stored_name(&self, name: &str) -> String {
        self.user.stored_name(name)
    }

    fn argument(&self, argument: &ArgumentDescription) -> Option<ArgumentValue> {
        self.user.argument(argument)
    }

    fn scopes(&self) -> Vec<String> {
        self.user.scopes()
    }
}

/// The credentials must not be printed.
impl<U> fmt::Debug for ServerFixture<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerFixture")
            .field("provider", &self.provider)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}
