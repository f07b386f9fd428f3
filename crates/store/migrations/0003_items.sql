-- Feedback that a server keeps, what it adds up to by day, and files that it scores.
-- A line that begins with `-- sqlite: ` or `-- postgres: ` is that database's alone.

-- `number` is the order of arrival; an item with the sender's own id (`external`) is called by a hash of it,
-- so that the same one is stored once. '' stands for what is not known.
CREATE TABLE items (
    number        IDENTITY,
    id            TEXT NOT NULL,
    source        TEXT NOT NULL,
    external      TEXT,
    time          BIGINT NOT NULL,
    received      BIGINT NOT NULL,
    channel       TEXT NOT NULL,
    language      TEXT NOT NULL,
    author        TEXT,
    model         TEXT NOT NULL,
    label         TEXT NOT NULL,
    confidence    DOUBLE PRECISION NOT NULL,
    probabilities TEXT NOT NULL,
    prediction    TEXT,
    text_hash     TEXT NOT NULL,
    text          TEXT NOT NULL
);
CREATE UNIQUE INDEX items_by_id ON items (id);
CREATE INDEX items_by_time ON items (time, number);
CREATE INDEX items_by_author ON items (author);

-- sqlite: CREATE VIRTUAL TABLE items_text USING fts5 (text, content = 'items', content_rowid = 'number', tokenize = 'unicode61 remove_diacritics 2');
-- sqlite: INSERT INTO items_text (items_text, rank) VALUES ('secure-delete', 1);
-- sqlite: CREATE TRIGGER items_added AFTER INSERT ON items BEGIN INSERT INTO items_text (rowid, text) VALUES (new.number, new.text); END;
-- sqlite: CREATE TRIGGER items_removed AFTER DELETE ON items BEGIN INSERT INTO items_text (items_text, rowid, text) VALUES ('delete', old.number, old.text); END;

-- Counts by UTC day (days since 1970), kept with the items in the same transaction: whoever adds items up reads
-- these few rows.
CREATE TABLE item_days (
    day      BIGINT NOT NULL,
    channel  TEXT NOT NULL,
    language TEXT NOT NULL,
    model    TEXT NOT NULL,
    label    TEXT NOT NULL,
    items    BIGINT NOT NULL,
    PRIMARY KEY (day, channel, language, model, label)
);

-- Files that are scored. `options` and `summary` are JSON; the upload and the results lie in the home under
-- jobs/ID, and `kept` bytes of the results are durable.
CREATE TABLE jobs (
    id            TEXT PRIMARY KEY,
    owner         TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    options       TEXT NOT NULL,
    model         TEXT NOT NULL,
    created       BIGINT NOT NULL,
    started       BIGINT,
    ended         BIGINT,
    size          BIGINT NOT NULL,
    consumed      BIGINT NOT NULL,
    row_count     BIGINT NOT NULL,
    kept          BIGINT NOT NULL,
    summary       TEXT NOT NULL,
    error         TEXT,
    claim         TEXT,
    claimed_until BIGINT NOT NULL
);
CREATE INDEX jobs_by_status ON jobs (status, created);
