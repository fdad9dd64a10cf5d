-- The roles of a ledger in Postgres. In this order:
--
-- 1. Run this as a superuser in the database of the ledger, which creates the roles:
--
--        psql --dbname tokens --file postgres-roles.sql
--
-- 2. Open the ledger as an operator (`tokenfleet ledger check`), which creates its tables.
-- 3. Run this again, which gives each role its rights to the tables.
--
-- Repeat 2 and 3 with a newer tokenfleet that changes the schema. Before 3 a worker can only read
-- the new tables. This may be run any number of times.
--
--   tokenfleet_reader    reads what is remembered: diff, history, reports.
--   tokenfleet_worker    also records: snapshots, the writes that are about to be sent, and how far
--                        tasks are. It cannot delete anything or change the schema, and of what is
--                        recorded it changes only how it ended, or how far it is. After a restore
--                        it may raise the epoch (`operations resume --after-restore`).
--   tokenfleet_operator  owns the schema: creates and migrates it, and forgets (`ledger prune`).
--
-- None of them can log in. Give them to users who can, with passwords of their own:
--
--     create role inventory login in role tokenfleet_worker;
--     \password inventory
--
-- An operator acts as the role that owns the schema, so that new tables belong to it:
--
--     create role upkeep login in role tokenfleet_operator;
--     alter role upkeep set role = tokenfleet_operator;
--
-- Let users in by pg_hba.conf with `hostssl` and `scram-sha-256` only.

\set ON_ERROR_STOP on
begin;

do $$
declare
    name text;
begin
    foreach name in array array['tokenfleet_reader', 'tokenfleet_worker', 'tokenfleet_operator'] loop
        if not exists (select from pg_roles where rolname = name) then
            execute format('create role %I nologin', name);
        end if;
    end loop;
end $$;

create schema if not exists tokenfleet authorization tokenfleet_operator;
alter schema tokenfleet owner to tokenfleet_operator;
revoke all on schema tokenfleet from public;
grant usage on schema tokenfleet to tokenfleet_reader, tokenfleet_worker;

-- Tokens of a snapshot are staged in a temporary table, so that nobody waits for a listing.
do $$ begin
    execute format('revoke temporary on database %I from public', current_database());
    execute format(
        'grant temporary on database %I to tokenfleet_worker, tokenfleet_operator',
        current_database()
    );
end $$;

-- Tables of a ledger that somebody else created belong to the operator from now on.
do $$
declare
    found record;
begin
    for found in select tablename from pg_tables where schemaname = 'tokenfleet' loop
        execute format('alter table tokenfleet.%I owner to tokenfleet_operator', found.tablename);
    end loop;
end $$;

-- What later versions will create may only be read, until this is run again.
alter default privileges for role tokenfleet_operator in schema tokenfleet
    revoke all on tables from tokenfleet_worker;
alter default privileges for role tokenfleet_operator in schema tokenfleet
    grant select on tables to tokenfleet_reader, tokenfleet_worker;

revoke all on all tables in schema tokenfleet from public, tokenfleet_reader, tokenfleet_worker;
grant select on all tables in schema tokenfleet to tokenfleet_reader, tokenfleet_worker;

-- History is only added to: a version may end, an outcome may be recorded, and nothing else changes.
-- Of a task, its kind, queue and subject never change, and of a queue, its name.
do $$ begin
    if to_regclass('tokenfleet.meta') is not null then
        grant insert on tokenfleet.account, tokenfleet.snapshot, tokenfleet.token, tokenfleet.write,
            tokenfleet.touched to tokenfleet_worker;
        grant update (place) on tokenfleet.account to tokenfleet_worker;
        grant update (valid_to) on tokenfleet.token to tokenfleet_worker;
        grant update (heard_at, is_open, issues, dead_by, outcome, resolution) on tokenfleet.write
            to tokenfleet_worker;
    end if;
    if to_regclass('tokenfleet.task') is null then
        raise notice 'tables are missing: open the ledger as an operator, then run this again';
    else
        grant insert on tokenfleet.task, tokenfleet.queue to tokenfleet_worker;
        grant update (state, due, closed_at, starts) on tokenfleet.task to tokenfleet_worker;
        grant update (epoch, task, claimed_until) on tokenfleet.queue to tokenfleet_worker;
        grant update (latest) on tokenfleet.epoch to tokenfleet_worker;
    end if;
end $$;

commit;
