ALTER TABLE streams ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

CREATE TABLE gaps_of_epochs (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    symbol TEXT NOT NULL,
    first_missing_id INTEGER NOT NULL,
    last_missing_id INTEGER NOT NULL CHECK (last_missing_id >= first_missing_id),
    detected_at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    epoch INTEGER NOT NULL DEFAULT 0,
    UNIQUE (symbol, epoch, first_missing_id, last_missing_id)
) STRICT;
INSERT INTO gaps_of_epochs (id, symbol, first_missing_id, last_missing_id, detected_at, cause)
SELECT id, symbol, first_missing_id, last_missing_id, detected_at, cause FROM gaps;
DROP TABLE gaps;
ALTER TABLE gaps_of_epochs RENAME TO gaps;
