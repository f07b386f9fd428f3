-- Labelling: how undecided the model was about an item, which correction is an item's label, who left what to others.
-- A line that begins with `-- sqlite: ` or `-- postgres: ` is that database's alone.

-- One less the difference of the two largest probabilities.
ALTER TABLE items ADD COLUMN uncertainty DOUBLE PRECISION NOT NULL DEFAULT 0;
-- sqlite: UPDATE items SET uncertainty = 1.0 - COALESCE((SELECT MAX(value) FROM json_each(probabilities)), 0.0) + COALESCE((SELECT value FROM json_each(probabilities) ORDER BY value DESC LIMIT 1 OFFSET 1), 0.0);
-- postgres: UPDATE items SET uncertainty = 1.0 - COALESCE((SELECT MAX(value::double precision) FROM json_each_text(probabilities::json)), 0.0) + COALESCE((SELECT value::double precision FROM json_each_text(probabilities::json) ORDER BY value::double precision DESC LIMIT 1 OFFSET 1), 0.0);
CREATE INDEX items_by_uncertainty ON items (uncertainty, number);

-- The item whose label it is; none where it is a report. Of an item there is one.
ALTER TABLE corrections ADD COLUMN item TEXT;
CREATE UNIQUE INDEX corrections_by_item ON corrections (item);

-- Items that a reviewer has left to others.
CREATE TABLE passes (
    item     TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    time     BIGINT NOT NULL,
    PRIMARY KEY (item, reviewer)
);
