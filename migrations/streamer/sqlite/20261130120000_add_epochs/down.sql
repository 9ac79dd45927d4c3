CREATE TABLE gaps_of_one_epoch (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    symbol TEXT NOT NULL,
    first_missing_id INTEGER NOT NULL,
    last_missing_id INTEGER NOT NULL CHECK (last_missing_id >= first_missing_id),
    detected_at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    UNIQUE (symbol, first_missing_id, last_missing_id)
) STRICT;
INSERT INTO gaps_of_one_epoch (id, symbol, first_missing_id, last_missing_id, detected_at, cause)
SELECT id, symbol, first_missing_id, last_missing_id, detected_at, cause FROM gaps WHERE epoch = 0;
DROP TABLE gaps;
ALTER TABLE gaps_of_one_epoch RENAME TO gaps;
DELETE FROM streams WHERE epoch <> 0;
ALTER TABLE streams DROP COLUMN epoch;
