//! What the tests of several ledgers share.

#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each test binary uses a part of it, and it fails and speaks as tests do"
)]

pub(crate) mod certificates;
#[cfg(unix)]
pub(crate) mod cutting_proxy;
#[cfg(unix)]
pub(crate) mod postgres_server;

use std::num::NonZeroUsize;

use tokenfleet_core::{Account, Completeness, Fact, Result, Timestamp, Token, TokenId, TokenState};
use tokenfleet_ledger::{Ledger, Snapshot, SnapshotRecorder, Source, Verdict};

pub(crate) const COMPLETE: Verdict = Verdict::Listed(Completeness::Complete);

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

pub(crate) fn account() -> Source {
    Account::new("losant", "iot").into()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + second).unwrap()
}

/// Returns tokens whose names say in which round they were recorded.
pub(crate) fn tokens(ids: std::ops::Range<u32>, round: u32) -> Vec<Token> {
    let tokens = ids.map(|id| {
        let mut token = Token::new(TokenId::new(format!("{id:08}")), TokenState::Active);
        token.name = Fact::Known(format!("token {id} of round {round}"));
        token
    });
    tokens.collect()
}

pub(crate) async fn record(ledger: &dyn Ledger, second: i64, tokens: &[Token]) -> Result<Snapshot> {
    let recorder = stage(ledger, second, tokens).await?;
    recorder.close(COMPLETE).await
}

/// Begins a snapshot and records its tokens.
pub(crate) async fn stage(
    ledger: &dyn Ledger,
    second: i64,
    tokens: &[Token],
) -> Result<Box<dyn SnapshotRecorder>> {
    let mut recorder = ledger.begin(&account(), at(second)).await?;
    let batch = NonZeroUsize::new(500).unwrap();
    for batch in tokens.chunks(batch.get()) {
        recorder.record(batch).await?;
    }
    Ok(recorder)
}
