-- Browser sessions, and every reviewer's own word.

-- The token itself is nowhere: `hash` is BLAKE3 of its 256 random bits.
CREATE TABLE sessions (
    hash    TEXT PRIMARY KEY,
    key     TEXT NOT NULL REFERENCES keys (id),
    created BIGINT NOT NULL,
    seen    BIGINT NOT NULL
);
CREATE INDEX sessions_by_seen ON sessions (seen);

-- One row for each reviewer and correction: the last word of each. `label` is the one that the reviewer holds
-- to be right: the model's own where the report was rejected.
CREATE TABLE reviews (
    correction TEXT NOT NULL REFERENCES corrections (id),
    reviewer   TEXT NOT NULL,
    time       BIGINT NOT NULL,
    status     TEXT NOT NULL,
    label      TEXT,
    PRIMARY KEY (correction, reviewer)
);
