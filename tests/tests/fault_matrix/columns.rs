//! What is asked of a platform, with a token that exists.

use std::sync::Arc;

use tokenfleet_core::{
    CreateToken, Liveness, Operation, Query, Result, RevokeOptions, Secret, TokenId, TokenProvider,
    TokenProviderExt, UpdateToken,
};

/// An operation, and which of its requests meet the fault.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    /// The method of the requests that meet the fault; `None`: all of them.
    pub(crate) method: Option<&'static str>,
    /// Whether the token is gone beforehand.
    pub(crate) gone: bool,
}

/// What a platform is asked.
pub(crate) fn columns(platform: &str) -> Vec<Column> {
    use Operation::{Create, Get, List, Renew, Revoke, Rotate, Update, Verify};

    let whole = |operation: Operation| Column {
        name: operation.as_str(),
        operation,
        method: None,
        gone: false,
    };
    let part = |name, method, gone| Column {
        name,
        operation: Revoke,
        method: Some(method),
        gone,
    };
    let (operations, parts) = match platform {
        "losant" => (vec![List, Get, Create, Update, Revoke, Verify], vec![]),
        "foreman" => (
            vec![List, Get, Create, Verify],
            vec![
                part("revoke: GET", "GET", false),
                part("revoke: DELETE", "DELETE", false),
            ],
        ),
        "cloudsmith" => (vec![List, Create, Rotate, Revoke, Verify], vec![]),
        _ => (
            vec![Create, Renew, Revoke],
            vec![part("revoke what is gone: POST", "POST", true)],
        ),
    };
    operations.into_iter().map(whole).chain(parts).collect()
}

/// What an operation that succeeded says.
#[derive(Debug)]
pub(crate) enum Answered {
    /// All tokens there are, by their ids, if the listing says so.
    Listed {
        ids: Vec<String>,
        complete: bool,
    },
    /// One token, by its id.
    Read(String),
    /// It was done; the secret that works from now on.
    Done(Option<Secret>),
    /// It was done before.
    DoneBefore,
    Verified(Liveness),
}

/// Asks for the operation of a column.
pub(crate) async fn ask(
    provider: Arc<dyn TokenProvider>,
    operation: Operation,
    id: TokenId,
    secret: Secret,
) -> Result<Answered> {
    Ok(match operation {
        Operation::List => {
            let list = provider.list_all(Query::new().page_size(2)).await?;
            let ids = list.tokens.iter().map(|token| token.id.to_string());
            Answered::Listed {
                ids: ids.collect(),
                complete: list.completeness.is_complete(),
            }
        }
        Operation::Get => Answered::Read(provider.get(&id).await?.id.to_string()),
        Operation::Create => {
            let request = match provider.account().provider() {
                "losant" | "foreman" => CreateToken::new("made"),
                _ => CreateToken::unnamed(),
            };
            Answered::Done(Some(provider.create(request).await?.secret))
        }
        Operation::Update => {
            let change = UpdateToken::rename("renamed");
            provider.update(&id, change).await?;
            Answered::Done(Some(secret))
        }
        Operation::Rotate => Answered::Done(Some(provider.rotate(&id).await?.secret)),
        Operation::Renew => {
            let renewed = provider.renew(&secret).await?;
            Answered::Done(Some(renewed.secret.unwrap_or(secret)))
        }
        Operation::Revoke => {
            let (token, options) = match provider.account().provider() {
                "mindbody" => ((&secret).into(), RevokeOptions::default()),
                "cloudsmith" => ((&id).into(), RevokeOptions::accept_replacement()),
                _ => ((&id).into(), RevokeOptions::default()),
            };
            let revocation = provider.revoke(token, options).await?;
            match revocation.outcome.as_str() {
                "revoked" => {
                    Answered::Done(revocation.replacement.map(|replacement| replacement.secret))
                }
                _ => Answered::DoneBefore,
            }
        }
        _ => Answered::Verified(provider.verify(&secret).await?),
    })
}
