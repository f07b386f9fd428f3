-- What a server keeps: predictions, keys, secrets, and who changed what.

CREATE TABLE predictions (
    id            TEXT PRIMARY KEY,
    time          BIGINT NOT NULL,
    model         TEXT NOT NULL,
    language      TEXT NOT NULL,
    label         TEXT,
    confidence    DOUBLE PRECISION NOT NULL,
    probabilities TEXT NOT NULL,
    text_hash     TEXT NOT NULL,
    text          TEXT
);
CREATE INDEX predictions_by_time ON predictions (time);
CREATE INDEX predictions_by_text ON predictions (text_hash);

-- The secret itself is nowhere: `hash` is BLAKE3 of its 256 random bits.
CREATE TABLE keys (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    role    TEXT NOT NULL,
    hash    TEXT NOT NULL,
    created BIGINT NOT NULL,
    revoked BIGINT
);
CREATE UNIQUE INDEX keys_by_hash ON keys (hash);

CREATE TABLE secrets (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Rows are added, never changed: each one's hash covers the one before.
CREATE TABLE audit (
    number BIGINT PRIMARY KEY,
    time   BIGINT NOT NULL,
    who    TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash   TEXT NOT NULL
);

-- The last entry's number and hash: an end that was cut off shows.
CREATE TABLE audit_head (
    one    BIGINT PRIMARY KEY,
    number BIGINT NOT NULL,
    hash   TEXT NOT NULL
);
