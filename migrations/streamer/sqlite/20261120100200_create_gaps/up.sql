CREATE TABLE gaps (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    symbol TEXT NOT NULL,
    first_missing_id INTEGER NOT NULL,
    last_missing_id INTEGER NOT NULL CHECK (last_missing_id >= first_missing_id),
    detected_at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    UNIQUE (symbol, first_missing_id, last_missing_id)
) STRICT;
