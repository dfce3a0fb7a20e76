-- +goose Up

-- What systems told of a flow and nobody has acted on yet: the objects that they
-- named (what is ''), or that something else changed (whole, shrunk; kind and id are
-- '' then). The transaction that stores the run of some hints deletes them.
CREATE TABLE hints (
    flow    TEXT   NOT NULL,
    what    TEXT   NOT NULL,
    kind    TEXT   NOT NULL,
    id      TEXT   NOT NULL,
    at      BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (flow, what, kind, id)
);

-- +goose Down
DROP TABLE hints;
