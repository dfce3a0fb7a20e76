-- +goose Up

-- The last complete snapshot of each flow, where the record is shared by hosts
-- without a common folder. Its bytes are those of a snapshot file, in parts; the
-- parts of another version are of a snapshot that was never finished.
CREATE TABLE snapshots (
    flow    TEXT   NOT NULL PRIMARY KEY,
    version TEXT   NOT NULL,
    at      BIGINT NOT NULL
);
CREATE TABLE snapshot_parts (
    flow    TEXT   NOT NULL,
    version TEXT   NOT NULL,
    part    BIGINT NOT NULL,
    body    BYTEA  NOT NULL,
    PRIMARY KEY (flow, version, part)
);

-- +goose Down
DROP TABLE snapshot_parts;
DROP TABLE snapshots;
