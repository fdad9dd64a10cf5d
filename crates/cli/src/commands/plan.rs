//! `plan`: a revocation plan for review.

use std::collections::HashMap;

use tokenfleet::{
    Completeness, Error, ErrorKind, Fate, Operation, RevocationPlan, Token, TokenId,
    TokenProviderExt,
};

use super::{confirm, list};
use crate::accounts::Accounts;
use crate::arguments::PlanArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Output, print_note, print_warning};
use crate::progress::with_progress;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &PlanArguments,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let query = list::build_query(accounts, &arguments.list)?;
    let provider = accounts.single()?;
    let account = provider.account();
    confirm::check_revocable_by_id(&*provider, "cannot plan")?;
    let reading = || format!("reading {account}");
    let found = with_progress(reading, provider.list_all(query)).await?;
    // The person who reviews the plan has not seen the messages.
    let mut incomplete = None;
    if let Completeness::CompleteAsShown(tokens) = &found.completeness {
        let message = format!("the platform never lists {tokens}, so none of them is in the plan");
        print_note(&format!("{account}: {message}"));
        incomplete = Some(message);
    }
    if let Completeness::Partial(reason) = &found.completeness {
        let message = format!("the listing is incomplete: {reason}");
        if !arguments.allow_incomplete {
            // Nobody would notice that a token is missing from the plan and stays alive.
            let error = Error::new(ErrorKind::Other, Fate::Rejected, message)
                .with_account(account)
                .with_operation(Operation::List)
                .with_advice("run plan again, or accept this with --allow-incomplete");
            return Err(Failure::Incomplete(error));
        }
        print_warning(&format!("{account}: {message}"));
        incomplete = Some(message);
    }
    let mut plan = RevocationPlan::from_tokens(account, &found.tokens);
    if let Some(own_token) = arguments.own_token.as_deref().map(TokenId::new) {
        if found.tokens.iter().any(|token| token.id == own_token) {
            plan = plan.with_acting_last(own_token);
        } else {
            print_note(&format!(
                "{account}: the token of --own-token is not in the plan"
            ));
        }
    }
    output.lines(lines(&plan, &found.tokens))?;
    output.lines(incomplete.map(|message| format!("# {message}")))?;
    Ok(Exit::Success)
}

/// Returns the lines of the plan, each token with a comment that describes it.
fn lines(plan: &RevocationPlan, tokens: &[Token]) -> Vec<String> {
    let tokens: HashMap<_, _> = tokens.iter().map(|token| (&token.id, token)).collect();
    let mut comments = plan
        .tokens()
        .map(|id| tokens.get(id).map(|token| description(token)));
    let text = plan.to_string();
    let lines = text.lines().map(|line| {
        let names_a_token = line.starts_with("revoke ") || line.starts_with("last ");
        let comment = names_a_token.then(|| comments.next()).flatten().flatten();
        match comment {
            Some(comment) => format!("{line}  # {comment}"),
            None => line.to_owned(),
        }
    });
    lines.collect()
}

/// Describes what the line itself does not say.
fn description(token: &Token) -> String {
    let last_used = match token.last_used.known() {
        Some(at) => format!(", last used {at}"),
        None => String::new(),
    };
    format!("{}{last_used}", token.state.as_str())
}
