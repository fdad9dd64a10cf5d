//! The check of a call against what a provider declares (law 1).

use std::time::Duration;

use crate::error::{Error, Operation, Result};
use crate::model::{Secret, Timestamp, TokenId, TokenRef};
use crate::provider::{
    ArgumentSupport, Capabilities, CreateCapability, CreateToken, LAST_PAGE, ListCapability,
    OperationCall, PagePosition, PageRequest, Paging, RequestedExpiry, RevocationEffect,
    RevokeCapability, RevokeOptions, UpdateCapability, UpdateToken,
};
use crate::query::SortBy;

impl Capabilities {
    /// Returns `true` if the operation is declared at all.
    #[must_use]
    pub fn supports(&self, operation: Operation) -> bool {
        match operation {
            Operation::List => self.list.is_some(),
            Operation::Get => self.get,
            Operation::Create => self.create.is_some(),
            Operation::Update => self.update.is_some(),
            Operation::Rotate => self.rotate,
            Operation::Renew => self.renew.is_some(),
            Operation::Revoke => self.revoke.is_some(),
            Operation::Verify => self.verify,
            Operation::Whoami => self.whoami,
        }
    }

    /// Checks a call before anything is sent.
    ///
    /// Every [`Adapter`](crate::adapter::Adapter) gets this check without calling it. Call it
    /// yourself to find out early, for example before asking a person for confirmation.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an operation or an argument that is not
    /// declared, [`InvalidInput`](crate::ErrorKind::InvalidInput) for an argument that is missing,
    /// empty or too long, or that needs consent, and
    /// [`Configuration`](crate::ErrorKind::Configuration) for a write to an account that is
    /// [read-only](Self::read_only). The fate is always [`NotSent`](crate::Fate::NotSent).
    pub fn check(&self, call: OperationCall<'_>) -> Result<()> {
        let operation = call.operation();
        self.check_call(call)
            .map_err(|error| error.with_operation(operation))
    }

    fn check_call(&self, call: OperationCall<'_>) -> Result<()> {
        let operation = call.operation();
        if !self.supports(operation) {
            return Err(match self.unavailable.get(&operation) {
                Some(advice) => {
                    Error::unsupported("this operation is not available to this account")
                        .with_advice(advice.as_str())
                }
                None => Error::unsupported(format!("the platform cannot {}", describe(operation))),
            });
        }
        if let Some(setting) = self.read_only.as_deref().filter(|_| operation.is_write()) {
            return Err(read_only_error(setting));
        }
        match call {
            OperationCall::List(request) => check_with(&self.list, |list| list.check(request)),
            OperationCall::Get(id) | OperationCall::Rotate(id) => check_id(id),
            OperationCall::Create(request) => {
                check_with(&self.create, |create| create.check(request))
            }
            OperationCall::Update(id, change) => {
                check_id(id)?;
                check_with(&self.update, |update| update.check(change))
            }
            OperationCall::Revoke(token, options) => check_with(&self.revoke, |revoke| {
                revoke.check(token, options)?;
                // Its record decides, which is read first.
                let is_told =
                    self.get && matches!(token, TokenRef::Id(_)) && revoke.tokens_alone.is_some();
                match &revoke.cascade {
                    Some(others) if !options.accept_cascade && !is_told => {
                        Err(needs_cascade_consent(others))
                    }
                    _ => Ok(()),
                }
            }),
            OperationCall::Renew(secret) | OperationCall::Verify(secret) => check_secret(secret),
            OperationCall::Whoami => Ok(()),
        }
    }
}

/// Creates the error for a write to an account that this setting makes read-only.
pub(super) fn read_only_error(setting: &str) -> Error {
    Error::configuration("the account is read-only")
        .with_advice(format!("to allow changes, remove {setting}"))
}

/// Creates the error for a revocation that may revoke others, which nobody has accepted.
pub(super) fn needs_cascade_consent(others: &str) -> Error {
    Error::invalid_input(format!("revoking this token may also revoke {others}"))
        .with_advice("accept the cascade if the other tokens may be revoked too")
}

/// Describes an operation, to complete "the platform cannot …".
fn describe(operation: Operation) -> &'static str {
    match operation {
        Operation::List => "list tokens",
        Operation::Get => "get a token by its id",
        Operation::Create => "create tokens",
        Operation::Update => "update tokens",
        Operation::Rotate => "rotate tokens",
        Operation::Renew => "renew secrets",
        Operation::Revoke => "revoke secrets",
        Operation::Verify => "verify secrets",
        Operation::Whoami => "say whom an account acts as",
    }
}

/// Runs a check of a capability that [`Capabilities::supports`] has already found.
fn check_with<C>(capability: &Option<C>, check: impl FnOnce(&C) -> Result<()>) -> Result<()> {
    capability.as_ref().map_or(Ok(()), check)
}

impl ListCapability {
    fn check(&self, request: &PageRequest) -> Result<()> {
        if let Some(size) = request.size {
            self.check_page_size(size)?;
        }
        match (&request.position, self.paging) {
            (PagePosition::Number(number), _) if *number > LAST_PAGE => {
                return Err(Error::invalid_input("the page number is too large"));
            }
            (PagePosition::Number(_), Paging::Snapshot | Paging::Keyset | Paging::Sequential) => {
                return Err(unsupported("page numbers"));
            }
            (PagePosition::Token(_), Paging::Numbered) => return Err(unsupported("page tokens")),
            _ => {}
        }
        if let Some(filter) = &request.filter {
            require(self.filters.covers(filter), "this filter")?;
        }
        if let Some(sort) = &request.sort {
            let plain = *sort == SortBy::new(sort.key, sort.direction);
            require(plain && self.serves(*sort), "this sort order")?;
        }
        Ok(())
    }

    /// Rejects a page size of 0 or beyond the platform's largest.
    pub(crate) fn check_page_size(&self, size: u32) -> Result<()> {
        match self.max_page_size {
            _ if size == 0 => Err(Error::invalid_input("the page size must be at least 1")),
            Some(max) if size > max => Err(Error::invalid_input(format!(
                "the page size {size} is larger than the maximum of {max}"
            ))),
            _ => Ok(()),
        }
    }
}

impl CreateCapability {
    fn check(&self, request: &CreateToken) -> Result<()> {
        match (self.name, &request.name) {
            (ArgumentSupport::Required, None) => {
                return Err(
                    Error::invalid_input("the token needs a name").with_advice("pass a name")
                );
            }
            (ArgumentSupport::Unsupported, Some(_)) => return Err(unsupported("token names")),
            (_, Some(name)) => check_name(name, self.max_name_length)?,
            (_, None) => {}
        }
        require_if(
            request.description.is_some(),
            self.description,
            "token descriptions",
        )?;
        require_if(request.scopes.is_some(), self.scopes, "token scopes")?;
        require_if(
            request.suspended,
            self.suspended,
            "creating a token suspended",
        )?;
        match request.expiry {
            RequestedExpiry::At(at) => {
                require(self.expiry, "choosing an expiry")?;
                self.check_max_lifetime(Timestamp::now().duration_until(at))
            }
            RequestedExpiry::In(lifetime) => {
                require(self.expiry, "choosing an expiry")?;
                if lifetime.as_secs() == 0 {
                    return Err(Error::invalid_input(
                        "the lifetime is shorter than a second",
                    ));
                }
                self.check_max_lifetime(lifetime)
            }
            RequestedExpiry::Never => require(self.never_expiring, "tokens that never expire"),
            RequestedExpiry::PlatformDefault if self.required_expiry => {
                Err(Error::invalid_input("the token needs an expiry").with_advice("pass an expiry"))
            }
            RequestedExpiry::PlatformDefault => Ok(()),
        }?;
        self.check_arguments(request)
    }

    /// Rejects a lifetime that is longer than the platform's longest.
    fn check_max_lifetime(&self, lifetime: Duration) -> Result<()> {
        match self.max_lifetime {
            Some(max) if lifetime > max => Err(Error::invalid_input(format!(
                "the lifetime is longer than the maximum of {} seconds",
                max.as_secs()
            ))),
            _ => Ok(()),
        }
    }
}

impl UpdateCapability {
    fn check(&self, change: &UpdateToken) -> Result<()> {
        if *change == UpdateToken::default() {
            return Err(self.empty_update());
        }
        require_if(change.name.is_some(), self.name, "renaming a token")?;
        require_if(
            change.description.is_some(),
            self.description,
            "changing a description",
        )?;
        require_if(
            change.suspension.is_some(),
            self.suspension,
            "suspending or resuming tokens",
        )?;
        match &change.name {
            Some(name) => check_name(name, self.max_name_length),
            None => Ok(()),
        }
    }

    /// Creates an error for an update without a change, which names what can be changed.
    fn empty_update(&self) -> Error {
        let fields = [
            (self.name, "name"),
            (self.description, "description"),
            (self.suspension, "suspension"),
        ];
        let fields: Vec<_> = fields
            .into_iter()
            .filter_map(|(can_change, field)| can_change.then_some(field))
            .collect();
        let error = Error::invalid_input("the update changes nothing");
        if fields.is_empty() {
            error
        } else {
            error.with_advice(format!(
                "change one of the token's fields: {}",
                fields.join(", ")
            ))
        }
    }
}

impl RevokeCapability {
    fn check(&self, token: TokenRef<'_>, options: &RevokeOptions) -> Result<()> {
        match token {
            TokenRef::Id(_) if !self.by_id => {
                return Err(
                    Error::unsupported("the platform revokes tokens by secret, not by id")
                        .with_advice("pass the secret instead of the id"),
                );
            }
            TokenRef::Secret(_) if !self.by_secret => {
                return Err(
                    Error::unsupported("the platform revokes tokens by id, not by secret")
                        .with_advice(
                            "find the token's id in a listing, and pass it instead of the secret",
                        ),
                );
            }
            TokenRef::Id(id) => check_id(id)?,
            TokenRef::Secret(secret) => check_secret(secret)?,
        }
        if self.effect == RevocationEffect::Replaced && !options.accept_replacement {
            return Err(Error::invalid_input(
                "the platform can revoke this secret only by replacing it",
            )
            .with_advice("accept the replacement, and store or discard the new secret"));
        }
        Ok(())
    }

    /// Returns the options to revoke a token that the library itself created, or `None` if that may
    /// revoke others too.
    pub(crate) fn options_for_created(&self) -> Option<RevokeOptions> {
        let options = RevokeOptions::default().with_existed();
        match self.cascade {
            None => Some(options),
            Some(_) if self.created_tokens_alone => Some(options.with_cascade_accepted()),
            Some(_) => None,
        }
    }
}

fn check_id(id: &TokenId) -> Result<()> {
    if id.as_str().is_empty() {
        return Err(Error::invalid_input("the token id is empty"));
    }
    Ok(())
}

/// Rejects what cannot be a token: the platform would refuse it like a dead one (decision 0013).
fn check_secret(secret: &Secret) -> Result<()> {
    match secret.defect() {
        None => Ok(()),
        Some(defect) => Err(Error::invalid_input(format!("the secret {defect}"))),
    }
}

fn check_name(name: &str, max_length: Option<usize>) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid_input("the name is empty"));
    }
    match max_length {
        Some(max) if name.chars().count() > max => Err(Error::invalid_input(format!(
            "the name is longer than the maximum of {max} characters"
        ))),
        _ => Ok(()),
    }
}

/// Rejects an argument that is given although it is not supported.
fn require_if(given: bool, supported: bool, what: &str) -> Result<()> {
    require(!given || supported, what)
}

/// Rejects an argument that is not supported.
fn require(supported: bool, what: &str) -> Result<()> {
    if supported {
        Ok(())
    } else {
        Err(unsupported(what))
    }
}

/// Creates an error for an argument that the platform does not support.
fn unsupported(what: &str) -> Error {
    Error::unsupported(format!("the platform does not support {what}"))
}
