//! The laws with a name.

use std::num::NonZeroUsize;
use std::pin::Pin;
use std::time::Duration;

use tokenfleet_core::model::Principal;
use tokenfleet_core::{
    Account, Completeness, ErrorKind, Fact, Identity, PartialReason, Timestamp, Token, TokenId,
    TokenState,
};

use super::observe::{ensure_eq, ensure_refused, record, state, works};
use super::{claims, pruning, queues, tasks};
use crate::{Ledger, PageRequest, Source, Span, Verdict};

/// The result of a law: a violation is a sentence.
pub type LawFuture<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// A law. It is given an empty ledger.
pub type Law = for<'a> fn(&'a dyn Ledger) -> LawFuture<'a>;

/// The laws with their names.
pub const ALL: [(&str, Law); 30] = [
    ("only_a_complete_snapshot_ends_a_token", |ledger| {
        Box::pin(only_a_complete_snapshot_ends_a_token(ledger))
    }),
    ("an_account_that_cannot_be_listed_has_no_state", |ledger| {
        Box::pin(an_account_that_cannot_be_listed_has_no_state(ledger))
    }),
    ("a_snapshot_that_was_overtaken_is_refused", |ledger| {
        Box::pin(a_snapshot_that_was_overtaken_is_refused(ledger))
    }),
    ("a_snapshot_that_is_not_later_is_refused", |ledger| {
        Box::pin(a_snapshot_that_is_not_later_is_refused(ledger))
    }),
    ("nothing_is_written_before_a_snapshot_is_closed", |ledger| {
        Box::pin(nothing_is_written_before_a_snapshot_is_closed(ledger))
    }),
    (
        "snapshots_of_different_accounts_are_independent",
        |ledger| Box::pin(snapshots_of_different_accounts_are_independent(ledger)),
    ),
    ("names_of_others_are_data", |ledger| {
        Box::pin(names_of_others_are_data(ledger))
    }),
    ("pruning_keeps_every_token_that_is_there", |ledger| {
        Box::pin(pruning_keeps_every_token_that_is_there(ledger))
    }),
    (
        "a_listing_of_one_owner_ends_no_token_of_another",
        |ledger| Box::pin(a_listing_of_one_owner_ends_no_token_of_another(ledger)),
    ),
    ("a_snapshot_in_the_future_is_refused", |ledger| {
        Box::pin(a_snapshot_in_the_future_is_refused(ledger))
    }),
    ("the_reason_of_a_failure_holds_no_secret", |ledger| {
        Box::pin(the_reason_of_a_failure_holds_no_secret(ledger))
    }),
    ("an_id_that_is_too_long_is_refused", |ledger| {
        Box::pin(an_id_that_is_too_long_is_refused(ledger))
    }),
    ("one_task_of_a_subject_is_open_at_a_time", |ledger| {
        Box::pin(tasks::one_task_of_a_subject_is_open_at_a_time(ledger))
    }),
    (
        "two_tasks_of_one_queue_are_never_claimed_at_once",
        |ledger| {
            Box::pin(claims::two_tasks_of_one_queue_are_never_claimed_at_once(
                ledger,
            ))
        },
    ),
    ("epochs_rise_over_all_queues", |ledger| {
        Box::pin(claims::epochs_rise_over_all_queues(ledger))
    }),
    (
        "a_claim_that_ran_out_is_taken_and_records_nothing_any_more",
        |ledger| {
            Box::pin(claims::a_claim_that_ran_out_is_taken_and_records_nothing_any_more(ledger))
        },
    ),
    ("a_claim_lasts_as_long_as_its_lease", |ledger| {
        Box::pin(claims::a_claim_lasts_as_long_as_its_lease(ledger))
    }),
    ("an_extension_never_makes_a_claim_shorter", |ledger| {
        Box::pin(claims::an_extension_never_makes_a_claim_shorter(ledger))
    }),
    (
        "a_lost_worker_leaves_its_starts_and_progress_or_a_release_clears_them",
        |ledger| {
            Box::pin(
                claims::a_lost_worker_leaves_its_starts_and_progress_or_a_release_clears_them(
                    ledger,
                ),
            )
        },
    ),
    (
        "a_task_is_not_opened_after_one_that_its_opener_has_not_read",
        |ledger| {
            Box::pin(tasks::a_task_is_not_opened_after_one_that_its_opener_has_not_read(ledger))
        },
    ),
    (
        "a_task_is_not_opened_after_one_of_its_subject_that_its_opener_has_not_read",
        |ledger| {
            Box::pin(
                tasks::a_task_is_not_opened_after_one_of_its_subject_that_its_opener_has_not_read(
                    ledger,
                ),
            )
        },
    ),
    ("a_raised_epoch_is_lower_than_the_next_claim", |ledger| {
        Box::pin(claims::a_raised_epoch_is_lower_than_the_next_claim(ledger))
    }),
    ("a_closed_task_stays_closed", |ledger| {
        Box::pin(tasks::a_closed_task_stays_closed(ledger))
    }),
    ("a_task_that_is_not_known_is_none", |ledger| {
        Box::pin(tasks::a_task_that_is_not_known_is_none(ledger))
    }),
    ("texts_of_tasks_are_data", |ledger| {
        Box::pin(tasks::texts_of_tasks_are_data(ledger))
    }),
    ("what_a_ledger_does_not_take_is_refused", |ledger| {
        Box::pin(tasks::what_a_ledger_does_not_take_is_refused(ledger))
    }),
    ("pruning_keeps_open_tasks_and_their_writes", |ledger| {
        Box::pin(pruning::pruning_keeps_open_tasks_and_their_writes(ledger))
    }),
    ("pruning_keeps_a_closed_task_with_an_open_write", |ledger| {
        Box::pin(pruning::pruning_keeps_a_closed_task_with_an_open_write(
            ledger,
        ))
    }),
    (
        "a_queue_is_due_with_its_earliest_task_unless_it_is_held",
        |ledger| Box::pin(queues::a_queue_is_due_with_its_earliest_task_unless_it_is_held(ledger)),
    ),
    ("a_ledger_has_one_id", |ledger| {
        Box::pin(tasks::a_ledger_has_one_id(ledger))
    }),
];

const COMPLETE: Verdict = Verdict::Listed(Completeness::Complete);

const MANY: NonZeroUsize = NonZeroUsize::MAX;

fn account() -> Source {
    Account::new("losant", "iot").into()
}

fn at(second: u64) -> Timestamp {
    let first = Timestamp::from_unix_seconds(1_700_000_000).unwrap_or_else(Timestamp::now);
    first.saturating_add(Duration::from_secs(second))
}

fn tokens<const N: usize>(ids: [&str; N]) -> [Token; N] {
    ids.map(|id| Token::new(TokenId::new(id), TokenState::Active))
}

/// Returns the ids of the latest state.
async fn ids(ledger: &dyn Ledger, account: &Source) -> Result<Vec<String>, String> {
    let found = works("the state", state(ledger, account, at(1_000), MANY).await)?;
    Ok(found.keys().map(ToString::to_string).collect())
}

async fn only_a_complete_snapshot_ends_a_token(ledger: &dyn Ledger) -> Result<(), String> {
    let account = account();
    let all = tokens(["1", "2"]);
    works(
        "a snapshot",
        record(ledger, &account, at(0), &all, MANY, &COMPLETE).await,
    )?;
    let verdicts = [
        Verdict::Listed(Completeness::Partial(PartialReason::UnprotectedPaging)),
        Verdict::Listed(Completeness::CompleteAsShown("some".to_owned())),
        Verdict::Interrupted("the connection was lost".to_owned()),
        Verdict::NotListable,
    ];
    for (second, verdict) in (1..).zip(&verdicts) {
        let found = record(ledger, &account, at(second), &[], MANY, verdict).await;
        works("a snapshot without tokens", found)?;
        let expected = vec!["1".to_owned(), "2".to_owned()];
        let what = format!("the ids after {verdict:?}");
        ensure_eq(&what, &ids(ledger, &account).await?, &expected)?;
    }
    let one = tokens(["2"]);
    let found = record(ledger, &account, at(9), &one, MANY, &COMPLETE).await;
    let vanished = works("a snapshot", found)?
        .counts
        .map(|counts| counts.vanished);
    ensure_eq("vanished tokens", &vanished, &Some(1))?;
    let found = ids(ledger, &account).await?;
    ensure_eq(
        "the ids after a complete snapshot",
        &found,
        &vec!["2".to_owned()],
    )
}

async fn an_account_that_cannot_be_listed_has_no_state(ledger: &dyn Ledger) -> Result<(), String> {
    let account = account();
    let verdict = Verdict::NotListable;
    let found = record(ledger, &account, at(0), &tokens(["1"]), MANY, &verdict).await;
    ensure_refused(
        "tokens where none can be listed",
        found,
        ErrorKind::InvalidInput,
    )?;
    let found = record(ledger, &account, at(1), &[], MANY, &verdict).await;
    let counts = works("a snapshot", found)?.counts;
    ensure_eq("the counts", &counts, &None)?;
    let found = state(ledger, &account, at(2), MANY).await;
    ensure_refused("the state", found, ErrorKind::Unsupported)?;
    let span = works("a span", Span::new(at(1), at(2)))?;
    let found = ledger.diff(&account, span, &PageRequest::default()).await;
    ensure_refused("the difference", found, ErrorKind::Unsupported)?;
    let found = works("the snapshots", ledger.snapshots(&account).await)?.len();
    ensure_eq("the number of snapshots", &found, &1)
}

async fn a_snapshot_that_was_overtaken_is_refused(ledger: &dyn Ledger) -> Result<(), String> {
    let account = account();
    for (second, first) in [(0, "1"), (10, "3")] {
        let mut slow = works("beginning", ledger.begin(&account, at(second)).await)?;
        works("recording", slow.record(&tokens(["2"])).await)?;
        let fast = tokens([first]);
        let found = record(ledger, &account, at(second + 1), &fast, MANY, &COMPLETE).await;
        works("a snapshot meanwhile", found)?;
        let found = slow.close(COMPLETE).await;
        ensure_refused("the overtaken snapshot", found, ErrorKind::Conflict)?;
        let found = ids(ledger, &account).await?;
        ensure_eq("the ids", &found, &vec![first.to_owned()])?;
    }
    Ok(())
}

async fn a_snapshot_that_is_not_later_is_refused(ledger: &dyn Ledger) -> Result<(), String> {
    let account = account();
    works(
        "a snapshot",
        record(ledger, &account, at(5), &[], MANY, &COMPLETE).await,
    )?;
    for second in [4, 5] {
        let found = ledger.begin(&account, at(second)).await;
        ensure_refused("an older snapshot", found, ErrorKind::Conflict)?;
    }
    works("a later one", ledger.begin(&account, at(6)).await).map(drop)
}

async fn nothing_is_written_before_a_snapshot_is_closed(ledger: &dyn Ledger) -> Result<(), String> {
    let account = account();
    let mut recorder = works("beginning", ledger.begin(&account, at(0)).await)?;
    works("recording", recorder.record(&tokens(["1"])).await)?;
    let accounts = works("the accounts", ledger.accounts().await)?;
    ensure_eq("the accounts", &accounts, &Vec::new())?;
    drop(recorder);
    works(
        "a snapshot",
        record(ledger, &account, at(0), &[], MANY, &COMPLETE).await,
    )?;
    ensure_eq("the ids", &ids(ledger, &account).await?, &Vec::new())
}

async fn snapshots_of_different_accounts_are_independent(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let account = Account::new("losant", "iot");
    let accounts = [
        account.clone(),
        account.with_place("https://staging.example"),
    ];
    let accounts = accounts.map(Source::from);
    let mut recorders = Vec::new();
    for account in &accounts {
        let mut recorder = works("beginning", ledger.begin(account, at(0)).await)?;
        let id = account.account.place().unwrap_or("1");
        works("recording", recorder.record(&tokens([id])).await)?;
        recorders.push(recorder);
    }
    for recorder in recorders {
        works("closing", recorder.close(COMPLETE).await)?;
    }
    for account in &accounts {
        let expected = vec![account.account.place().unwrap_or("1").to_owned()];
        ensure_eq("the ids", &ids(ledger, account).await?, &expected)?;
    }
    let found = works("the accounts", ledger.accounts().await)?;
    ensure_eq("the accounts", &found, &accounts.to_vec())
}

async fn names_of_others_are_data(ledger: &dyn Ledger) -> Result<(), String> {
    let texts = [
        "'; drop table token; --",
        "$1",
        "a\0b",
        "\\u{0}",
        "\u{202e}\"",
        "%_",
    ];
    for text in texts {
        let account: Source = Account::new("losant", text).with_place(text).into();
        let mut token = Token::new(TokenId::new(text), TokenState::Active);
        token.name = Fact::Known(text.to_owned());
        let sent = [token.clone()];
        works(
            "a snapshot",
            record(ledger, &account, at(0), &sent, MANY, &COMPLETE).await,
        )?;
        let found = works("a history", ledger.history(&account, &token.id).await)?;
        let found: Vec<Token> = found.into_iter().map(|version| version.token).collect();
        ensure_eq("the token", &found, &vec![token])?;
        let accounts = works("the accounts", ledger.accounts().await)?;
        ensure_eq("the account is there", &accounts.contains(&account), &true)?;
    }
    let accounts = works("the accounts", ledger.accounts().await)?;
    ensure_eq("the number of accounts", &accounts.len(), &texts.len())
}

async fn pruning_keeps_every_token_that_is_there(ledger: &dyn Ledger) -> Result<(), String> {
    let account = account();
    for (second, held) in [(0, &["1", "2"][..]), (1, &["2"]), (2, &["2", "3"])] {
        let held: Vec<Token> = held.iter().flat_map(|id| tokens([id])).collect();
        works(
            "a snapshot",
            record(ledger, &account, at(second), &held, MANY, &COMPLETE).await,
        )?;
    }
    let pruned = works("pruning", ledger.prune(at(100)).await)?;
    ensure_eq("forgotten snapshots", &pruned.snapshots, &2)?;
    ensure_eq("forgotten versions", &pruned.versions, &1)?;
    let expected = vec!["2".to_owned(), "3".to_owned()];
    ensure_eq("the ids", &ids(ledger, &account).await?, &expected)?;
    let found = state(ledger, &account, at(1), MANY).await;
    ensure_refused("a forgotten state", found, ErrorKind::NotFound)?;
    let id = TokenId::new("2");
    let found = works("a history", ledger.history(&account, &id).await)?;
    let since = found.first().map(|version| version.from);
    ensure_eq("the time since when a token is known", &since, &Some(at(0)))
}

async fn a_listing_of_one_owner_ends_no_token_of_another(
    ledger: &dyn Ledger,
) -> Result<(), String> {
    let owner = |kind: &str, id: &str| {
        let principal = Principal::new(id).with_kind(kind.to_owned());
        account().with_owner(&Identity::new(principal))
    };
    let sources = [
        (account(), "1"),
        (owner("user", "4"), "2"),
        (owner("user", "5"), "3"),
        (owner("service", "5"), "4"),
        (owner("user", "\"a\0b\\"), "5"),
    ];
    for (second, (source, id)) in (0..).zip(&sources) {
        let found = record(ledger, source, at(second), &tokens([id]), MANY, &COMPLETE).await;
        works("a snapshot", found)?;
    }
    let accounts = works("the accounts", ledger.accounts().await)?;
    ensure_eq("the number of sources", &accounts.len(), &sources.len())?;
    for (source, id) in &sources {
        ensure_eq(
            "the ids",
            &ids(ledger, source).await?,
            &vec![(*id).to_owned()],
        )?;
        ensure_eq("a source is there", &accounts.contains(source), &true)?;
    }
    Ok(())
}

async fn a_snapshot_in_the_future_is_refused(ledger: &dyn Ledger) -> Result<(), String> {
    let hours = |hours: u64| Timestamp::now().saturating_add(Duration::from_secs(hours * 3_600));
    let found = ledger.begin(&account(), hours(25)).await;
    ensure_refused("a snapshot of tomorrow", found, ErrorKind::InvalidInput)?;
    let found = ledger.begin(&account(), hours(23)).await;
    works("a snapshot of a clock that is ahead", found).map(drop)
}

async fn the_reason_of_a_failure_holds_no_secret(ledger: &dyn Ledger) -> Result<(), String> {
    let secret = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822c";
    let verdict = Verdict::Interrupted(format!("refused {secret} twice"));
    let found = record(ledger, &account(), at(0), &[], MANY, &verdict).await;
    let written = works("a snapshot", found)?;
    let kept = works("the snapshots", ledger.snapshots(&account()).await)?;
    ensure_eq("the kept snapshots", &kept, &vec![written])?;
    let is_there = format!("{kept:?}").contains(secret);
    ensure_eq("a secret is kept", &is_there, &false)
}

async fn an_id_that_is_too_long_is_refused(ledger: &dyn Ledger) -> Result<(), String> {
    for id in [
        "9".repeat(1_025),
        "\0".repeat(205),
        "\u{10ffff}".repeat(257),
    ] {
        let mut recorder = works("beginning", ledger.begin(&account(), at(0)).await)?;
        let found = recorder.record(&tokens([&id])).await;
        ensure_refused("a long id", found, ErrorKind::InvalidInput)?;
        let found = recorder.close(COMPLETE).await;
        ensure_refused("a snapshot that lacks it", found, ErrorKind::Other)?;
    }
    let accounts = works("the accounts", ledger.accounts().await)?;
    ensure_eq("the accounts", &accounts, &Vec::new())
}
