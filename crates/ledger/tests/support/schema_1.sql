-- The first schema, as it was published. A published schema never changes.

create table meta (
    key text not null primary key,
    value text not null
);

create table account (
    id SERIAL_KEY,
    provider BYTE_ORDERED not null,
    name BYTE_ORDERED not null,
    -- Empty if the adapter names no place.
    place BYTE_ORDERED not null,
    -- The kind and id of the owner as JSON, or empty if it is not known.
    owner BYTE_ORDERED not null,
    unique (name, provider, place, owner)
);

-- Times are milliseconds since 1970. The numbers are null if the account cannot be listed.
create table snapshot (
    account bigint not null references account (id),
    at bigint not null,
    verdict text not null,
    seen bigint,
    appeared bigint,
    vanished bigint,
    changed bigint,
    primary key (account, at)
);

-- A row per change. The record is the token as JSON.
create table token (
    account bigint not null references account (id),
    id BYTE_ORDERED not null,
    valid_from bigint not null,
    valid_to bigint,
    record text not null,
    primary key (account, id, valid_from)
);

create unique index token_held on token (account, id) where valid_to is null;
create index token_from on token (account, valid_from, id);
create index token_to on token (account, valid_to, id) where valid_to is not null;

-- A row per write, numbered as they were begun. Intent, outcome and resolution are JSON; the latter
-- two are empty until they are recorded. The rest says the same, for the indexes.
create table write (
    number SERIAL_KEY,
    id BYTE_ORDERED not null unique,
    operation BYTE_ORDERED not null,
    heard_at bigint not null,
    -- 1 until it is known what became of it.
    is_open bigint not null,
    -- 1 if it issued a secret or may have, which is not known to be dead.
    issues bigint not null,
    -- The time at which that is dead, if it is known.
    dead_by bigint,
    intent text not null,
    outcome text not null,
    resolution text not null
);

create index write_operation on write (operation);
create index write_open on write (operation) where is_open = 1;
create index write_issued on write (number) where issues = 1;

-- The tokens that a write created, changed or revoked, or may have.
create table touched (
    token BYTE_ORDERED not null,
    write bigint not null references write (number),
    primary key (token, write)
);

create index touched_write on touched (write);
