-- +goose Up

-- What people set while the service runs: it goes before the configuration.
CREATE TABLE settings (
    kind  TEXT   NOT NULL,
    name  TEXT   NOT NULL,
    value TEXT   NOT NULL,
    who   TEXT   NOT NULL,
    at    BIGINT NOT NULL,
    PRIMARY KEY (kind, name)
);

-- Which changes of a plan a person has seen in full.
CREATE TABLE sights (
    run    TEXT   NOT NULL REFERENCES runs (code),
    person TEXT   NOT NULL,
    seq    BIGINT NOT NULL,
    PRIMARY KEY (run, person, seq)
);

-- Counts that grow, such as of a robot's messages in a month.
CREATE TABLE tallies (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

-- A waiting letter that a newer one with the same word makes needless is not
-- sent: progress of one card. A letter is sent by who holds it; way is who can.
ALTER TABLE outbox ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN way TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
CREATE INDEX outbox_subject ON outbox (subject) WHERE state = 'waiting' AND subject <> '';

-- When an awaiting run needs somebody next.
ALTER TABLE runs ADD COLUMN wake BIGINT NOT NULL DEFAULT 0;
UPDATE runs SET wake = expires WHERE state = 'awaiting_approval';
ALTER TABLE runs DROP COLUMN expires;

CREATE INDEX audit_by_action ON audit (action, at);

-- What was done to one person.
CREATE INDEX changes_by_source ON changes (flow, source_kind, source_id) WHERE sent > 0 OR step = 'done';

-- +goose Down
DROP INDEX changes_by_source;
DROP INDEX audit_by_action;
ALTER TABLE runs ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;
UPDATE runs SET expires = wake;
ALTER TABLE runs DROP COLUMN wake;
DROP INDEX outbox_subject;
ALTER TABLE outbox DROP COLUMN held;
ALTER TABLE outbox DROP COLUMN way;
ALTER TABLE outbox DROP COLUMN version;
ALTER TABLE outbox DROP COLUMN subject;
DROP TABLE tallies;
DROP TABLE sights;
DROP TABLE settings;
