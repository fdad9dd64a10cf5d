//! The tasks of a ledger in a database.

use std::time::Duration;

use async_trait::async_trait;
use tokenfleet_core::journal::OperationId;
use tokenfleet_core::{Result, Timestamp};

use crate::bounds::{check_epoch, check_state, check_task, not_opened, overtaken};
use crate::lease::{end_of_lease, keeps_others_away};
use crate::queues::QueueStatus;
use crate::sql::connection::{Connection, Database};
use crate::sql::schema::begin_write;
use crate::sql::source::first_row;
use crate::sql::statements::{
    ADD_TASK, ALL_TASKS, CHANGE_TASK, CLAIM_QUEUE, CLOSE_TASK, CLOSED_TASKS, COUNT_NEWER_TASKS,
    COUNT_STRAY_CLAIMS, DUE_TASKS, EXTEND_CLAIM, FIND_OPEN_TASK, FIND_TASK, LOCK_CLAIM,
    LOCK_OPENING, LOCK_QUEUE, OPEN_TASKS, OPEN_TASKS_OF_KIND, PRUNE_TASKS, QUEUES, RAISE_EPOCH,
    RAISE_EPOCH_TO, READ_LEDGER_ID, RELEASE_CLAIM, RELEASE_TASK, START_TASK,
};
use crate::sql::value::{Row, Value, from_key, to_key, unreadable};
use crate::{DueQueues, NewTask, Task, TaskClaim, TaskListener, Tasks};

#[async_trait]
impl<D: Database> Tasks for D {
    async fn ledger_id(&self) -> Result<String> {
        let mut connection = self.connect().await?;
        let row = first_row(&mut *connection, READ_LEDGER_ID, Vec::new()).await?;
        row.ok_or_else(unreadable)?.text()
    }

    async fn open_task(&self, task: &NewTask) -> Result<Option<Task>> {
        check_task(task)?;
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        let open = open(&mut *connection, task).await?;
        connection.commit().await?;
        Ok(open)
    }

    async fn open_task_after(
        &self,
        task: &NewTask,
        latest: Option<OperationId>,
        previous: Option<OperationId>,
    ) -> Result<Option<Task>> {
        check_task(task)?;
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        connection.execute(LOCK_OPENING, Vec::new()).await?;
        let mut open_now = find_open(&mut *connection, task).await?;
        if open_now.is_none() {
            check_newer(&mut *connection, task, [latest, previous]).await?;
            open_now = open(&mut *connection, task).await?;
        }
        connection.commit().await?;
        Ok(open_now)
    }

    async fn task(&self, id: OperationId) -> Result<Option<Task>> {
        let mut connection = self.connect().await?;
        find(&mut *connection, id).await
    }

    async fn open_tasks(&self) -> Result<Vec<Task>> {
        let mut connection = self.connect().await?;
        read_all(connection.query(OPEN_TASKS, Vec::new()).await?)
    }

    async fn open_tasks_of(&self, kind: &str) -> Result<Vec<Task>> {
        let mut connection = self.connect().await?;
        let values = vec![to_key(kind).into()];
        read_all(connection.query(OPEN_TASKS_OF_KIND, values).await?)
    }

    async fn closed_tasks(&self, kind: &str) -> Result<Vec<Task>> {
        let mut connection = self.connect().await?;
        let values = vec![to_key(kind).into()];
        read_all(connection.query(CLOSED_TASKS, values).await?)
    }

    async fn due_queues(&self) -> Result<DueQueues> {
        let mut connection = self.connect().await?;
        // Before the queues are read: what is due later is not missed.
        let now = connection.now().await?;
        let rows = connection.query(QUEUES, Vec::new()).await?;
        let queues: Result<Vec<_>> = rows.into_iter().map(read_queue).collect();
        Ok(DueQueues::among(now, queues?))
    }

    async fn due_tasks(&self, queue: &str) -> Result<Vec<OperationId>> {
        let mut connection = self.connect().await?;
        let now = connection.now().await?;
        let values = vec![to_key(queue).into(), now.into()];
        let rows = connection.query(DUE_TASKS, values).await?;
        rows.into_iter().map(|mut row| read_id(&mut row)).collect()
    }

    async fn listen(&self) -> Result<Option<Box<dyn TaskListener>>> {
        Database::listen(self).await
    }

    async fn claim_task(&self, id: OperationId, lease: Duration) -> Result<Option<TaskClaim>> {
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        let claim = claim(&mut *connection, id, lease).await?;
        connection.commit().await?;
        Ok(claim)
    }

    async fn extend_claim(&self, id: OperationId, epoch: u64, by: Duration) -> Result<bool> {
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        let claim = lock_claim(&mut *connection, id, epoch).await?;
        if let Some(until) = claim {
            let end = end_of_lease(connection.now().await?, by);
            let values = vec![until.max(end).into(), key(id)];
            connection.execute(EXTEND_CLAIM, values).await?;
        }
        connection.commit().await?;
        Ok(claim.is_some())
    }

    async fn release_claim(
        &self,
        id: OperationId,
        epoch: u64,
        due: Option<Timestamp>,
    ) -> Result<()> {
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        if lock_claim(&mut *connection, id, epoch).await?.is_some() {
            connection.execute(RELEASE_CLAIM, vec![key(id)]).await?;
            let values = vec![due.into(), key(id)];
            connection.execute(RELEASE_TASK, values).await?;
            if let Some(due) = due {
                connection.announce(due).await?;
            }
        }
        connection.commit().await
    }

    async fn record_task(
        &self,
        id: OperationId,
        epoch: u64,
        state: &str,
        closes: bool,
    ) -> Result<bool> {
        check_state(state)?;
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        let is_current = lock_claim(&mut *connection, id, epoch).await?.is_some();
        let is_recorded = is_current && {
            let values = vec![state.to_owned().into(), key(id)];
            connection.execute(CHANGE_TASK, values).await? > 0
        };
        if is_recorded && closes {
            let values = vec![connection.now().await?.into(), key(id)];
            connection.execute(CLOSE_TASK, values).await?;
        }
        connection.commit().await?;
        Ok(is_recorded)
    }

    async fn raise_epoch(&self, at_least: u64) -> Result<()> {
        check_epoch(at_least)?;
        let epoch = i64::try_from(at_least).map_err(|_| unreadable())?;
        let mut connection = self.connect().await?;
        begin_write(&mut *connection).await?;
        let values = vec![epoch.into()];
        connection.execute(RAISE_EPOCH_TO, values).await?;
        connection.commit().await
    }
}

/// Opens a task, or returns the one that is open in its place.
async fn open(connection: &mut dyn Connection, task: &NewTask) -> Result<Option<Task>> {
    let now = connection.now().await?;
    let [kind, subject_key] = subject(task);
    let values = vec![
        key(task.id),
        kind,
        to_key(&task.queue).into(),
        subject_key,
        task.state.clone().into(),
        now.into(),
        task.due.into(),
    ];
    if connection.execute(ADD_TASK, values).await? > 0 {
        if let Some(due) = task.due {
            connection.announce(due).await?;
        }
        return Ok(None);
    }
    let open = find_open(connection, task).await?;
    open.ok_or_else(not_opened).map(Some)
}

/// Returns the open task of the same kind and subject.
async fn find_open(connection: &mut dyn Connection, task: &NewTask) -> Result<Option<Task>> {
    let row = first_row(connection, FIND_OPEN_TASK, subject(task).into()).await?;
    row.map(|mut row| read(&mut row)).transpose()
}

fn subject(task: &NewTask) -> [Value; 2] {
    [&task.kind, &task.subject].map(|text| Value::Text(to_key(text)))
}

/// Fails if an open task of the same kind is later than the first of these, or any one of the same
/// subject later than the second.
async fn check_newer(
    connection: &mut dyn Connection,
    task: &NewTask,
    read: [Option<OperationId>; 2],
) -> Result<()> {
    let [kind, subject] = subject(task);
    // No task has an empty id.
    let [latest, previous] = read.map(|id| id.map_or_else(|| Value::Text(String::new()), key));
    let values = vec![kind, latest, subject, previous];
    let row = first_row(connection, COUNT_NEWER_TASKS, values).await?;
    if row.ok_or_else(unreadable)?.number()? > 0 {
        return Err(overtaken());
    }
    Ok(())
}

/// Claims a task, unless its queue is held.
async fn claim(
    connection: &mut dyn Connection,
    id: OperationId,
    lease: Duration,
) -> Result<Option<TaskClaim>> {
    let Some(task) = find(connection, id).await?.filter(Task::is_open) else {
        return Ok(None);
    };
    let queue = Value::Text(to_key(&task.queue));
    let row = first_row(connection, LOCK_QUEUE, vec![queue.clone()]).await?;
    let until = row.ok_or_else(unreadable)?.optional_time()?;
    // Not before the lock: it may have been waited for.
    let now = connection.now().await?;
    if keeps_others_away(until, now) || connection.execute(START_TASK, vec![key(id)]).await? == 0 {
        return Ok(None);
    }
    let row = first_row(connection, RAISE_EPOCH, Vec::new()).await?;
    let epoch = row.ok_or_else(unreadable)?.number()?;
    let end = end_of_lease(now, lease);
    let values = vec![epoch.into(), key(id), end.into(), queue];
    connection.execute(CLAIM_QUEUE, values).await?;
    let task = find(connection, id).await?.ok_or_else(unreadable)?;
    let epoch = u64::try_from(epoch).map_err(|_| unreadable())?;
    Ok(Some(TaskClaim::new(task, epoch)))
}

/// Keeps other writers of a claim waiting until the transaction ends, and returns its end, if it is
/// still the one that this epoch was given to.
async fn lock_claim(
    connection: &mut dyn Connection,
    id: OperationId,
    epoch: u64,
) -> Result<Option<Timestamp>> {
    let Ok(epoch) = i64::try_from(epoch) else {
        return Ok(None);
    };
    let row = first_row(connection, LOCK_CLAIM, vec![key(id), epoch.into()]).await?;
    row.map(|mut row| row.time()).transpose()
}

async fn find(connection: &mut dyn Connection, id: OperationId) -> Result<Option<Task>> {
    let row = first_row(connection, FIND_TASK, vec![key(id)]).await?;
    row.map(|mut row| read(&mut row)).transpose()
}

fn key(id: OperationId) -> Value {
    Value::Text(id.to_string())
}

fn read_queue(mut row: Row) -> Result<QueueStatus> {
    Ok(QueueStatus {
        name: from_key(&row.text()?).ok_or_else(unreadable)?,
        due: row.time()?,
        claimed_until: row.optional_time()?,
    })
}

fn read_all(rows: Vec<Row>) -> Result<Vec<Task>> {
    rows.into_iter().map(|mut row| read(&mut row)).collect()
}

fn read_id(row: &mut Row) -> Result<OperationId> {
    row.text()?.parse().map_err(|_| unreadable())
}

/// Reads a task from the last columns of a row.
fn read(row: &mut Row) -> Result<Task> {
    let id = read_id(row)?;
    let mut text = || from_key(&row.text()?).ok_or_else(unreadable);
    let (kind, queue, subject) = (text()?, text()?, text()?);
    Ok(Task {
        id,
        kind,
        queue,
        subject,
        state: row.text()?,
        opened_at: row.time()?,
        due: row.optional_time()?,
        closed_at: row.optional_time()?,
        starts: u32::try_from(row.number()?).map_err(|_| unreadable())?,
        claimed_until: row.optional_time()?,
    })
}

/// Forgets the tasks that were closed by a time and of which no write is kept, and returns how many
/// they were.
pub(crate) async fn prune(connection: &mut dyn Connection, before: Timestamp) -> Result<u64> {
    connection.execute(PRUNE_TASKS, vec![before.into()]).await
}

/// Returns what is wrong with the tasks.
pub(crate) async fn check(connection: &mut dyn Connection) -> Result<Vec<String>> {
    const BATCH: i64 = 1000;

    let (mut count, mut last) = (0_u64, 0_i64);
    loop {
        let values = vec![last.into(), BATCH.into()];
        let rows = connection.query(ALL_TASKS, values).await?;
        let is_last = (rows.len() as i64) < BATCH;
        for mut row in rows {
            last = row.number()?;
            count += u64::from(!read(&mut row).is_ok_and(|task| is_sound(&task)));
        }
        if is_last {
            break;
        }
    }
    let mut findings = Vec::new();
    if count > 0 {
        findings.push(format!(
            "{count} tasks cannot be read or contradict themselves"
        ));
    }
    let row = first_row(connection, COUNT_STRAY_CLAIMS, Vec::new()).await?;
    let count = row.ok_or_else(unreadable)?.number()?;
    if count > 0 {
        findings.push(format!(
            "{count} queues are claimed for what they do not hold"
        ));
    }
    Ok(findings)
}

/// Returns `true` if a task is one that a ledger may have written.
fn is_sound(task: &Task) -> bool {
    check_state(&task.state).is_ok() && (task.is_open() || (task.due.is_none() && task.starts == 0))
}
