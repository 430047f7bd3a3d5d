-- The schema on PostgreSQL. Same tables, columns and constraints as 0001_sqlite.sql.
-- Texts that are sorted by use the "C" collation: byte order, as in SQLite.
-- Times and durations are microseconds; every integer fits an i64.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY NOT NULL,
    value BYTEA NOT NULL
);

CREATE TABLE accounts (
    id                    BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id            BYTEA NOT NULL UNIQUE,
    login                 TEXT NOT NULL UNIQUE,
    kdf                   TEXT NOT NULL,
    salt                  BYTEA NOT NULL,
    proof_hash            BYTEA NOT NULL,
    -- Of what a backup can prove when the password is lost.
    recovery_hash         BYTEA,
    retention_days        BIGINT,
    -- Rises when dictionary rows are deleted, so that ids cached before are not used again.
    dictionary_generation BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE vaults (
    account    BIGINT PRIMARY KEY NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    vault      BYTEA NOT NULL
);

CREATE TABLE policies (
    account BIGINT PRIMARY KEY NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    policy  BYTEA NOT NULL
);

CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY NOT NULL,
    account    BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    expires_us BIGINT NOT NULL
);
CREATE INDEX sessions_by_account ON sessions (account);

CREATE TABLE tickets (
    account            BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    ticket_id          BYTEA NOT NULL,
    authenticator_hash BYTEA NOT NULL,
    expires_us         BIGINT NOT NULL,
    uses               BIGINT NOT NULL,
    used               BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account, ticket_id)
);

CREATE TABLE ticket_devices (
    account   BIGINT NOT NULL,
    ticket_id BYTEA NOT NULL,
    device_id BYTEA NOT NULL,
    PRIMARY KEY (account, ticket_id, device_id),
    FOREIGN KEY (account, ticket_id) REFERENCES tickets (account, ticket_id) ON DELETE CASCADE
);

CREATE TABLE enrollments (
    account     BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device_id   BYTEA NOT NULL,
    request     BYTEA NOT NULL,
    claim_hash  BYTEA,
    received_us BIGINT NOT NULL,
    PRIMARY KEY (account, device_id)
);

CREATE TABLE devices (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account      BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    device_id    BYTEA NOT NULL,
    status       TEXT NOT NULL,
    claim_hash   BYTEA,
    bearer_hash  BYTEA UNIQUE,
    last_seen_us BIGINT NOT NULL,
    -- Events stored now, and the highest sequence number ever stored.
    events       BIGINT NOT NULL DEFAULT 0,
    max_seq      BIGINT,
    UNIQUE (account, device_id)
);

CREATE TABLE deliveries (
    device   BIGINT PRIMARY KEY NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    delivery BYTEA NOT NULL
);

-- Every opaque value once per account and class. Searched by a digest of account, class and text,
-- because an index over texts of 8 KiB is impossible in PostgreSQL and wasteful in SQLite; and by
-- the digest alone, because with a second condition PostgreSQL, while it has no statistics yet,
-- reads all texts of the account instead.
CREATE TABLE dictionary (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    class   TEXT NOT NULL,
    digest  BYTEA NOT NULL UNIQUE,
    text    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX dictionary_by_account ON dictionary (account);

-- Integers only: counting and grouping never touch a text.
CREATE TABLE events (
    account     BIGINT NOT NULL,
    device      BIGINT NOT NULL REFERENCES devices (id),
    seq         BIGINT NOT NULL,
    action      BIGINT NOT NULL,
    start_us    BIGINT NOT NULL,
    duration_us BIGINT NOT NULL,
    active_us   BIGINT NOT NULL,
    app         BIGINT,
    title       BIGINT,
    host        BIGINT,
    url         BIGINT,
    document    BIGINT,
    person      BIGINT,
    label       BIGINT,
    PRIMARY KEY (device, seq)
);
CREATE INDEX events_by_time ON events (account, start_us, device, seq);

CREATE TABLE categories (
    account  BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    value    BIGINT PRIMARY KEY NOT NULL,
    category TEXT COLLATE "C" NOT NULL
);
CREATE INDEX categories_by_account ON categories (account);
