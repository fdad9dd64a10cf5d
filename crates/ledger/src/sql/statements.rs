//! The statements, in the SQL that all databases understand.
//!
//! SQLite numbers the names `$1`, `$2`, … by their first appearance, so each statement names them
//! in rising order.

pub(crate) const READ_VERSION: &str = "select value from meta where key = 'schema'";

pub(crate) const WRITE_VERSION: &str = "
insert into meta (key, value) values ('schema', $1)
on conflict (key) do update set value = excluded.value";

pub(crate) const READ_LEDGER_ID: &str = "select value from meta where key = 'ledger_id'";

pub(crate) const ADD_LEDGER_ID: &str = "
insert into meta (key, value) values ('ledger_id', $1)
on conflict (key) do nothing";

pub(crate) const ACCOUNTS: &str = "
select id, provider, name, place, owner from account
where exists (select 1 from snapshot where snapshot.account = account.id)
order by name, provider, place, owner";

pub(crate) const FIND_ACCOUNT: &str = "
select id from account
where provider = $1 and name = $2 and place = $3 and owner = $4";

/// Finds or adds an account, and keeps other writers of it waiting until the transaction ends.
pub(crate) const LOCK_ACCOUNT: &str = "
insert into account (provider, name, place, owner) values ($1, $2, $3, $4)
on conflict (name, provider, place, owner) do update set place = excluded.place
returning id";

pub(crate) const LATEST: &str = "select max(at) from snapshot where account = $1";

/// Stages tokens from `TOKENS`, a table with the columns `id` and `record`, for the account
/// `ACCOUNT`.
pub(crate) const STAGE: &str = "
insert into staged (id, record, is_held)
select tokens.id,
       case when held.record = tokens.record then null else tokens.record end,
       case when held.id is null then 0 else 1 end
from TOKENS as tokens
left join token as held
    on held.account = ACCOUNT and held.id = tokens.id and held.valid_to is null
where true
on conflict (id) do update set record = excluded.record, is_held = excluded.is_held";

pub(crate) const COUNT_STAGED: &str = "
select count(*),
       count(case when is_held = 0 then 1 end),
       count(case when is_held = 1 and record is not null then 1 end)
from staged";

pub(crate) const END_ABSENT: &str = "
update token set valid_to = $1
where account = $2 and valid_to is null
  and not exists (select 1 from staged where staged.id = token.id)";

pub(crate) const END_CHANGED: &str = "
update token set valid_to = $1
where account = $2 and valid_to is null
  and id in (select id from staged where is_held = 1 and record is not null)";

pub(crate) const ADD_VERSIONS: &str = "
insert into token (account, id, valid_from, valid_to, record)
select cast($1 as bigint), id, cast($2 as bigint), null, record
from staged where record is not null order by id";

pub(crate) const ADD_SNAPSHOT: &str = "
insert into snapshot (account, at, verdict, seen, appeared, vanished, changed)
values ($1, $2, $3, $4, $5, $6, $7)";

pub(crate) const SNAPSHOTS: &str = "
select at, verdict, seen, appeared, vanished, changed
from snapshot where account = $1 order by at";

/// Finds the latest snapshot of a listing, and the latest of all, at or before a time.
pub(crate) const KNOWN_AT: &str = "
select max(case when seen is not null then at end), max(at)
from snapshot where account = $1 and at <= $2";

pub(crate) const STATE: &str = "
select id, record from token
where account = $1 and id >= $2
  and valid_from <= $3 and (valid_to is null or valid_to > $3)
order by id limit $4";

/// Counts the changes between two times, and the versions that may be there, by what the snapshots
/// say of themselves.
pub(crate) const COUNT_CHANGES: &str = "
select cast(coalesce(sum(case when at > $1 and at <= $2 then appeared + vanished + changed end), 0)
            as bigint),
       cast(coalesce(sum(appeared + changed), 0) + coalesce(max(seen), 0) as bigint)
from snapshot where account = $3";

/// Finds differences by the indexes of times, of which each page reads all of the span.
pub(crate) const DIFF_BY_TIME: &str = "
select touched.id, before.record, later.record
from (
    select id
    from (
        select id from token
        where account = $1 and id >= $2 and valid_from > $3 and valid_from <= $4
        union
        select id from token
        where account = $1 and id >= $2 and valid_to > $3 and valid_to <= $4
    ) as either
    order by id limit $5
) as touched
left join token as before
    on before.account = $1 and before.id = touched.id
   and before.valid_from <= $3 and (before.valid_to is null or before.valid_to > $3)
left join token as later
    on later.account = $1 and later.id = touched.id
   and later.valid_from <= $4 and (later.valid_to is null or later.valid_to > $4)
order by touched.id";

/// Finds differences by reading the versions in the order of ids, up to the end of the page. The
/// signs keep the database from the indexes of times.
pub(crate) const DIFF_BY_ID: &str = "
select touched.id, before.record, later.record
from (
    select distinct id from token
    where account = $1 and id >= $2
      and ((+valid_from > $3 and +valid_from <= $4) or (+valid_to > $3 and +valid_to <= $4))
    order by id limit $5
) as touched
left join token as before
    on before.account = $1 and before.id = touched.id
   and before.valid_from <= $3 and (before.valid_to is null or before.valid_to > $3)
left join token as later
    on later.account = $1 and later.id = touched.id
   and later.valid_from <= $4 and (later.valid_to is null or later.valid_to > $4)
order by touched.id";

pub(crate) const HISTORY: &str = "
select valid_from, valid_to, record from token
where account = $1 and id = $2 order by valid_from";

/// Finds the versions of so many tokens.
pub(crate) const VERSIONS: &str = "
select token.id, valid_from, valid_to, record
from (
    select distinct id from token
    where account = $1 and id >= $2
    order by id limit $3
) as page
join token on token.account = $1 and token.id = page.id
order by token.id, valid_from";

pub(crate) const PRUNE_SNAPSHOTS: &str = "delete from snapshot where account = $1 and at < $2";

pub(crate) const PRUNE_VERSIONS: &str = "delete from token where account = $1 and valid_to <= $2";

pub(crate) const ADD_WRITE: &str = "
insert into write (id, operation, heard_at, is_open, issues, dead_by, intent, outcome, resolution)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do nothing";

/// Keeps other writers of the row waiting until the transaction ends.
pub(crate) const LOCK_WRITE: &str = "update write set heard_at = heard_at where id = $1";

pub(crate) const FIND_WRITE: &str = "select intent, outcome, resolution from write where id = $1";

pub(crate) const CHANGE_WRITE: &str = "
update write set heard_at = $1, is_open = $2, issues = $3, dead_by = $4, outcome = $5,
    resolution = $6
where id = $7";

pub(crate) const TOUCH: &str = "
insert into touched (token, write)
select $1, number from write where id = $2
on conflict (token, write) do nothing";

pub(crate) const OPEN_WRITES: &str = "
select intent, outcome, resolution from write
where operation in (select operation from write where is_open = 1)
order by number";

pub(crate) const OPERATION_WRITES: &str = "
select intent, outcome, resolution from write where operation = $1 order by number";

pub(crate) const TOKEN_WRITES: &str = "
select number, intent, outcome, resolution from write
where number in (select write from touched where token = $1)";

pub(crate) const ISSUING_WRITES: &str = "
select intent, outcome, resolution from write
where issues = 1 and (dead_by is null or dead_by > $1)
order by number";

pub(crate) const PRUNE_TOUCHED: &str = "
delete from touched where write in (
    select number from write
    where heard_at <= $1
      and (issues = 0 or dead_by <= $1)
      and operation not in (select operation from write where is_open = 1)
      and operation not in (select id from task where closed_at is null)
)";

pub(crate) const PRUNE_WRITES: &str = "
delete from write
where heard_at <= $1
  and (issues = 0 or dead_by <= $1)
  and operation not in (select operation from write where is_open = 1)
  and operation not in (select id from task where closed_at is null)";

pub(crate) const ALL_WRITES: &str = "
select number, id, operation, heard_at, is_open, issues, dead_by, intent, outcome, resolution
from write where number > $1 order by number limit $2";

pub(crate) const WRITES_AFTER: &str = "
select number, intent, outcome, resolution from write
where number > $1 order by number limit $2";

pub(crate) const COUNT_UNTOUCHED: &str = "
select count(*) from touched
where not exists (select 1 from write where write.number = touched.write)";

/// Adds a task, unless one of its kind and subject is open.
pub(crate) const ADD_TASK: &str = "
insert into task (id, kind, queue, subject, state, opened_at, due, closed_at, starts)
values ($1, $2, $3, $4, $5, $6, $7, null, 0)
on conflict do nothing";

/// Keeps other openers waiting until the transaction ends.
pub(crate) const LOCK_OPENING: &str = "update epoch set latest = latest";

/// Counts the open tasks of a kind that were opened after another one, and the tasks of a subject
/// that were opened after a third one; or all of them if that is not known.
pub(crate) const COUNT_NEWER_TASKS: &str = "
select count(*) from task where kind = $1 and (
    (closed_at is null and number > coalesce((select number from task where id = $2), 0))
    or (subject = $3 and number > coalesce((select number from task where id = $4), 0)))";

pub(crate) const FIND_TASK: &str = "
select id, kind, task.queue, subject, state, opened_at, due, closed_at, starts, claimed_until
from task left join queue on queue.task = task.id
where id = $1";

pub(crate) const FIND_OPEN_TASK: &str = "
select id, kind, task.queue, subject, state, opened_at, due, closed_at, starts, claimed_until
from task left join queue on queue.task = task.id
where kind = $1 and subject = $2 and closed_at is null";

pub(crate) const OPEN_TASKS: &str = "
select id, kind, task.queue, subject, state, opened_at, due, closed_at, starts, claimed_until
from task left join queue on queue.task = task.id
where closed_at is null order by number";

pub(crate) const OPEN_TASKS_OF_KIND: &str = "
select id, kind, task.queue, subject, state, opened_at, due, closed_at, starts, claimed_until
from task left join queue on queue.task = task.id
where closed_at is null and kind = $1 order by number";

pub(crate) const CLOSED_TASKS: &str = "
select id, kind, task.queue, subject, state, opened_at, due, closed_at, starts, claimed_until
from task left join queue on queue.task = task.id
where closed_at is not null and kind = $1 order by number";

pub(crate) const ALL_TASKS: &str = "
select number,
       id, kind, task.queue, subject, state, opened_at, due, closed_at, starts, claimed_until
from task left join queue on queue.task = task.id
where number > $1 order by number limit $2";

/// The queues with open tasks that are due at some time.
pub(crate) const QUEUES: &str = "
select task.queue, min(task.due), max(queue.claimed_until)
from task left join queue on queue.name = task.queue
where task.closed_at is null and task.due is not null
group by task.queue";

pub(crate) const DUE_TASKS: &str = "
select id from task where queue = $1 and closed_at is null and due <= $2 order by due, number";

/// Finds or adds a queue, and keeps other writers of it waiting until the transaction ends.
pub(crate) const LOCK_QUEUE: &str = "
insert into queue (name, epoch, task, claimed_until) values ($1, 0, '', null)
on conflict (name) do update set epoch = queue.epoch
returning claimed_until";

pub(crate) const START_TASK: &str = "
update task set starts = starts + 1 where id = $1 and closed_at is null";

pub(crate) const RAISE_EPOCH: &str = "update epoch set latest = latest + 1 returning latest";

pub(crate) const RAISE_EPOCH_TO: &str = "update epoch set latest = $1 where latest < $1";

pub(crate) const CLAIM_QUEUE: &str = "
update queue set epoch = $1, task = $2, claimed_until = $3 where name = $4";

/// Finds a claim that was not released, and keeps other writers of it waiting until the transaction
/// ends.
pub(crate) const LOCK_CLAIM: &str = "
update queue set epoch = epoch
where task = $1 and epoch = $2 and claimed_until is not null
returning claimed_until";

pub(crate) const EXTEND_CLAIM: &str = "update queue set claimed_until = $1 where task = $2";

pub(crate) const RELEASE_CLAIM: &str = "update queue set claimed_until = null where task = $1";

pub(crate) const RELEASE_TASK: &str = "
update task set starts = 0, due = $1 where id = $2 and closed_at is null";

pub(crate) const CHANGE_TASK: &str = "
update task set state = $1, starts = 0 where id = $2 and closed_at is null";

pub(crate) const CLOSE_TASK: &str = "update task set closed_at = $1, due = null where id = $2";

/// Not while one of its writes is kept: it says what that was for.
pub(crate) const PRUNE_TASKS: &str = "
delete from task where closed_at <= $1
    and not exists (select 1 from write where write.operation = task.id)";

/// Counts the claims whose epoch was not given out, or whose task is of another queue.
pub(crate) const COUNT_STRAY_CLAIMS: &str = "
select count(*) from queue left join task on task.id = queue.task
where task.queue <> queue.name
   or queue.epoch > (select coalesce(max(latest), 0) from epoch)";

pub(crate) const RECORDS: &str = "
select account, id, valid_from, record from token
where (account, id, valid_from) > ($1, $2, $3)
order by account, id, valid_from limit $4";

pub(crate) const COUNT_OVERLAPS: &str = "
select count(*) from (
    select valid_to,
           lead(valid_from) over (partition by account, id order by valid_from) as next_from
    from token
) as version
where next_from is not null and (valid_to is null or valid_to > next_from)";

pub(crate) const COUNT_REVERSED: &str = "select count(*) from token where valid_to <= valid_from";

pub(crate) const COUNT_UNSEEN: &str = "
select count(*) from token
where coalesce(valid_to, valid_from) > (
    select coalesce(max(at), 0) from snapshot
    where snapshot.account = token.account and seen is not null
)";

#[cfg(test)]
mod tests {
    /// Returns the numbers of the names in the order of their first appearance.
    fn names(statement: &str) -> Vec<u32> {
        let mut seen = Vec::new();
        for part in statement.split('$').skip(1) {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            let number = digits.parse().unwrap();
            if !seen.contains(&number) {
                seen.push(number);
            }
        }
        seen
    }

    #[test]
    fn each_statement_names_its_values_in_rising_order() {
        let source = include_str!("statements.rs");
        let (source, _) = source.split_once("#[cfg(test)]").unwrap();
        let statements: Vec<&str> = source.split("pub(crate) const ").skip(1).collect();
        assert!(statements.len() > 20, "{}", statements.len());
        for statement in statements {
            let (_, text) = statement.split_once('"').unwrap();
            let (text, _) = text.split_once('"').unwrap();
            let names = names(text);
            let rising: Vec<u32> = (1..).take(names.len()).collect();
            assert_eq!(names, rising, "{text}");
        }
    }
}
