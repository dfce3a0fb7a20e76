-- +goose Up

-- What identity providers pushed: one row a resource. A deleted one stays as a
-- tombstone without its document, so that it is known to be gone.
CREATE TABLE scim_items (
    system      TEXT   NOT NULL,
    kind        TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    external_id TEXT   NOT NULL,
    document    TEXT   NOT NULL,
    version     BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    changed     BIGINT NOT NULL,
    gone        BIGINT NOT NULL,
    PRIMARY KEY (system, kind, id)
);
CREATE UNIQUE INDEX scim_user_names ON scim_items (system, name) WHERE kind = 'User' AND gone = 0;
CREATE INDEX scim_names ON scim_items (system, kind, name) WHERE gone = 0;
CREATE INDEX scim_external ON scim_items (system, kind, external_id) WHERE gone = 0;

-- How far a provider's pushing has come.
CREATE TABLE scim_states (
    system  TEXT   NOT NULL PRIMARY KEY,
    began   BIGINT NOT NULL,
    wrote   BIGINT NOT NULL,
    settled BIGINT NOT NULL
);

-- +goose Down
DROP TABLE scim_states;
DROP TABLE scim_items;
