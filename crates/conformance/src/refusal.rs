//! What a provider must refuse because it does not declare it.

use std::future::Future;

use tokenfleet_core::adapter::PageRequest;
use tokenfleet_core::{
    CreateToken, ErrorKind, Fate, Operation, Result, RevokeOptions, Suspension, Timestamp, TokenId,
    TokenProvider, UpdateToken,
};

use crate::scene::Scene;
use crate::verdict::{Verdict, describe, ensure, failed};

/// Something that a provider must refuse without sending anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// A whole operation.
    Operation(Operation),
    /// A name for a token to be made.
    Name,
    /// A description for a token to be made.
    Description,
    /// A chosen expiry for a token to be made.
    Expiry,
    /// That a token to be made never expires.
    NeverExpiring,
    /// Scopes for a token to be made.
    Scopes,
    /// That a token is made suspended.
    Suspended,
    /// A new name.
    NewName,
    /// A new description.
    NewDescription,
    /// Suspending a token.
    Suspending,
    /// Revoking by an id.
    RevokingById,
    /// Revoking by the secret.
    RevokingBySecret,
}

impl Refusal {
    pub(crate) async fn demand(self, scene: &Scene) -> Verdict {
        let provider = scene.provider();
        let id = TokenId::new("1");
        let secret = scene.made_up_secret();
        let consent = RevokeOptions::accept_replacement();
        let plain = scene.request("refused");
        match self {
            Self::Operation(operation) => demand_operation(scene, operation).await,
            Self::Name => {
                refused(
                    scene,
                    "a name",
                    provider.create(CreateToken::new("refused")),
                )
                .await
            }
            Self::Description => {
                let request = plain.with_description("refused");
                refused(scene, "a description", provider.create(request)).await
            }
            Self::Expiry => {
                let request = plain.with_expiry(scene.in_days(30));
                refused(scene, "a chosen expiry", provider.create(request)).await
            }
            Self::NeverExpiring => {
                let request = plain.without_expiry();
                refused(scene, "never expiring", provider.create(request)).await
            }
            Self::Scopes => {
                let request = plain.with_scope("refused");
                refused(scene, "scopes", provider.create(request)).await
            }
            Self::Suspended => {
                let request = plain.with_suspended();
                refused(scene, "being made suspended", provider.create(request)).await
            }
            Self::NewName => {
                let change = UpdateToken::rename("refused");
                refused(scene, "a new name", provider.update(&id, change)).await
            }
            Self::NewDescription => {
                let change = UpdateToken::default().with_description("refused");
                refused(scene, "a new description", provider.update(&id, change)).await
            }
            Self::Suspending => {
                for suspension in [Suspension::Suspend, Suspension::Resume] {
                    let mut change = UpdateToken::default();
                    change.suspension = Some(suspension);
                    refused(scene, "suspending", provider.update(&id, change)).await?;
                }
                Ok(())
            }
            Self::RevokingById => {
                let call = provider.revoke((&id).into(), consent);
                refused(scene, "revoking by id", call).await
            }
            Self::RevokingBySecret => {
                let call = provider.revoke((&secret).into(), consent);
                refused(scene, "revoking by secret", call).await
            }
        }
    }
}

async fn demand_operation(scene: &Scene, operation: Operation) -> Verdict {
    let provider = scene.provider();
    let id = TokenId::new("1");
    let secret = scene.made_up_secret();
    let consent = RevokeOptions::accept_replacement();
    match operation {
        Operation::List => {
            refused(scene, "listing", provider.list_page(PageRequest::first())).await
        }
        Operation::Get => refused(scene, "reading one token", provider.get(&id)).await,
        Operation::Create => {
            refused(scene, "creating", provider.create(CreateToken::unnamed())).await?;
            let request = CreateToken::new("refused").with_expiry(Timestamp::now());
            refused(scene, "creating", provider.create(request)).await
        }
        Operation::Update => {
            let call = provider.update(&id, UpdateToken::rename("refused"));
            refused(scene, "changing", call).await
        }
        Operation::Rotate => refused(scene, "rotating", provider.rotate(&id)).await,
        Operation::Renew => refused(scene, "renewing", provider.renew(&secret)).await,
        Operation::Revoke => {
            let by_id = provider.revoke((&id).into(), consent);
            refused(scene, "revoking by id", by_id).await?;
            let by_secret = provider.revoke((&secret).into(), consent);
            refused(scene, "revoking by secret", by_secret).await
        }
        Operation::Verify => refused(scene, "verifying", provider.verify(&secret)).await,
        _ => Ok(()),
    }
}

/// Demands that an undeclared call fails as unsupported and sends nothing.
pub(crate) async fn refused<T>(
    scene: &Scene,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> Verdict {
    refused_as(scene, ErrorKind::Unsupported, what, call).await
}

/// Demands that a call fails in that way and sends nothing.
pub(crate) async fn refused_as<T>(
    scene: &Scene,
    kind: ErrorKind,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> Verdict {
    let expected = format!(
        "{what} is refused as {} before anything is sent",
        kind.as_str()
    );
    let before = scene.fixture().requests();
    let error = failed(call.await, &expected)?;
    let sent = scene.fixture().requests() - before;
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
