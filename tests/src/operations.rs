//! Drivers that perform each operation on any provider.

use tokenfleet_core::adapter::{Page, PageRequest};
use tokenfleet_core::capability::ArgumentSupport;
use tokenfleet_core::query::SortBy;
use tokenfleet_core::{
    CreateToken, Direction, Filter, Identity, IssuedToken, Liveness, Operation, RenewedToken,
    Result, Revocation, RevokeOptions, Secret, SortKey, Token, TokenId, TokenProvider, TokenRef,
    UpdateToken,
};

/// The token that an operation acts on.
#[derive(Debug)]
pub struct Target {
    /// The id, for the operations that take one.
    pub id: TokenId,
    /// The secret, for the operations that take one.
    pub secret: Secret,
}

impl Target {
    /// Returns a second copy.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            id: self.id.clone(),
            secret: self.secret.duplicate(),
        }
    }

    /// Returns the reference by which the provider revokes the token.
    #[must_use]
    pub fn to_revoke(&self, provider: &dyn TokenProvider) -> TokenRef<'_> {
        let declared = provider.capabilities().revoke.as_ref();
        if declared.is_some_and(|revoke| revoke.by_secret) {
            TokenRef::Secret(&self.secret)
        } else {
            TokenRef::Id(&self.id)
        }
    }
}

/// The result of an operation that succeeded.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum Success {
    Page(Page),
    Token(Token),
    Issued(IssuedToken),
    Renewed(RenewedToken),
    Revoked(Revocation),
    Verified(Liveness),
    Identified(Identity),
}

/// Returns a request to create a token of that name, unnamed where the platform takes no names.
#[must_use]
pub fn create_request(provider: &dyn TokenProvider, name: &str) -> CreateToken {
    let declared = provider.capabilities().create.clone().unwrap_or_default();
    if declared.name == ArgumentSupport::Unsupported {
        CreateToken::unnamed()
    } else {
        CreateToken::new(name)
    }
}

/// Performs an operation on `target`, or creates a token named `name`; a list is its first page.
///
/// # Errors
///
/// Returns the provider's error.
pub async fn perform(
    provider: &dyn TokenProvider,
    operation: Operation,
    target: &Target,
    name: &str,
) -> Result<Success> {
    let Target { id, secret } = target;
    Ok(match operation {
        Operation::List => Success::Page(provider.list_page(PageRequest::first()).await?),
        Operation::Get => Success::Token(provider.get(id).await?),
        Operation::Create => {
            let request = create_request(provider, name);
            Success::Issued(provider.create(request).await?)
        }
        Operation::Update => {
            let update = UpdateToken::rename(name);
            Success::Token(provider.update(id, update).await?)
        }
        Operation::Rotate => Success::Issued(provider.rotate(id).await?),
        Operation::Renew => Success::Renewed(provider.renew(secret).await?),
        Operation::Revoke => {
            let options = RevokeOptions::accept_replacement();
            let token = target.to_revoke(provider);
            Success::Revoked(provider.revoke(token, options).await?)
        }
        Operation::Verify => Success::Verified(provider.verify(secret).await?),
        Operation::Whoami => Success::Identified(provider.whoami().await?),
        other => unreachable!("no driver for {other}"),
    })
}

/// Performs everything that the provider declares on a new token, and returns the token.
///
/// # Errors
///
/// Returns the provider's first error.
pub async fn perform_all(provider: &dyn TokenProvider) -> Result<Target> {
    use Operation::{Get, Renew, Revoke, Rotate, Update, Verify};

    let declared = provider.capabilities().clone();
    let mut request = create_request(provider, "ci");
    if declared.create.as_ref().is_some_and(|create| create.expiry) {
        request = request.with_expiry("2099-01-31T12:00:00Z".parse().expect("a time"));
    }
    let issued = provider.create(request).await?;
    let token = Target {
        id: issued.token.id,
        secret: issued.secret,
    };
    if let Some(list) = &declared.list {
        let mut page = PageRequest::first().size(5);
        if list.order(SortKey::Id).is_some() {
            page.sort = Some(SortBy::new(SortKey::Id, Direction::Descending));
        }
        if declared.get {
            page.filter = Some(Filter::name("ci"));
        }
        provider.list_page(page).await?;
    }
    if declared.update.is_some() {
        provider.update(&token.id, UpdateToken::suspend()).await?;
    }
    for operation in [Get, Update, Renew, Verify, Rotate, Revoke] {
        if declared.supports(operation) {
            perform(provider, operation, &token, "cd").await?;
        }
    }
    Ok(token)
}
