//! `plan`: which tokens would be revoked, as a text to be reviewed.

use tokenfleet::{
    Completeness, Error, ErrorKind, Fate, Operation, RevocationPlan, Token, TokenId,
    TokenProviderExt,
};

use super::{consent, list};
use crate::accounts::Accounts;
use crate::arguments::PlanArguments;
use crate::output::{Output, remark, warn};
use crate::progress::showing;
use crate::stop::{Code, Stop};

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &PlanArguments,
    output: &mut Output,
) -> Result<Code, Stop> {
    let query = list::chosen_query(accounts, &arguments.list)?;
    let provider = accounts.one()?;
    let account = provider.account();
    consent::check_planning(&*provider)?;
    let reading = || format!("reading {account}");
    let found = showing(reading, provider.list_all(query)).await?;
    let mut missing = None;
    if let Completeness::Partial(reason) = &found.completeness {
        let message = format!("the listing is not complete: {reason}");
        if !arguments.allow_incomplete {
            // Nobody would miss the token that lives on.
            let error = Error::new(ErrorKind::Other, Fate::Rejected, message)
                .with_account(account)
                .with_operation(Operation::List)
                .with_advice("make the plan again, or accept it with --allow-incomplete");
            return Err(Stop::Incomplete(error));
        }
        warn(&format!("{account}: {message}"));
        missing = Some(message);
    }
    let mut plan = RevocationPlan::from_tokens(account, &found.tokens);
    if let Some(acting) = arguments.acting.as_deref().map(TokenId::new) {
        if found.tokens.iter().any(|token| token.id == acting) {
            plan = plan.with_acting_last(acting);
        } else {
            remark(&format!("{account}: the acting token is not among them"));
        }
    }
    output.lines(lines(&plan, &found.tokens))?;
    // Whoever reviews the plan has not seen the warning.
    output.lines(missing.map(|message| format!("# {message}")))?;
    Ok(Code::Well)
}

/// The plan, with what people know each token by.
fn lines(plan: &RevocationPlan, tokens: &[Token]) -> Vec<String> {
    let by_id: std::collections::HashMap<_, _> =
        tokens.iter().map(|token| (&token.id, token)).collect();
    let mut remarks = plan
        .tokens()
        .map(|id| by_id.get(id).map(|token| known_by(token)));
    let text = plan.to_string();
    let lines = text.lines().map(|line| {
        let names_a_token = line.starts_with("revoke ") || line.starts_with("last ");
        match names_a_token.then(|| remarks.next()).flatten().flatten() {
            Some(remark) => format!("{line}  # {remark}"),
            None => line.to_owned(),
        }
    });
    lines.collect()
}

fn known_by(token: &Token) -> String {
    let name = token.name.known().map_or("unnamed", String::as_str);
    let used = match token.last_used.known() {
        Some(at) => format!(", last used {at}"),
        None => String::new(),
    };
    format!("{name}, {}{used}", token.state.as_str())
}
