//! The operations of each platform, performed on a token that exists.

use std::sync::Arc;

use tokenfleet_core::{
    Liveness, Operation, Query, Result, RevocationOutcome, Secret, TokenProvider, TokenProviderExt,
};
use tokenfleet_tests::{Success, Target, perform};

/// An operation, and the requests of it that meet the fault.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    /// The method of the requests that meet the fault, or `None` for all requests.
    pub(crate) method: Option<&'static str>,
    /// `true` if the token is deleted beforehand.
    pub(crate) gone: bool,
}

/// Returns the columns of an account.
pub(crate) fn columns((platform, acting): (&str, &str)) -> Vec<Column> {
    use Operation::{Create, Get, List, Renew, Revoke, Rotate, Update, Verify, Whoami};

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
            vec![List, Get, Create, Verify, Whoami],
            vec![
                part("revoke: GET", "GET", false),
                part("revoke: DELETE", "DELETE", false),
            ],
        ),
        "cloudsmith" if acting == "service accounts" => (
            vec![List, Get, Create, Update, Rotate],
            vec![
                part("revoke: GET", "GET", false),
                part("revoke: DELETE", "DELETE", false),
            ],
        ),
        "cloudsmith" => (vec![List, Create, Rotate, Revoke, Verify, Whoami], vec![]),
        _ => (
            vec![Create, Renew, Revoke],
            vec![part("revoke a gone token: POST", "POST", true)],
        ),
    };
    operations.into_iter().map(whole).chain(parts).collect()
}

/// The outcome that an operation reports on success.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The ids of the listed tokens, and whether the listing claims to be complete.
    Listed {
        ids: Vec<String>,
        complete: bool,
    },
    /// The id of the token that was read.
    Read(String),
    /// A write that was applied, with the secret that works from now on.
    Applied(Option<Secret>),
    /// A revocation of a token that was already gone.
    AlreadyGone,
    Verified(Liveness),
    /// The id of whom the account acts as.
    Identified(String),
}

/// Performs the operation of a column.
pub(crate) async fn run(
    provider: Arc<dyn TokenProvider>,
    operation: Operation,
    target: Target,
) -> Result<Outcome> {
    if operation == Operation::List {
        let list = provider.list_all(Query::new().page_size(2)).await?;
        let ids = list.tokens.iter().map(|token| token.id.to_string());
        return Ok(Outcome::Listed {
            ids: ids.collect(),
            complete: list.completeness.is_complete(),
        });
    }
    let success = perform(&*provider, operation, &target, "renamed").await?;
    Ok(match success {
        Success::Token(token) if operation == Operation::Get => Outcome::Read(token.id.to_string()),
        Success::Token(_) => Outcome::Applied(Some(target.secret)),
        Success::Issued(issued) => Outcome::Applied(Some(issued.secret)),
        Success::Renewed(renewed) => {
            Outcome::Applied(Some(renewed.secret.unwrap_or(target.secret)))
        }
        Success::Revoked(revocation) if revocation.outcome == RevocationOutcome::Revoked => {
            Outcome::Applied(revocation.replacement.map(|issued| issued.secret))
        }
        Success::Revoked(_) => Outcome::AlreadyGone,
        Success::Verified(liveness) => Outcome::Verified(liveness),
        Success::Identified(identity) => Outcome::Identified(identity.principal.id().to_owned()),
        Success::Page(_) => unreachable!("lists are read whole"),
    })
}
