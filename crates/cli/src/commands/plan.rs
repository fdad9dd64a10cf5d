//! `plan`: a revocation plan for review.

use std::collections::{HashMap, HashSet};

use tokenfleet::capability::CreateCapability;
use tokenfleet::{
    Account, AccountReport, Capabilities, Error, ErrorKind, Fact, Fate, Fleet, FleetProgress,
    Operation, RevocationPlan, Token, TokenId, Verdict,
};

use super::{confirm, list, shared_tokens};
use crate::accounts::Accounts;
use crate::arguments::PlanArguments;
use crate::exit::{Exit, Failure};
use crate::output::{Format, Output, print_error, print_note, print_warning};
use crate::progress::{reading_text, with_progress};
use crate::rotations::delivered_places;

pub(crate) async fn run(
    accounts: &Accounts,
    arguments: &PlanArguments,
    requested_format: Option<Format>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let query = list::build_query(accounts, &arguments.list)?;
    let mut omitted = Vec::new();
    let mut providers = Vec::new();
    for opened in accounts.open_each() {
        let checked = opened.and_then(|provider| {
            confirm::check_revocable_by_id(&*provider, "cannot plan")?;
            Ok(provider)
        });
        match checked {
            Ok(provider) => providers.push(provider),
            Err(error) => omitted.push(Failure::Operation(error)),
        }
    }
    let count = providers.len();
    let mut capabilities: HashMap<_, _> = (providers.iter())
        .map(|provider| {
            let capabilities = provider.capabilities().clone();
            (provider.account().clone(), capabilities)
        })
        .collect();
    let progress = FleetProgress::default();
    let fleet = Fleet::new(providers).with_progress(progress.clone());
    let reading = || reading_text(&progress, count);
    let found = with_progress(reading, fleet.list_all(query)).await;
    let mut sections = Vec::new();
    let mut tokens_of = by_account(found.tokens);
    for report in found.accounts {
        let tokens = tokens_of.remove(&report.account).unwrap_or_default();
        match missing_tokens(&report, arguments.allow_incomplete) {
            Ok(missing) => {
                let capabilities = capabilities.remove(&report.account);
                let capabilities = capabilities.unwrap_or_else(Capabilities::none);
                sections.push(Section {
                    is_read_only: capabilities.read_only.is_some(),
                    create: capabilities.create,
                    account: report.account,
                    tokens,
                    missing,
                });
            }
            Err(failure) => omitted.push(failure),
        }
    }
    let read = sections.len();
    let without: Vec<_> = (sections.iter().filter(|section| !section.says_something()))
        .map(|section| section.account.to_string())
        .collect();
    let shared = leave_shared_tokens(&mut sections);
    match (sections.is_empty(), omitted.len()) {
        (true, 1) => return Err(omitted.remove(0)),
        // Sections without tokens would only hide the others, but a plan has at least one.
        (false, _) if sections.iter().any(Section::says_something) => {
            sections.retain(Section::says_something);
        }
        _ => sections.truncate(1),
    }
    if let [only] = &mut sections[..]
        && !only.says_something()
    {
        only.missing = Some(match read {
            1 => "no token of this account matches".to_owned(),
            read => format!("no token of the {read} accounts matches"),
        });
    }
    let own_tokens: Vec<_> = (arguments.own_tokens.iter())
        .map(|id| TokenId::new(id.as_str()))
        .collect();
    for own_token in &own_tokens {
        check_own_token(&sections, own_token)?;
    }
    check_one_each(&sections, &own_tokens)?;
    let mut exits = Vec::new();
    let mut comments = Vec::new();
    for failure in &omitted {
        exits.push(failure.exit());
        if let Some(error) = failure.error_to_print() {
            print_error(requested_format, &error);
            comments.push(comment(&format!("not in this plan: {error}")));
        }
    }
    if sections.is_empty() {
        return Ok(Exit::combine(exits));
    }
    if without.len() < read {
        comments.extend(nothing_to_revoke(&without));
    }
    comments.extend(shared.iter().map(|text| comment(text)));
    let places = delivered_places(accounts).await;
    for section in &sections {
        let mut lines = section.lines(&own_tokens, &places);
        if !comments.is_empty() {
            // The heading is always the first line.
            let heading = lines.remove(0);
            output.plan_lines([heading])?;
            output.plan_lines(std::mem::take(&mut comments))?;
        }
        output.plan_lines(lines)?;
    }
    Ok(if omitted.is_empty() {
        Exit::Success
    } else {
        Exit::Incomplete
    })
}

/// Returns a comment about the accounts that have no section, because no token of theirs matches.
fn nothing_to_revoke(accounts: &[String]) -> Option<String> {
    /// More names would hide the plan.
    const MAX_NAMED: usize = 20;

    let named = accounts.iter().take(MAX_NAMED).map(String::as_str);
    let mut named = named.collect::<Vec<_>>().join(", ");
    if accounts.len() > MAX_NAMED {
        named += &format!(" and {} other accounts", accounts.len() - MAX_NAMED);
    }
    (!accounts.is_empty()).then(|| comment(&format!("nothing to revoke: {named}")))
}

/// The places that hold tokens, by the account and the token.
type Places = HashMap<(Account, TokenId), Vec<String>>;

/// The part of a plan that is about one account.
struct Section {
    account: Account,
    /// The support for creating tokens, which tells those that may create others.
    create: Option<CreateCapability>,
    is_read_only: bool,
    tokens: Vec<Token>,
    /// The tokens that are missing from the plan, if some may be.
    missing: Option<String>,
}

fn by_account(tokens: Vec<(Account, Token)>) -> HashMap<Account, Vec<Token>> {
    let mut tokens_of = HashMap::<_, Vec<_>>::new();
    for (account, token) in tokens {
        tokens_of.entry(account).or_default().push(token);
    }
    tokens_of
}

/// Leaves each token that several accounts have to the first of them, or to the first that is not
/// read-only: there the plan can be carried out. Returns a sentence about each of the others.
fn leave_shared_tokens(sections: &mut [Section]) -> Vec<String> {
    let mut in_order: Vec<_> = sections.iter_mut().collect();
    in_order.sort_by_key(|section| section.is_read_only);
    let plans = in_order.iter();
    let mut plans: Vec<_> = plans
        .map(|section| RevocationPlan::from_tokens(&section.account, &section.tokens))
        .collect();
    let sentences = shared_tokens::leave_to_first(&mut plans);
    for (section, plan) in in_order.into_iter().zip(&plans) {
        let kept: HashSet<_> = plan.tokens().collect();
        section.tokens.retain(|token| kept.contains(&token.id));
    }
    sentences
}

/// Returns what a plan of the account lacks, if it is to be made nevertheless.
fn missing_tokens(
    report: &AccountReport,
    allow_incomplete: bool,
) -> Result<Option<String>, Failure> {
    let account = &report.account;
    match &report.verdict {
        Verdict::Complete => Ok(None),
        Verdict::CompleteAsShown(tokens) => {
            let message =
                format!("the platform never lists {tokens}, so none of them is in the plan");
            print_note(&format!("{account}: {message}"));
            Ok(Some(message))
        }
        Verdict::Partial(reason) => {
            let message = format!("the listing is incomplete: {reason}");
            if !allow_incomplete {
                // Nobody would notice that a token is missing from the plan and stays alive.
                let error = Error::new(ErrorKind::Other, Fate::Rejected, message)
                    .with_account(account)
                    .with_operation(Operation::List)
                    .with_advice("run plan again, or accept this with --allow-incomplete");
                return Err(Failure::Incomplete(error));
            }
            print_warning(&format!("{account}: {message}"));
            Ok(Some(message))
        }
        Verdict::Failed(error) => Err(Failure::Operation(error.clone())),
        _ => {
            let error = Error::unsupported("the platform cannot list tokens");
            let error = error.with_account(account).with_operation(Operation::List);
            Err(Failure::Operation(error))
        }
    }
}

/// Rejects an own token that is not certain, and notes one that is not in the plan.
fn check_own_token(sections: &[Section], own_token: &TokenId) -> Result<(), Failure> {
    let having = sections.iter().filter(|section| section.has(own_token));
    match (having.count(), sections) {
        (0, [only]) => {
            let account = &only.account;
            print_note(&format!(
                "{account}: the token of --own-token is not in the plan"
            ));
        }
        (0, _) => print_note("the token of --own-token is not in the plan"),
        (1, _) => {}
        _ => {
            let message = "several accounts have a token with the id of --own-token";
            let error = Error::invalid_input(message).with_advice("choose one with --account");
            return Err(error.into());
        }
    }
    Ok(())
}

/// Rejects two own tokens of one account: only one can be revoked after all others.
fn check_one_each(sections: &[Section], own_tokens: &[TokenId]) -> Result<(), Failure> {
    for section in sections {
        if own_tokens.iter().filter(|id| section.has(id)).count() > 1 {
            let message = "two tokens of --own-token belong to one account";
            return Err(Error::invalid_input(message)
                .with_account(&section.account)
                .into());
        }
    }
    Ok(())
}

/// Returns a comment without characters that a plan must not contain.
fn comment(text: &str) -> String {
    format!("# {}", escaped(text))
}

fn escaped(text: &str) -> String {
    let escaped = text.escape_debug().to_string();
    escaped.replace("\\\"", "\"").replace("\\'", "'")
}

impl Section {
    fn says_something(&self) -> bool {
        !self.tokens.is_empty() || self.missing.is_some()
    }

    fn has(&self, id: &TokenId) -> bool {
        self.tokens.iter().any(|token| token.id == *id)
    }

    /// Returns the lines of the section, each token with a comment that describes it.
    fn lines(&self, own_tokens: &[TokenId], places: &Places) -> Vec<String> {
        let tokens: HashMap<_, _> = (self.tokens.iter())
            .map(|token| (&token.id, token))
            .collect();
        let mut plan = RevocationPlan::from_tokens(&self.account, &self.tokens);
        if let Some(own_token) = own_tokens.iter().find(|id| self.has(id)) {
            plan = plan.with_acting_last(own_token.clone());
        }
        let is_maker = |id: &TokenId| {
            let token = tokens.get(id).copied();
            let create = self.create.as_ref();
            (create.zip(token)).is_some_and(|(create, token)| create.may_be_maker(token))
        };
        // Where all may, or none, nothing is gained by an order.
        if !plan.tokens().all(is_maker) {
            plan = plan.with_first(is_maker);
        }
        let mut comments = plan
            .tokens()
            .map(|id| tokens.get(id).map(|token| self.description(token, places)));
        let text = plan.to_string();
        let lines = text.lines().map(|line| {
            let keywords = ["first ", "revoke ", "last "];
            let names_a_token = keywords.iter().any(|keyword| line.starts_with(keyword));
            let comment = names_a_token.then(|| comments.next()).flatten().flatten();
            match comment {
                Some(comment) => format!("{line}  # {comment}"),
                None => line.to_owned(),
            }
        });
        lines.chain(self.missing.as_deref().map(comment)).collect()
    }

    /// Describes what the line of a token itself does not say.
    fn description(&self, token: &Token, places: &Places) -> String {
        let mut parts = vec![token.state.as_str().to_owned()];
        parts.extend(match &token.expiry {
            Fact::Known(at) => Some(format!("expiry {at}")),
            Fact::Absent => Some("never expires".to_owned()),
            Fact::NotReported => None,
        });
        let last_used = token.last_used.known();
        parts.extend(last_used.map(|at| format!("last used {at}")));
        let places = places.get(&(self.account.clone(), token.id.clone()));
        parts.extend(places.map(|places| format!("in {}", escaped(&places.join(", ")))));
        parts.join(", ")
    }
}
