//! The places in which the rotations of a trial are kept.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tempfile::TempDir;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Timestamp};
use tokenfleet_ledger::{
    DueQueues, MemoryLedger, NewTask, SqliteLedger, Task, TaskClaim, TaskListener, Tasks,
};
use tokenfleet_rotation::machine::Rotation;
use tokenfleet_rotation::runner::{
    LedgerRotationStore, MemoryRotationStore, RotationRecord, RotationStore,
};

/// A place in which the rotations of a trial are kept.
#[derive(Debug)]
pub enum Kept {
    Memory(Arc<MemoryRotationStore>),
    Ledger(MemoryLedger),
    /// A ledger in a file, which each process opens.
    File(TempDir),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Memory(Arc::default())
    }
}

impl Kept {
    pub fn in_a_file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    /// Returns the ledger, as another process opens it.
    pub async fn tasks(&self) -> Option<Arc<dyn Tasks>> {
        match self {
            Self::Memory(_) => None,
            Self::Ledger(ledger) => Some(Arc::new(ledger.clone())),
            Self::File(folder) => {
                let ledger = SqliteLedger::open(folder.path().join("ledger.db")).await;
                Some(Arc::new(ledger.unwrap()))
            }
        }
    }

    /// Returns the rotations, as another process opens them. Claims run out at once.
    async fn rotations(&self) -> Option<LedgerRotationStore> {
        let tasks = Arc::new(RunsOut(self.tasks().await?));
        Some(LedgerRotationStore::open(tasks).await.unwrap())
    }

    /// Returns the store, as another process opens it.
    pub async fn store(&self) -> Arc<dyn RotationStore> {
        match self {
            Self::Memory(store) => Arc::clone(store) as Arc<dyn RotationStore>,
            _ => Arc::new(self.rotations().await.unwrap()),
        }
    }

    /// Returns the store in memory.
    pub fn memory(&self) -> &MemoryRotationStore {
        match self {
            Self::Memory(store) => store,
            _ => panic!("it is a ledger"),
        }
    }

    /// Returns the store in memory, to be wrapped.
    pub fn shared_memory(&self) -> Arc<MemoryRotationStore> {
        match self {
            Self::Memory(store) => Arc::clone(store),
            _ => panic!("it is a ledger"),
        }
    }

    pub async fn open(&self, record: RotationRecord) {
        match self.rotations().await {
            None => self.memory().open(record.rotation),
            Some(rotations) => {
                let other = rotations
                    .open_rotation(&record, "queue", None)
                    .await
                    .unwrap();
                assert_eq!(other, None);
            }
        }
    }

    pub async fn rotation(&self, id: OperationId) -> Rotation {
        match self.rotations().await {
            None => self.memory().rotation(id).unwrap(),
            Some(rotations) => {
                let stored = rotations.rotation(id).await.unwrap();
                stored.unwrap().record.rotation
            }
        }
    }
}

/// The tasks of a ledger whose claims run out at once, as if each crash was long ago.
#[derive(Debug)]
struct RunsOut(Arc<dyn Tasks>);

#[async_trait]
impl Tasks for RunsOut {
    async fn ledger_id(&self) -> Result<String> {
        self.0.ledger_id().await
    }

    async fn open_task(&self, task: &NewTask) -> Result<Option<Task>> {
        self.0.open_task(task).await
    }

    async fn open_task_after(
        &self,
        task: &NewTask,
        latest: Option<OperationId>,
        previous: Option<OperationId>,
    ) -> Result<Option<Task>> {
        self.0.open_task_after(task, latest, previous).await
    }

    async fn task(&self, id: OperationId) -> Result<Option<Task>> {
        self.0.task(id).await
    }

    async fn open_tasks(&self) -> Result<Vec<Task>> {
        self.0.open_tasks().await
    }

    async fn open_tasks_of(&self, kind: &str) -> Result<Vec<Task>> {
        self.0.open_tasks_of(kind).await
    }

    async fn closed_tasks(&self, kind: &str) -> Result<Vec<Task>> {
        self.0.closed_tasks(kind).await
    }

    async fn due_queues(&self) -> Result<DueQueues> {
        self.0.due_queues().await
    }

    async fn due_tasks(&self, queue: &str) -> Result<Vec<OperationId>> {
        self.0.due_tasks(queue).await
    }

    async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>> {
        self.0.listen().await
    }

    async fn claim_task(&self, id: OperationId, _: Duration) -> Result<Option<TaskClaim>> {
        self.0.claim_task(id, Duration::ZERO).await
    }

    async fn extend_claim(&self, id: OperationId, epoch: u64, _: Duration) -> Result<bool> {
        self.0.extend_claim(id, epoch, Duration::ZERO).await
    }

    async fn release_claim(
        &self,
        id: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        self.0.release_claim(id, epoch, due).await
    }

    async fn record_task(
        &self,
        id: OperationId,
        epoch: u64,
        state: &str,
        closes: bool,
    ) -> Result<bool> {
        self.0.record_task(id, epoch, state, closes).await
    }

    async fn raise_epoch(&self, at_least: u64) -> Result<()> {
        self.0.raise_epoch(at_least).await
    }
}
