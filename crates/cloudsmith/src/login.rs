//! The login that exchanges an e-mail address and a password for an API key.

use std::sync::Arc;

use tokenfleet_core::{Account, Error, ErrorKind, Fate, Operation, Result, Secret};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, BaseUrl, Transport};

use crate::{NAME, convert, wire};

/// A login that exchanges a password for the user's API key, which is created if there is none.
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
pub struct TwoFactorChallenge(Secret);

impl Login {
    /// Creates a login at this base URL.
    #[must_use]
    pub fn new(base_url: BaseUrl, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, "login");
        Self {
            client: ApiClient::new(account, base_url, transport, convert::login_error_body),
        }
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
        let response = self.send(&body, &[password]).await?;
        let body: wire::UserAuthToken = response.json()?;
        match (body.token, body.two_factor_required, body.two_factor_token) {
            (_, Some(true), Some(challenge)) => {
                Ok(LoginStep::TwoFactor(TwoFactorChallenge(challenge)))
            }
            (Some(key), _, _) if !key.expose().is_empty() => Ok(LoginStep::Done(key)),
            _ => Err(rejected(
                &response,
                "the e-mail address or password is not accepted",
            )),
        }
    }

    /// Performs the second step, after a challenge.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) for a wrong code; start again with the
    /// password.
    pub async fn with_code(&self, challenge: TwoFactorChallenge, code: &Secret) -> Result<Secret> {
        let body = wire::UserAuthTokenRequest {
            totp_token: Some(code.expose()),
            two_factor_token: Some(challenge.0.expose()),
            ..Default::default()
        };
        let response = self.send(&body, &[&challenge.0, code]).await?;
        let body: wire::UserAuthToken = response.json()?;
        body.token
            .filter(|key| !key.expose().is_empty())
            .ok_or_else(|| rejected(&response, "the code is not accepted"))
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
