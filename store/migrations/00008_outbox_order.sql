-- +goose Up

-- Each way out takes the oldest of its letters: without looking at all that wait.
CREATE INDEX outbox_by_way ON outbox (way, seq) WHERE state = 'waiting';

-- +goose Down
DROP INDEX outbox_by_way;
