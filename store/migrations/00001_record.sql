-- Texts run unchanged on SQLite and PostgreSQL. Times are milliseconds since
-- 1970 in UTC, 0 = never. Bodies are JSON; bytes are BYTEA.

-- +goose Up

-- Numbers that grow in commit order: whoever draws one holds the row until its
-- transaction ends, so a reader never sees a later number before an earlier one.
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counters (name, value) VALUES ('events', 0), ('audit', 0), ('outbox', 0);

CREATE TABLE runs (
    code       TEXT   NOT NULL PRIMARY KEY,
    request_id TEXT   NOT NULL UNIQUE,
    flow       TEXT   NOT NULL,
    state      TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    body       TEXT   NOT NULL
);
CREATE INDEX runs_by_flow ON runs (flow, created);
CREATE INDEX runs_by_state ON runs (state, created);
CREATE INDEX runs_by_time ON runs (created);

CREATE TABLE plans (
    run    TEXT  NOT NULL PRIMARY KEY REFERENCES runs (code),
    digest TEXT  NOT NULL,
    body   BYTEA NOT NULL
);

CREATE TABLE changes (
    run         TEXT   NOT NULL REFERENCES runs (code),
    seq         BIGINT NOT NULL,
    flow        TEXT   NOT NULL,
    op          TEXT   NOT NULL,
    step        TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    source_kind TEXT   NOT NULL,
    source_id   TEXT   NOT NULL,
    say         TEXT   NOT NULL,
    sent        BIGINT NOT NULL,
    sends       BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (run, seq)
);
CREATE INDEX changes_sent ON changes (flow, sent) WHERE sent > 0;

CREATE TABLE votes (
    run    TEXT   NOT NULL REFERENCES runs (code),
    person TEXT   NOT NULL,
    place  BIGINT NOT NULL,
    body   TEXT   NOT NULL,
    PRIMARY KEY (run, person)
);

CREATE TABLE events (
    seq  BIGINT NOT NULL PRIMARY KEY,
    run  TEXT   NOT NULL,
    kind TEXT   NOT NULL,
    say  TEXT   NOT NULL,
    at   BIGINT NOT NULL
);

CREATE TABLE audit (
    seq    BIGINT NOT NULL PRIMARY KEY,
    run    TEXT   NOT NULL,
    at     BIGINT NOT NULL,
    who    TEXT   NOT NULL,
    action TEXT   NOT NULL,
    detail TEXT   NOT NULL
);
CREATE INDEX audit_by_run ON audit (run, seq);

CREATE TABLE links (
    flow        TEXT   NOT NULL,
    source_kind TEXT   NOT NULL,
    source_id   TEXT   NOT NULL,
    target_kind TEXT   NOT NULL,
    target_id   TEXT   NOT NULL,
    live        BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (flow, source_kind, source_id)
);
CREATE UNIQUE INDEX links_target ON links (flow, target_kind, target_id) WHERE live = 1;

CREATE TABLE leases (
    flow  TEXT   NOT NULL PRIMARY KEY,
    owner TEXT   NOT NULL,
    fence BIGINT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE inbox (
    id      TEXT   NOT NULL PRIMARY KEY,
    seq     BIGINT NOT NULL,
    payload BYTEA  NOT NULL,
    at      BIGINT NOT NULL,
    handled BIGINT NOT NULL
);
CREATE INDEX inbox_by_seq ON inbox (seq);
CREATE INDEX inbox_waiting ON inbox (seq) WHERE handled = 0;

CREATE TABLE outbox (
    id       TEXT   NOT NULL PRIMARY KEY,
    seq      BIGINT NOT NULL,
    lane     TEXT   NOT NULL,
    payload  BYTEA  NOT NULL,
    at       BIGINT NOT NULL,
    due      BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    state    TEXT   NOT NULL,
    why      TEXT   NOT NULL,
    place    TEXT   NOT NULL,
    done     BIGINT NOT NULL
);
CREATE INDEX outbox_waiting ON outbox (lane, seq) WHERE state = 'waiting';
CREATE INDEX outbox_failed ON outbox (seq) WHERE state = 'failed';

CREATE TABLE cursors (
    reader TEXT   NOT NULL PRIMARY KEY,
    seq    BIGINT NOT NULL
);

CREATE TABLE places (
    name  TEXT NOT NULL PRIMARY KEY,
    place TEXT NOT NULL
);

-- +goose Down
DROP TABLE places;
DROP TABLE cursors;
DROP TABLE outbox;
DROP TABLE inbox;
DROP TABLE leases;
DROP TABLE links;
DROP TABLE audit;
DROP TABLE events;
DROP TABLE votes;
DROP TABLE changes;
DROP TABLE plans;
DROP TABLE runs;
DROP TABLE counters;
