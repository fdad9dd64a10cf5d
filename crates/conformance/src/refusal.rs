//! The calls that a provider must refuse because it does not declare them.

use std::future::Future;
use std::time::Duration;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    CreateToken, ErrorKind, Fate, Operation, Result, Suspension, Timestamp, TokenId, TokenProvider,
    UpdateToken,
};

use crate::case_result::{CaseResult, describe, ensure, expect_err};
use crate::harness::{Harness, full_consent};

/// An operation or argument that a provider must refuse without sending a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A whole operation.
    Operation(Operation),
    /// A name for a new token.
    Name,
    /// A description for a new token.
    Description,
    /// An expiry for a new token.
    Expiry,
    /// A new token that never expires.
    NeverExpiring,
    /// A lifetime for a new token.
    Lifetime,
    /// Scopes for a new token.
    Scopes,
    /// A new token that is suspended.
    Suspended,
    /// A new name for an existing token.
    NewName,
    /// A new description for an existing token.
    NewDescription,
    /// Suspending or resuming an existing token.
    Suspension,
    /// Revoking by id.
    RevokeById,
    /// Revoking by secret.
    RevokeBySecret,
}

impl Refusal {
    /// Expects the provider to refuse this without sending a request.
    pub(crate) async fn expect(self, harness: &Harness) -> CaseResult {
        let provider = harness.provider();
        let id = TokenId::new("1");
        let secret = harness.never_issued_secret();
        let consent = full_consent();
        let request = harness.minimal_request("refused");
        let create = |what, request| expect_refused(harness, what, provider.create(request));
        let update = |what, change| expect_refused(harness, what, provider.update(&id, change));
        match self {
            Self::Operation(operation) => expect_operation_refused(harness, operation).await,
            Self::Name => create("a name", harness.named_request("refused")?).await,
            Self::Description => {
                create("a description", request?.with_description("refused")).await
            }
            Self::Expiry => create("an expiry", request?.with_expiry(harness.in_days(30))).await,
            Self::Lifetime => {
                let lifetime = Duration::from_secs(30 * 86_400);
                create("a lifetime", request?.with_lifetime(lifetime)).await
            }
            Self::NeverExpiring => create("never expiring", request?.without_expiry()).await,
            Self::Scopes => create("scopes", request?.with_scope("refused")).await,
            Self::Suspended => {
                create("creating a suspended token", request?.with_suspended()).await
            }
            Self::NewName => update("a new name", UpdateToken::rename("refused")).await,
            Self::NewDescription => {
                let change = UpdateToken::default().with_description("refused");
                update("a new description", change).await
            }
            Self::Suspension => {
                for suspension in [Suspension::Suspend, Suspension::Resume] {
                    let mut change = UpdateToken::default();
                    change.suspension = Some(suspension);
                    update("suspending", change).await?;
                }
                Ok(())
            }
            Self::RevokeById => {
                let call = provider.revoke((&id).into(), consent);
                expect_refused(harness, "revoking by id", call).await
            }
            Self::RevokeBySecret => {
                let call = provider.revoke((&secret).into(), consent);
                expect_refused(harness, "revoking by secret", call).await
            }
        }
    }
}

async fn expect_operation_refused(harness: &Harness, operation: Operation) -> CaseResult {
    let provider = harness.provider();
    let id = TokenId::new("1");
    let secret = harness.never_issued_secret();
    let consent = full_consent();
    match operation {
        Operation::List => {
            let call = provider.list_page(PageRequest::first());
            expect_refused(harness, "listing", call).await
        }
        Operation::Get => expect_refused(harness, "reading one token", provider.get(&id)).await,
        Operation::Create => {
            let call = provider.create(CreateToken::unnamed());
            expect_refused(harness, "creating", call).await?;
            let request = CreateToken::new("refused").with_expiry(Timestamp::now());
            expect_refused(harness, "creating", provider.create(request)).await
        }
        Operation::Update => {
            let call = provider.update(&id, UpdateToken::rename("refused"));
            expect_refused(harness, "updating", call).await
        }
        Operation::Rotate => expect_refused(harness, "rotating", provider.rotate(&id)).await,
        Operation::Renew => expect_refused(harness, "renewing", provider.renew(&secret)).await,
        Operation::Revoke => {
            let by_id = provider.revoke((&id).into(), consent);
            expect_refused(harness, "revoking by id", by_id).await?;
            let by_secret = provider.revoke((&secret).into(), consent);
            expect_refused(harness, "revoking by secret", by_secret).await
        }
        Operation::Verify => expect_refused(harness, "verifying", provider.verify(&secret)).await,
        Operation::Whoami => {
            expect_refused(harness, "asking whom it acts as", provider.whoami()).await
        }
        _ => Ok(()),
    }
}

/// Expects an undeclared call to fail as unsupported and to send nothing.
pub(crate) async fn expect_refused<T>(
    harness: &Harness,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> CaseResult {
    expect_refused_as(harness, ErrorKind::Unsupported, what, call).await
}

/// Expects a call to fail with this kind of error and to send nothing.
pub(crate) async fn expect_refused_as<T>(
    harness: &Harness,
    kind: ErrorKind,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> CaseResult {
    let expected = format!(
        "{what} is refused as {} before a request is sent",
        kind.as_str()
    );
    let before = harness.fixture().request_count();
    let error = expect_err(call.await, &expected)?;
    let sent = harness.fixture().request_count() - before;
    ensure(
        sent == 0,
        &expected,
        format!("{sent} requests reached the platform"),
    )?;
    ensure(
        error.kind() == kind && error.fate() == Fate::NotSent,
        &expected,
        describe(&error),
    )
}
