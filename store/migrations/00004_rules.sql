-- +goose Up

-- The rule texts that plans were made with, by the hash of the flow's configuration
-- and rule files. The row of kind '' says that the set is whole: a flow without rules
-- has that row alone.
CREATE TABLE rules (
    config TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    name   TEXT   NOT NULL,
    body   BYTEA  NOT NULL,
    at     BIGINT NOT NULL,
    PRIMARY KEY (config, kind)
);

-- +goose Down
DROP TABLE rules;
