//! From an e-mail address and a password to an API key.

use std::sync::Arc;

use tokenfleet_core::{Account, ErrorKind, Operation, Result, Secret};
use tokenfleet_http::{ApiClient, ApiRequest, ApiResponse, BaseUrl, Transport};

use crate::{NAME, convert, wire};

/// Exchanges a password for the user's API key, which is created if there is none.
///
/// Cloudsmith is switching this off (404 or 410 then): prefer a key made on the website.
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

/// What a password leads to.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginStep {
    /// The API key.
    Done(Secret),
    /// The user must give a code of the second factor too.
    TwoFactor(TwoFactorChallenge),
}

/// A login that waits for a code.
#[derive(Debug)]
pub struct TwoFactorChallenge(Secret);

impl Login {
    /// Logins at that address.
    #[must_use]
    pub fn new(base_url: BaseUrl, transport: Arc<dyn Transport>) -> Self {
        let account = Account::new(NAME, "login");
        Self {
            client: ApiClient::new(account, base_url, transport, convert::login_refusal),
        }
    }

    /// The first step.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) for a wrong password,
    /// [`PermissionDenied`](ErrorKind::PermissionDenied) when locked out, [`NotFound`](ErrorKind::NotFound) once Cloudsmith has
    /// switched password logins off.
    pub async fn with_password(&self, email: &str, password: &Secret) -> Result<LoginStep> {
        let body = wire::UserAuthTokenRequest {
            email: Some(email),
            password: Some(password.expose()),
            ..Default::default()
        };
        let answer = self.send(&body, &[password]).await?;
        let body: wire::UserAuthToken = answer.json()?;
        match (body.token, body.two_factor_required, body.two_factor_token) {
            (_, Some(true), Some(challenge)) => {
                Ok(LoginStep::TwoFactor(TwoFactorChallenge(challenge)))
            }
            (Some(key), _, _) if !key.expose().is_empty() => Ok(LoginStep::Done(key)),
            _ => Err(refused(
                &answer,
                "the e-mail address or password is not accepted",
            )),
        }
    }

    /// The second step, where there is one.
    ///
    /// # Errors
    ///
    /// [`Unauthenticated`](ErrorKind::Unauthenticated) for a wrong code: begin again with the password.
    pub async fn with_code(&self, challenge: TwoFactorChallenge, code: &Secret) -> Result<Secret> {
        let body = wire::UserAuthTokenRequest {
            totp_token: Some(code.expose()),
            two_factor_token: Some(challenge.0.expose()),
            ..Default::default()
        };
        let answer = self.send(&body, &[&challenge.0, code]).await?;
        let body: wire::UserAuthToken = answer.json()?;
        body.token
            .filter(|key| !key.expose().is_empty())
            .ok_or_else(|| refused(&answer, "the code is not accepted"))
    }

    /// A 422 is read here too: it carries the challenge, or says that the login failed.
    async fn send(
        &self,
        body: &wire::UserAuthTokenRequest<'_>,
        secrets: &[&Secret],
    ) -> Result<ApiResponse> {
        let call = ApiRequest::post(Operation::Create, ["user", "token", ""])
            .json(body)
            .accept_status(422);
        let call = secrets
            .iter()
            .fold(call, |call, secret| call.redact(secret));
        self.client.send(call).await
    }
}

fn refused(answer: &ApiResponse, message: &str) -> tokenfleet_core::Error {
    let error = answer.violation(message);
    if answer.status() == 422 {
        error
            .with_kind(ErrorKind::Unauthenticated)
            .with_fate(tokenfleet_core::Fate::Rejected)
    } else {
        error
    }
}
