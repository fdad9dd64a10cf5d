//! The comparison of two states of an account.

use std::io;
use std::num::NonZeroUsize;

use tokenfleet::{Account, Annotations, Configuration, Filter, Timestamp, Token};
use tokenfleet_ledger::{
    Change, Ledger, Owner, PageRequest, Snapshot, Source, Span, Verdict as SnapshotVerdict,
};

use super::RememberedAccount;
use super::authors::{Authors, OpenCreations};
use crate::annotations::AnnotationFile;
use crate::exit::Failure;
use crate::output::{ChangeCounts, Compared, ComparedAccount, UnknownTokens};

/// The number of tokens that are compared at a time.
const PAGE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(999);

/// The fields that change when a token is used.
const USE: [&str; 2] = ["last_used", "updated_at"];

/// The two snapshots of a history that are compared, and why they may not tell everything.
struct Ends {
    from: Snapshot,
    to: Snapshot,
    reason: Option<String>,
    /// `true` if the ledger holds all writes since the earlier one: what was forgotten is older
    /// than the second snapshot.
    is_covered: bool,
}

/// Two snapshots of a history, the changes between which are told.
struct Walk<'a> {
    source: &'a Source,
    span: Span,
    is_covered: bool,
    filter: Option<&'a Filter>,
}

/// The receiver of changes.
type Receiver<'a> = &'a mut dyn FnMut(Compared<'_>) -> io::Result<()>;

/// The things that are needed to compare the states of accounts.
pub(crate) struct Comparison<'a> {
    ledger: &'a dyn Ledger,
    annotations: Annotations,
    open: OpenCreations,
    /// The time of the earlier state, or `None` for the last snapshot but one.
    pub(crate) since: Option<Timestamp>,
    /// The time of the later state, or `None` for the last snapshot.
    pub(crate) until: Option<Timestamp>,
    pub(crate) filter: Option<Filter>,
    /// `true` to tell tokens that were only used.
    pub(crate) shows_use: bool,
    /// `true` to tell the changes of every snapshot in between, and so what came and went.
    pub(crate) tells_each: bool,
}

impl<'a> Comparison<'a> {
    /// Creates a comparison of the last two snapshots of each account.
    pub(crate) async fn new(
        ledger: &'a dyn Ledger,
        configuration: &Configuration,
    ) -> tokenfleet::Result<Self> {
        Ok(Self {
            ledger,
            annotations: AnnotationFile::new(configuration)?.read()?,
            open: OpenCreations::read(ledger).await?,
            since: None,
            until: None,
            filter: None,
            shows_use: false,
            tells_each: false,
        })
    }

    /// Compares the histories of an account, and tells its changes.
    pub(crate) async fn compare(
        &self,
        remembered: &RememberedAccount,
        receiver: Receiver<'_>,
    ) -> Result<Vec<ComparedAccount>, Failure> {
        let mut histories = Vec::new();
        for source in &remembered.sources {
            let snapshots = self.ledger.snapshots(source).await?;
            if !snapshots.is_empty() {
                histories.push((source, snapshots));
            }
        }
        let is_before_end =
            |snapshot: &Snapshot| self.until.is_none_or(|until| snapshot.at <= until);
        let latest = |snapshots: &[Snapshot]| {
            let snapshots = snapshots.iter().filter(|snapshot| is_before_end(snapshot));
            snapshots.map(|snapshot| snapshot.at).max()
        };
        // A history that ended before the period is one of an earlier owner, unless there is no
        // other.
        let newest = histories
            .iter()
            .filter_map(|(_, snapshots)| latest(snapshots));
        let newest = newest.max();
        let since = self.since;
        let all = histories.clone();
        histories.retain(|(_, snapshots)| {
            let latest = latest(snapshots);
            latest == newest || since.is_some_and(|since| latest.is_some_and(|at| at > since))
        });
        if histories.is_empty() {
            let reason = "the ledger has no snapshot of it".to_owned();
            return Ok(vec![unknown(&remembered.account, reason)]);
        }
        let names_owner = histories.len() > 1;
        let mut compared = Vec::with_capacity(histories.len());
        for (source, snapshots) in histories {
            let of_source = self
                .compare_source(source, &snapshots, &mut *receiver)
                .await?;
            let other_owners = other_owners(source, &of_source, &all);
            compared.push(ComparedAccount {
                names_owner: names_owner || !other_owners.is_empty(),
                other_owners,
                ..of_source
            });
        }
        Ok(compared)
    }

    async fn compare_source(
        &self,
        source: &Source,
        snapshots: &[Snapshot],
        receiver: Receiver<'_>,
    ) -> Result<ComparedAccount, Failure> {
        let Ends {
            from,
            to,
            reason,
            is_covered,
        } = match self.ends(&source.account, snapshots) {
            Ok(ends) => ends,
            Err(compared) => return Ok(*compared),
        };
        let account = &source.account;
        let filter = self
            .filter
            .as_ref()
            .map(|filter| filter.for_account(account));
        let mut counts = ChangeCounts::default();
        let listings = snapshots.iter().filter(|kept| kept.counts.is_some());
        let between = listings.map(|kept| kept.at);
        let mut times = vec![from.at];
        if self.tells_each {
            times.extend(between.filter(|at| from.at < *at && *at < to.at));
        }
        times.push(to.at);
        for (index, pair) in times.windows(2).enumerate() {
            let &[earlier, later] = pair else { continue };
            let span = Span::new(earlier, later)?;
            // What was forgotten is older than the second snapshot.
            let is_covered = is_covered || index > 0;
            let walk = Walk {
                source,
                span,
                is_covered,
                filter: filter.as_ref(),
            };
            self.walk(walk, &mut counts, &mut *receiver).await?;
        }
        let is_partial = reason.is_some();
        let unlisted = unlisted(&to);
        Ok(ComparedAccount {
            key: account.clone(),
            unknown_tokens: None,
            account: account.name().to_owned(),
            provider: account.provider().to_owned(),
            owner: source.owner.clone(),
            names_owner: false,
            other_owners: Vec::new(),
            from: Some(from.at),
            to: Some(to.at),
            completeness: match (is_partial, &unlisted) {
                (true, _) => "partial",
                (false, Some(_)) => "complete_as_shown",
                (false, None) => "complete",
            },
            reason: reason.or(unlisted),
            counts: Some(counts),
        })
    }

    /// Tells the changes between two snapshots of a history.
    async fn walk(
        &self,
        walk: Walk<'_>,
        counts: &mut ChangeCounts,
        receiver: Receiver<'_>,
    ) -> Result<(), Failure> {
        let Walk {
            source,
            span,
            is_covered,
            filter,
        } = walk;
        let account = &source.account;
        let mut page = PageRequest::new(PAGE);
        loop {
            let part = self.ledger.diff(source, span, &page).await?;
            let ids = part.items.iter().map(|change| change.token().id.clone());
            let ids: Vec<_> = ids.collect();
            let authors = Authors::read(self.ledger, account, &ids, &self.open).await?;
            for change in &part.items {
                if !self.is_wanted(filter, account, change) {
                    continue;
                }
                if is_use(change) {
                    counts.used += 1;
                    if !self.shows_use {
                        continue;
                    }
                } else {
                    count(counts, change);
                }
                let author = authors.of(change, span, is_covered);
                receiver(Compared {
                    account,
                    change,
                    author,
                    at: span.later(),
                })?;
            }
            page.after = part.next;
            if page.after.is_none() {
                return Ok(());
            }
        }
    }

    /// Chooses the snapshots to compare.
    fn ends(
        &self,
        account: &Account,
        snapshots: &[Snapshot],
    ) -> Result<Ends, Box<ComparedAccount>> {
        let Self { since, until, .. } = self;
        let listings = snapshots
            .iter()
            .filter(|snapshot| snapshot.counts.is_some());
        let listings: Vec<_> = listings.collect();
        if listings.is_empty() {
            return Err(Box::new(ComparedAccount {
                completeness: "not_listable",
                ..unknown(account, "the platform cannot list tokens".to_owned())
            }));
        }
        let last_until = |end: Timestamp| listings.iter().rposition(|kept| kept.at <= end);
        let to = until.map_or(Some(listings.len() - 1), last_until);
        let Some(to) = to else {
            let first = listings[0].at;
            return Err(Box::new(unknown(
                account,
                format!("the first snapshot is of {first}"),
            )));
        };
        let (from, reason) = match since.map_or(to.checked_sub(1), last_until) {
            Some(from) if from == to => {
                let at = listings[to].at;
                (from, Some(format!("there is no snapshot after {at}")))
            }
            Some(from) => (from, None),
            None if to == 0 => (0, Some("there is only one snapshot".to_owned())),
            None => {
                let first = listings[0].at;
                let reason = format!("the first snapshot is of {first}");
                (0, Some(reason))
            }
        };
        let is_covered = from > 0;
        let [from, to] = [from, to].map(|index| listings[index].clone());
        let reason = reason
            .or_else(|| partial(&from, "earlier"))
            .or_else(|| partial(&to, "later"));
        Ok(Ends {
            from,
            to,
            reason,
            is_covered,
        })
    }

    /// Returns a token with what people say of it.
    pub(crate) fn annotated(&self, account: &Account, token: &Token) -> Token {
        let mut token = token.clone();
        self.annotations.apply(account, &mut token);
        token
    }

    /// Returns `true` if the filter matches a token before or after its change.
    fn is_wanted(&self, filter: Option<&Filter>, account: &Account, change: &Change) -> bool {
        let Some(filter) = filter else {
            return true;
        };
        let matches = |token: &Token| filter.matches(&self.annotated(account, token));
        match change {
            Change::Changed { before, after, .. } => matches(before) || matches(after),
            change => matches(change.token()),
        }
    }
}

/// Counts the tokens that may be alive although no listing shows or rules them out.
pub(crate) async fn count_unknown_tokens(
    ledger: &dyn Ledger,
    compared: &mut [ComparedAccount],
) -> tokenfleet::Result<()> {
    let unlistable = compared.iter().filter(|one| one.is_unlistable());
    let unlistable: Vec<_> = unlistable.map(|one| one.key.clone()).collect();
    let unknown = ledger.unknown_tokens(Timestamp::now(), &unlistable).await?;
    for one in compared {
        let of_account = unknown.iter().filter(|token| token.account == one.key);
        one.unknown_tokens = UnknownTokens::count(of_account);
    }
    Ok(())
}

/// Returns the other owners whose tokens the account listed between two snapshots of one owner.
fn other_owners(
    source: &Source,
    compared: &ComparedAccount,
    histories: &[(&Source, Vec<Snapshot>)],
) -> Vec<Owner> {
    let is_between = |snapshot: &Snapshot| {
        compared.from.is_some_and(|from| snapshot.at > from)
            && compared.to.is_some_and(|to| snapshot.at < to)
    };
    let others = histories.iter().filter(|(other, _)| *other != source);
    let others = others.filter(|(_, snapshots)| snapshots.iter().any(is_between));
    others
        .filter_map(|(other, _)| other.owner.clone())
        .collect()
}

fn unknown(account: &Account, reason: String) -> ComparedAccount {
    ComparedAccount {
        key: account.clone(),
        unknown_tokens: None,
        account: account.name().to_owned(),
        provider: account.provider().to_owned(),
        owner: None,
        names_owner: false,
        other_owners: Vec::new(),
        from: None,
        to: None,
        completeness: "unknown",
        reason: Some(reason),
        counts: None,
    }
}

/// Returns why a snapshot may lack tokens that existed.
fn partial(snapshot: &Snapshot, which: &str) -> Option<String> {
    let reason = match &snapshot.verdict {
        SnapshotVerdict::Listed(claim) if claim.is_complete_as_shown() => return None,
        SnapshotVerdict::Listed(claim) => claim.reason().unwrap_or_default(),
        SnapshotVerdict::Interrupted(reason) => reason.clone(),
        _ => String::new(),
    };
    Some(format!("the {which} snapshot is partial: {reason}"))
}

/// Returns which tokens a platform never lists.
fn unlisted(snapshot: &Snapshot) -> Option<String> {
    match &snapshot.verdict {
        SnapshotVerdict::Listed(claim) => claim.reason(),
        _ => None,
    }
}

/// Returns `true` if a token was used, and is the same otherwise.
fn is_use(change: &Change) -> bool {
    match change {
        Change::Changed { fields, .. } => {
            fields.iter().all(|field| USE.contains(&field.as_str()))
                && fields.iter().any(|field| field == "last_used")
        }
        _ => false,
    }
}

fn count(counts: &mut ChangeCounts, change: &Change) {
    match change {
        Change::Appeared { .. } => counts.appeared += 1,
        Change::Vanished { .. } => counts.vanished += 1,
        _ => counts.changed += 1,
    }
}
