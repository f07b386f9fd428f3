-- Columns are BIGINT, DOUBLE PRECISION and TEXT alone: what both databases and sqlx's `Any` driver share.
-- Times are milliseconds since 1970, booleans 0 or 1, structured values JSON. IDENTITY becomes each
-- database's own growing number.

CREATE TABLE runs (
    id            TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    parent        TEXT REFERENCES runs (id),
    kind          TEXT NOT NULL,
    status        TEXT NOT NULL,
    started       BIGINT NOT NULL,
    ended         BIGINT,
    heartbeat     BIGINT NOT NULL,
    os_user       TEXT NOT NULL,
    host          TEXT NOT NULL,
    pid           BIGINT NOT NULL,
    process_start BIGINT NOT NULL,
    git_commit    TEXT,
    git_dirty     BIGINT,
    code          TEXT NOT NULL,
    command       TEXT NOT NULL,
    plan          TEXT NOT NULL,
    data_hash     TEXT,
    split_hash    TEXT,
    seed          BIGINT,
    kernel        TEXT,
    error         TEXT
);
CREATE INDEX runs_by_start ON runs (started);
CREATE INDEX runs_by_parent ON runs (parent);
CREATE INDEX runs_by_status ON runs (status);

CREATE TABLE inputs (
    run       TEXT NOT NULL REFERENCES runs (id),
    role      TEXT NOT NULL,
    position  BIGINT NOT NULL,
    name      TEXT NOT NULL,
    path      TEXT,
    snapshot  TEXT,
    hash      TEXT NOT NULL,
    size      BIGINT,
    row_count BIGINT,
    PRIMARY KEY (run, role, position)
);
CREATE INDEX inputs_by_snapshot ON inputs (snapshot);

CREATE TABLE params (
    run   TEXT NOT NULL REFERENCES runs (id),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
);

CREATE TABLE tags (
    run   TEXT NOT NULL REFERENCES runs (id),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, name)
);

-- SQLite keeps a NaN as NULL, and a NULL that is bound changes a parameter's type: `undefined` says it.
CREATE TABLE metrics (
    run       TEXT NOT NULL REFERENCES runs (id),
    name      TEXT NOT NULL,
    step      BIGINT NOT NULL,
    time      BIGINT NOT NULL,
    value     DOUBLE PRECISION NOT NULL,
    undefined BIGINT NOT NULL,
    PRIMARY KEY (run, name, step)
);

CREATE TABLE artifacts (
    run   TEXT NOT NULL REFERENCES runs (id),
    path  TEXT NOT NULL,
    hash  TEXT NOT NULL,
    size  BIGINT NOT NULL,
    media TEXT NOT NULL,
    time  BIGINT NOT NULL,
    PRIMARY KEY (run, path)
);
CREATE INDEX artifacts_by_hash ON artifacts (hash);

CREATE TABLE outbox (
    id            IDENTITY,
    sink          TEXT NOT NULL,
    run           TEXT NOT NULL,
    payload       TEXT NOT NULL,
    created       BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    due           BIGINT NOT NULL,
    claim         TEXT,
    claimed_until BIGINT NOT NULL,
    error         TEXT,
    done          BIGINT
);
CREATE INDEX outbox_waiting ON outbox (sink, run, id) WHERE done IS NULL;

CREATE TABLE models (
    name        TEXT PRIMARY KEY,
    created     BIGINT NOT NULL,
    description TEXT NOT NULL
);

CREATE TABLE versions (
    model   TEXT NOT NULL REFERENCES models (name),
    version BIGINT NOT NULL,
    created BIGINT NOT NULL,
    creator TEXT NOT NULL,
    run     TEXT REFERENCES runs (id),
    hash    TEXT NOT NULL,
    size    BIGINT NOT NULL,
    digest  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    data_hash TEXT,
    test_hash TEXT,
    metrics TEXT NOT NULL,
    recipe  TEXT NOT NULL,
    licence TEXT NOT NULL,
    detail  TEXT NOT NULL,
    deleted BIGINT,
    PRIMARY KEY (model, version)
);
CREATE INDEX versions_by_digest ON versions (digest);

CREATE TABLE aliases (
    model   TEXT NOT NULL,
    alias   TEXT NOT NULL,
    version BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES versions (model, version)
);

-- Who did what to which version, when and why; rows are added, never changed.
CREATE TABLE registry_events (
    id       IDENTITY,
    time     BIGINT NOT NULL,
    who      TEXT NOT NULL,
    host     TEXT NOT NULL,
    action   TEXT NOT NULL,
    model    TEXT NOT NULL,
    version  BIGINT,
    alias    TEXT,
    previous BIGINT,
    reason   TEXT,
    detail   TEXT NOT NULL
);
CREATE INDEX registry_events_by_model ON registry_events (model, id);

CREATE TABLE corrections (
    id         TEXT PRIMARY KEY,
    text       TEXT NOT NULL,
    label      TEXT NOT NULL,
    original   TEXT,
    language   TEXT,
    channel    TEXT,
    author     TEXT,
    time       BIGINT NOT NULL,
    source     TEXT NOT NULL,
    model      TEXT,
    prediction TEXT,
    note       TEXT,
    status     TEXT NOT NULL,
    reviewer   TEXT,
    reviewed   BIGINT
);
CREATE INDEX corrections_by_status ON corrections (status, time);
CREATE INDEX corrections_by_author ON corrections (author);

-- Which corrections a run learned from.
CREATE TABLE corrections_used (
    run        TEXT NOT NULL REFERENCES runs (id),
    correction TEXT NOT NULL REFERENCES corrections (id),
    PRIMARY KEY (run, correction)
);
