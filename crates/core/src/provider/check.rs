//! The one place that decides whether a call fits what a provider declares.

use crate::error::{Error, Operation, Result};
use crate::model::TokenRef;
use crate::provider::LAST_PAGE;
use crate::provider::{
    Argument, Call, Capabilities, CreateToken, ListCapability, PagePosition, PageRequest, Paging,
    RequestedExpiry, RevocationEffect, RevokeOptions, UpdateToken,
};
use crate::query::SortBy;

impl Capabilities {
    /// Whether the operation is declared at all.
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
        }
    }

    /// Judges a call before anything is sent. Every provider calls this first in every method.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for an operation or argument that is not declared,
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for one that is missing, empty, too long or without a needed
    /// consent. The fate is always [`NotSent`](crate::Fate::NotSent).
    pub fn check(&self, call: Call<'_>) -> Result<()> {
        let operation = call.operation();
        self.judge(call)
            .map_err(|error| error.with_operation(operation))
    }

    /// The refusal of a call that a provider does not offer: the whole body of such a method.
    #[must_use]
    pub fn refuse(&self, call: Call<'_>) -> Error {
        let operation = call.operation();
        let refusal = self.check(call).err();
        refusal.unwrap_or_else(|| {
            Error::unsupported("the provider declares an operation that it does not have")
                .with_operation(operation)
        })
    }

    fn judge(&self, call: Call<'_>) -> Result<()> {
        if !self.supports(call.operation()) {
            let withheld = self.withheld.get(&call.operation());
            return Err(match withheld {
                Some(advice) => Error::unsupported("the operation is not offered to this account")
                    .with_advice(advice.as_str()),
                None => Error::unsupported("the platform has no such operation"),
            });
        }
        match call {
            Call::List(request) => self
                .list
                .as_ref()
                .map_or(Ok(()), |list| list.judge(request)),
            Call::Get(token) | Call::Rotate(token) => by_id(token),
            Call::Renew(token) => by_secret(token),
            Call::Create(request) => self.judge_create(request),
            Call::Update(token, change) => by_id(token).and_then(|()| self.judge_update(change)),
            Call::Revoke(token, options) => self.judge_revoke(token, options),
            Call::Verify(secret) => by_secret(secret.into()),
        }
    }

    fn judge_create(&self, request: &CreateToken) -> Result<()> {
        let Some(create) = &self.create else {
            return Ok(());
        };
        match (create.name, &request.name) {
            (Argument::Required, None) => {
                return Err(Error::invalid_input("a token needs a name here"));
            }
            (Argument::Unsupported, Some(_)) => return Err(refused("a name")),
            (_, Some(name)) => check_name(name, create.longest_name)?,
            _ => {}
        }
        refuse_unless(
            create.description,
            request.description.is_some(),
            "a description",
        )?;
        refuse_unless(create.scopes, request.scopes.is_some(), "scopes")?;
        refuse_unless(create.suspended, request.suspended, "being made suspended")?;
        match request.expiry {
            RequestedExpiry::At(_) => refuse_unless(create.expiry, true, "a chosen expiry"),
            RequestedExpiry::Never => refuse_unless(create.never_expiring, true, "never expiring"),
            RequestedExpiry::PlatformDefault => Ok(()),
        }
    }

    fn judge_update(&self, change: &UpdateToken) -> Result<()> {
        let Some(update) = &self.update else {
            return Ok(());
        };
        if *change == UpdateToken::default() {
            return Err(Error::invalid_input("there is nothing to change"));
        }
        refuse_unless(update.name, change.name.is_some(), "a new name")?;
        refuse_unless(
            update.description,
            change.description.is_some(),
            "a new description",
        )?;
        refuse_unless(update.suspension, change.suspension.is_some(), "suspending")?;
        match &change.name {
            Some(name) => check_name(name, update.longest_name),
            None => Ok(()),
        }
    }

    fn judge_revoke(&self, token: TokenRef<'_>, options: &RevokeOptions) -> Result<()> {
        let Some(revoke) = &self.revoke else {
            return Ok(());
        };
        match token {
            TokenRef::Id(_) if !revoke.by_id => {
                return Err(Error::unsupported(
                    "a token is revoked by its secret here, not by an id",
                )
                .with_advice("give the secret itself"));
            }
            TokenRef::Secret(_) if !revoke.by_secret => {
                return Err(Error::unsupported(
                    "a token is revoked by its id here, not by its secret",
                )
                .with_advice("list the tokens to find the id"));
            }
            TokenRef::Id(_) => by_id(token)?,
            TokenRef::Secret(_) => by_secret(token)?,
        }
        if revoke.effect == RevocationEffect::Replaced && !options.accept_replacement {
            return Err(
                Error::invalid_input("a secret can only be killed by replacing it here")
                    .with_advice("accept the replacement, and store or discard the new secret"),
            );
        }
        Ok(())
    }
}

impl ListCapability {
    fn judge(&self, request: &PageRequest) -> Result<()> {
        match (request.size, self.largest_page) {
            (Some(0), _) => return Err(Error::invalid_input("a page holds at least one token")),
            (Some(size), Some(largest)) if size > largest => {
                return Err(Error::invalid_input(format!(
                    "a page of {size} tokens is larger than the {largest} allowed here"
                )));
            }
            _ => {}
        }
        match (&request.position, self.paging) {
            (PagePosition::Number(number), _) if *number > LAST_PAGE => {
                return Err(Error::invalid_input("there is no page of that number"));
            }
            (PagePosition::Number(_), Paging::Snapshot | Paging::Sequential) => {
                return Err(refused("a page number"));
            }
            (PagePosition::Token(_), Paging::Numbered) => return Err(refused("a page token")),
            _ => {}
        }
        if let Some(filter) = &request.filter {
            refuse_unless(self.filters.covers(filter), true, "this filter")?;
        }
        if let Some(sort) = &request.sort {
            let usual = *sort == SortBy::new(sort.key, sort.direction);
            refuse_unless(usual && self.order(sort.key).is_some(), true, "this order")?;
        }
        Ok(())
    }
}

fn refused(what: &str) -> Error {
    Error::unsupported(format!("the platform does not take {what}"))
}

fn refuse_unless(supported: bool, given: bool, what: &str) -> Result<()> {
    if given && !supported {
        return Err(refused(what));
    }
    Ok(())
}

fn by_id(token: TokenRef<'_>) -> Result<()> {
    match token {
        TokenRef::Id(id) if id.as_str().is_empty() => {
            Err(Error::invalid_input("the token's id is empty"))
        }
        TokenRef::Id(_) => Ok(()),
        TokenRef::Secret(_) => Err(Error::unsupported("the token must be given by its id here")),
    }
}

fn by_secret(token: TokenRef<'_>) -> Result<()> {
    match token {
        TokenRef::Secret(secret) if secret.expose().is_empty() => {
            Err(Error::invalid_input("the secret is empty"))
        }
        TokenRef::Secret(_) => Ok(()),
        TokenRef::Id(_) => Err(Error::unsupported(
            "the token must be given by its secret here",
        )),
    }
}

fn check_name(name: &str, longest: Option<usize>) -> Result<()> {
    if name.trim().is_empty() {
        return Err(Error::invalid_input("the name is empty"));
    }
    match longest {
        Some(longest) if name.chars().count() > longest => Err(Error::invalid_input(format!(
            "the name is longer than the {longest} characters allowed here"
        ))),
        _ => Ok(()),
    }
}
