//! The login that exchanges an e-mail address and a password for an API key.

use std::sync::Arc;

use tokenfleet_core::capability::OperationCall;
use tokenfleet_core::journal::{Effect, Intent, Journal, OperationId, Outcome, Run};
use tokenfleet_core::{
    Account, Capabilities, CreateToken, Error, ErrorKind, Fate, Operation, Result, Secret,
};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, BaseUrl, Transport};

use crate::{NAME, convert, wire};

/// A login that exchanges a password for the user's API key, which is created if there is none.
///
/// So a login is a write: pass a [journal](Self::with_journal) where writes are recorded.
///
/// Cloudsmith is phasing this out (it then responds with 404 or 410): prefer a key created on the
/// website.
///
/// ```no_run
/// use std::sync::Arc;
/// use tokenfleet_cloudsmith::{Login, LoginStep};
/// use tokenfleet_core::{Result, Secret};
/// use tokenfleet_http::{BaseUrl, Transport};
///
/// async fn key(transport: Arc<dyn Transport>, password: Secret, code: Secret) -> Result<Secret> {
///     let login = Login::new(BaseUrl::parse("https://api.cloudsmith.io")?, transport);
///     match login.with_password("me@example.com", &password).await? {
///         LoginStep::Done(key) => Ok(key),
///         LoginStep::TwoFactor(challenge) => login.with_code(challenge, &code).await,
///         _ => unreachable!(),
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Login {
    client: ApiClient,
    journal: Option<(Arc<dyn Journal>, Run)>,
}

/// The result of the first step of a login.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginStep {
    /// The API key.
    Done(Secret),
    /// A challenge: the user must also enter a two-factor code.
    TwoFactor(TwoFactorChallenge),
}

/// A login that awaits a two-factor code.
#[derive(Debug)]
pub struct TwoFactorChallenge {
    token: Secret,
    operation_id: OperationId,
}

impl Login {
    /// Creates a login at this base URL.
    #[must_use]
    pub fn new(base_url: BaseUrl, transport: Arc<dyn Transport>) -> Self {
        let place = base_url.address(["user", "token"]);
        let account = Account::new(NAME, "login").with_place(&place);
        Self {
            client: ApiClient::new(account, base_url, transport, convert::login_error_body),
            journal: None,
        }
    }

    /// Records each step in a journal before it is sent, as the creation of a key.
    ///
    /// The steps of one login share an [`OperationId`]. A step that ends with a challenge is
    /// recorded as rejected: it returned no key.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>, run: Run) -> Self {
        self.journal = Some((journal, run));
        self
    }

    /// Performs the first step of a login.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) for a wrong password,
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) during a lockout, and
    /// [`NotFound`](ErrorKind::NotFound) once Cloudsmith has turned password logins off.
    pub async fn with_password(&self, email: &str, password: &Secret) -> Result<LoginStep> {
        let body = wire::UserAuthTokenRequest {
            email: Some(email),
            password: Some(password.expose()),
            ..Default::default()
        };
        let operation_id = OperationId::random();
        let step = async {
            let response = self.send(&body, &[password]).await?;
            let body: wire::UserAuthToken = response.json()?;
            match (body.token, body.two_factor_required, body.two_factor_token) {
                (_, Some(true), Some(token)) => Ok(LoginStep::TwoFactor(TwoFactorChallenge {
                    token,
                    operation_id,
                })),
                (Some(key), _, _) if !key.expose().is_empty() => Ok(LoginStep::Done(key)),
                _ => Err(rejected(
                    &response,
                    "the e-mail address or password is not accepted",
                )),
            }
        };
        let effect = |step: &LoginStep| match step {
            LoginStep::Done(_) => Ok(Effect::new()),
            LoginStep::TwoFactor(_) => Err(self.client.in_context(
                Operation::Create,
                Error::new(
                    ErrorKind::Unauthenticated,
                    Fate::Rejected,
                    "a two-factor code is required",
                ),
            )),
        };
        self.recorded(operation_id, step, effect).await
    }

    /// Performs the second step, after a challenge.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) for a wrong code; start again with the
    /// password.
    pub async fn with_code(&self, challenge: TwoFactorChallenge, code: &Secret) -> Result<Secret> {
        let TwoFactorChallenge {
            token,
            operation_id,
        } = challenge;
        let body = wire::UserAuthTokenRequest {
            totp_token: Some(code.expose()),
            two_factor_token: Some(token.expose()),
            ..Default::default()
        };
        let step = async {
            let response = self.send(&body, &[&token, code]).await?;
            let body: wire::UserAuthToken = response.json()?;
            body.token
                .filter(|key| !key.expose().is_empty())
                .ok_or_else(|| rejected(&response, "the code is not accepted"))
        };
        self.recorded(operation_id, step, |_| Ok(Effect::new()))
            .await
    }

    /// Records the intent of a step, performs it, and records its outcome.
    async fn recorded<T>(
        &self,
        operation_id: OperationId,
        step: impl Future<Output = Result<T>>,
        effect: impl FnOnce(&T) -> Result<Effect>,
    ) -> Result<T> {
        let Some((journal, run)) = &self.journal else {
            return step.await;
        };
        let request = CreateToken::unnamed().with_operation_id(operation_id);
        let (account, call) = (self.client.account(), OperationCall::Create(&request));
        let intent = Intent::for_call(run, account, &Capabilities::none(), call);
        let recorded = journal.record_intent(&intent).await;
        recorded.map_err(|error| {
            let error = error.with_fate(Fate::NotSent);
            self.client.in_context(Operation::Create, error)
        })?;
        let result = step.await;
        let effect = match &result {
            Ok(value) => effect(value),
            Err(error) => Err(error.clone()),
        };
        let outcome = Outcome::new(&intent, effect);
        journal.record_outcome(&intent, &outcome).await;
        result.map_err(|error| error.with_intent(&intent.id))
    }

    /// Sends a step. A 422 is accepted too: it carries the challenge, or reports a failed login.
    async fn send(
        &self,
        body: &wire::UserAuthTokenRequest<'_>,
        secrets: &[&Secret],
    ) -> Result<ApiResponse> {
        let request = ApiRequest::post(Operation::Create, ["user", "token", ""])
            .json(body)
            .accept_status(422);
        let request = secrets
            .iter()
            .fold(request, |request, secret| request.redact(secret));
        self.client.send(request).await
    }
}

/// Creates an error for a login that Cloudsmith rejected.
fn rejected(response: &ApiResponse, message: &str) -> Error {
    let error = response.violation(message);
    if response.status() == 422 {
        error
            .with_kind(ErrorKind::Unauthenticated)
            .with_fate(Fate::Rejected)
    } else {
        error
    }
}
