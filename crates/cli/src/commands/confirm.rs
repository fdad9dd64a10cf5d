//! Checks and confirmation before tokens are revoked.

use tokenfleet::capability::OperationCall;
use tokenfleet::workflow::{PlannedToken, RevokeManyOptions};
use tokenfleet::{
    Error, Operation, Result, RevocationEffect, RevocationPlan, RevokeOptions, TokenId,
    TokenProvider, TokenRef,
};

use super::question;
use super::subject::Subject;
use crate::output::displayed_id;
use crate::program_name::command_line;

/// The largest number of tokens in a message.
const MAX_SHOWN: usize = 20;

/// Rejects a revocation that cannot succeed, before anybody is asked to confirm it.
pub(super) fn check(
    provider: &dyn TokenProvider,
    token: TokenRef<'_>,
    options: &RevokeOptions,
) -> Result<()> {
    // Once this passes, the only thing that the second check can miss is the consent.
    let consent = RevokeOptions::accept_replacement().with_cascade_accepted();
    let capabilities = provider.capabilities();
    let checked = capabilities
        .check(OperationCall::Revoke(token, &consent))
        .and_then(|()| {
            let checked = capabilities.check(OperationCall::Revoke(token, options));
            checked.map_err(|error| {
                let replaces = (capabilities.revoke.as_ref())
                    .is_some_and(|revoke| revoke.effect == RevocationEffect::Replaced);
                error.with_advice(if replaces && !options.accept_replacement {
                    "accept this with --accept-replacement, and store or discard the new secret"
                } else {
                    "accept this with --accept-cascade"
                })
            })
        });
    checked.map_err(|error| {
        let error = Subject::from(token).add_to(error);
        let error = error.with_account(provider.account());
        match token {
            // The advice of the check is for a program: a secret must not be typed as an argument.
            TokenRef::Id(_) if needs_secret(provider) => {
                error.with_advice("pass the secret with --secret-env or --secret-file")
            }
            _ => error,
        }
    })
}

/// Rejects work on a platform that cannot revoke by id, before anything is read.
///
/// The error begins with `consequence`, such as "cannot plan".
pub(super) fn check_revocable_by_id(provider: &dyn TokenProvider, consequence: &str) -> Result<()> {
    // The id does not matter. Consent is checked when the plan is carried out.
    let id = TokenId::new("any");
    let consent = RevokeOptions::accept_replacement().with_cascade_accepted();
    // A plan may be written for a read-only account, and be carried out elsewhere.
    let mut capabilities = provider.capabilities().clone();
    capabilities.read_only = None;
    let checked = capabilities.check(OperationCall::Revoke((&id).into(), &consent));
    checked.map_err(|error| {
        // Not the error itself, which says that a revocation failed: none was asked for.
        let (reason, advice) = if needs_secret(provider) {
            let advice = format!("use `{}`", command_line("revoke --secret-file FILE"));
            ("revokes tokens by secret, not by id", Some(advice))
        } else {
            let advice = error.advice().map(str::to_owned);
            ("cannot revoke tokens for this account", advice)
        };
        let message = format!("{consequence}: the platform {reason}");
        let refusal = Error::unsupported(message).with_account(provider.account());
        match advice {
            Some(advice) => refusal.with_advice(advice),
            None => refusal,
        }
    })
}

/// Returns `true` if the platform revokes tokens only by their secrets.
fn needs_secret(provider: &dyn TokenProvider) -> bool {
    let revoke = provider.capabilities().revoke.as_ref();
    revoke.is_some_and(|revoke| !revoke.by_id)
}

/// Returns the ids, or the first of many, separated by commas.
pub(super) fn id_list<'a>(ids: impl IntoIterator<Item = &'a TokenId>) -> String {
    list(ids.into_iter().map(displayed_id))
}

fn list(words: impl IntoIterator<Item = String>) -> String {
    let mut words: Vec<_> = words.into_iter().take(MAX_SHOWN + 1).collect();
    if words.len() > MAX_SHOWN {
        words.truncate(MAX_SHOWN);
        words.push("…".to_owned());
    }
    words.join(", ")
}

/// Describes tokens by their names in the plan, or else by those that the platform reports.
async fn describe(provider: &dyn TokenProvider, tokens: &[&PlannedToken]) -> Vec<String> {
    let mut described = Vec::new();
    // One more shows that the list goes on.
    for token in tokens.iter().take(MAX_SHOWN + 1) {
        described.push(
            if token.name.is_reported() || described.len() == MAX_SHOWN {
                question::describe(&token.id, &token.name)
            } else {
                question::describe_by_id(provider, &token.id).await
            },
        );
    }
    described
}

/// Asks for confirmation to revoke the token of a secret.
pub(super) fn ask_about_secret(provider: &dyn TokenProvider) -> Result<()> {
    question::require_terminal(provider, Operation::Revoke)?;
    let tokens = "the token with this secret";
    // Without the consent to revoke others, the secret was refused before.
    let question = question(provider, tokens, &consequences(provider, 1, true));
    require_yes(&question).map_err(|error| error.with_account(provider.account()))
}

/// Asks once for confirmation to carry out the plans of one account or more.
pub(super) async fn ask(
    plans: &[(&dyn TokenProvider, RevocationPlan)],
    options: RevokeManyOptions,
) -> Result<()> {
    let suspends = options.suspend_instead;
    if let [(provider, plan)] = plans {
        question::require_terminal(*provider, Operation::Revoke)?;
        let question = question_about_plan(*provider, plan, options).await;
        return require_yes(&question).map_err(|error| error.with_account(provider.account()));
    }
    question::check_terminal(Operation::Revoke)?;
    let mut lines = Vec::new();
    let (mut tokens, mut accounts) = (0, 0);
    for (provider, plan) in plans {
        let planned: Vec<_> = plan.planned().collect();
        if planned.is_empty() {
            continue;
        }
        tokens += planned.len();
        accounts += 1;
        if accounts > MAX_SHOWN {
            continue;
        }
        let described = list(describe(*provider, &planned).await);
        let effect = if suspends {
            String::new()
        } else {
            let accepts_cascade = options.revoke_options.accept_cascade;
            consequences(*provider, planned.len(), accepts_cascade)
        };
        let account = provider.account();
        lines.push(format!(
            "{account}: {}.{effect}",
            counted(planned.len(), &described)
        ));
    }
    if accounts > MAX_SHOWN {
        lines.push(format!("… and {} other accounts", accounts - MAX_SHOWN));
    }
    question::show(lines);
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let (of_tokens, of_accounts) = (plural(tokens), plural(accounts));
    let what = format!("{tokens} token{of_tokens} in {accounts} account{of_accounts}");
    require_yes(&if suspends {
        format!("Suspend {what}? They stop working until they are resumed. [y/N] ")
    } else {
        format!("Permanently revoke {what}? [y/N] ")
    })
}

async fn question_about_plan(
    provider: &dyn TokenProvider,
    plan: &RevocationPlan,
    options: RevokeManyOptions,
) -> String {
    let planned: Vec<_> = plan.planned().collect();
    let described = list(describe(provider, &planned).await);
    let tokens = counted(planned.len(), &described);
    if options.suspend_instead {
        let account = provider.account();
        let they = if planned.len() == 1 {
            "It stops working until it is"
        } else {
            "They stop working until they are"
        };
        return format!("Suspend {tokens} in {account}? {they} resumed. [y/N] ");
    }
    let accepts_cascade = options.revoke_options.accept_cascade;
    let consequences = consequences(provider, planned.len(), accepts_cascade);
    question(provider, &tokens, &consequences)
}

/// Names one token, or the number of several and their names.
fn counted(count: usize, described: &str) -> String {
    match count {
        1 => format!("token {described}"),
        _ => format!("{count} tokens ({described})"),
    }
}

fn require_yes(question: &str) -> Result<()> {
    if question::is_confirmed(question) {
        return Ok(());
    }
    Err(Error::invalid_input("not confirmed: nothing was changed"))
}

fn question(provider: &dyn TokenProvider, tokens: &str, consequences: &str) -> String {
    let account = provider.account();
    format!("Permanently revoke {tokens} in {account}?{consequences} [y/N] ")
}

/// Describes what happens to the records of revoked tokens, and to other tokens. Without the
/// consent to revoke others, only tokens that take none along are revoked.
fn consequences(provider: &dyn TokenProvider, count: usize, accepts_cascade: bool) -> String {
    let records = if count == 1 {
        "its record"
    } else {
        "their records"
    };
    let revoke = provider.capabilities().revoke.as_ref();
    let effect = match revoke.map(|revoke| revoke.effect) {
        Some(RevocationEffect::Deleted) => format!(" This deletes {records}."),
        Some(RevocationEffect::Marked) => format!(" This keeps {records}, marked as revoked."),
        Some(RevocationEffect::Replaced) => {
            " This issues a new secret; the old one stops working immediately.".to_owned()
        }
        _ => String::new(),
    };
    let cascade = match revoke.and_then(|revoke| revoke.cascade.as_deref()) {
        Some(others) if accepts_cascade => format!(" This may also revoke {others}."),
        _ => String::new(),
    };
    format!("{effect}{cascade}")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use tokenfleet::adapter::Adapter;
    use tokenfleet::capability::RevokeCapability;
    use tokenfleet::{Account, Capabilities, ErrorKind, Fact, Fate, Filter, Token, TokenState};

    use super::*;

    /// An account whose token `1` is named `production`, and which has no others.
    #[derive(Debug)]
    struct OneToken {
        account: Account,
        capabilities: Capabilities,
    }

    #[async_trait]
    impl Adapter for OneToken {
        fn account(&self) -> &Account {
            &self.account
        }

        fn capabilities(&self) -> &Capabilities {
            &self.capabilities
        }

        async fn get(&self, id: &TokenId) -> Result<Token> {
            let mut token = Token::new(id.clone(), TokenState::Active);
            token.name = Fact::Known("production".into());
            match id.as_str() {
                "1" => Ok(token),
                "2" => Err(Error::new(ErrorKind::NotFound, Fate::Rejected, "not found")),
                _ => Err(Error::new(
                    ErrorKind::Timeout,
                    Fate::Rejected,
                    "no response",
                )),
            }
        }
    }

    #[tokio::test]
    async fn the_question_names_tokens_whose_ids_were_typed() {
        let revoke = RevokeCapability::by_id(RevocationEffect::Deleted);
        let capabilities = Capabilities::none().with_revoke(revoke);
        for (capabilities, expected) in [
            (
                capabilities.clone().with_get(),
                "3 tokens (1 \"production\", 2 (not found here), 3 (name unknown))",
            ),
            (capabilities, "3 tokens (1, 2, 3)"),
        ] {
            let provider = OneToken {
                account: Account::new("losant", "iot"),
                capabilities,
            };
            let ids = ["1", "2", "3"].map(TokenId::new);
            let plan = RevocationPlan::from_ids(&provider.account, ids);
            let options = RevokeManyOptions::default();
            let question = question_about_plan(&provider, &plan, options).await;
            assert_eq!(
                question,
                format!(
                    "Permanently revoke {expected} in iot (losant)? This deletes their records. \
                     [y/N] "
                )
            );
        }
    }

    #[tokio::test]
    async fn a_cascade_is_asked_about_and_needs_its_own_option() {
        let revoke = RevokeCapability::by_id_or_secret(RevocationEffect::Deleted)
            .with_cascade("the other tokens of the same client");
        let provider = OneToken {
            account: Account::new("hub", "main"),
            capabilities: Capabilities::none().with_revoke(revoke),
        };
        let question = question(&provider, "token 1", &consequences(&provider, 1, true));
        let expected = "This may also revoke the other tokens of the same client. [y/N] ";
        assert!(question.ends_with(expected), "{question}");

        let id = TokenId::new("1");
        let options = RevokeOptions::accept_replacement();
        let error = check(&provider, (&id).into(), &options).unwrap_err();
        assert!(error.to_string().contains("--accept-cascade"), "{error}");
        assert_eq!(error.fate(), Fate::NotSent);
        assert!(check(&provider, (&id).into(), &options.with_cascade_accepted()).is_ok());
        assert!(check_revocable_by_id(&provider, "cannot plan").is_ok());
    }

    #[tokio::test]
    async fn where_a_record_tells_who_is_alone_the_consent_is_asked_for_token_by_token() {
        let revoke = RevokeCapability::by_id(RevocationEffect::Deleted)
            .with_cascade("the other tokens of the same client")
            .with_tokens_alone(Filter::name("alone"));
        let provider = OneToken {
            account: Account::new("hub", "main"),
            capabilities: Capabilities::none().with_revoke(revoke).with_get(),
        };
        let id = TokenId::new("1");
        let options = RevokeOptions::default();
        assert!(check(&provider, (&id).into(), &options).is_ok());
        let plan = RevocationPlan::from_ids(&provider.account, [id.clone()]);
        let many = RevokeManyOptions::default();
        let question = question_about_plan(&provider, &plan, many).await;
        assert!(!question.contains("may also revoke"), "{question}");
        let accepted = many.with_revoke_options(options.with_cascade_accepted());
        let question = question_about_plan(&provider, &plan, accepted).await;
        assert!(
            question.contains("may also revoke the other tokens"),
            "{question}"
        );
        let error = TokenProvider::revoke(&provider, (&id).into(), options)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.fate()),
            (ErrorKind::InvalidInput, Fate::NotSent)
        );
    }
}
