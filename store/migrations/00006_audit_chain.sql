-- +goose Up

-- Each audit row has the hash of itself and of the row before, and says which key
-- made it; '' is no key. Rows that were there already have no hash until the program
-- seals them, once, since SQL cannot.
ALTER TABLE audit ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE audit DROP COLUMN hash;
ALTER TABLE audit DROP COLUMN key_id;
