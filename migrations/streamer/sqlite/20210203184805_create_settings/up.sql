CREATE TABLE settings (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    symbol TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT 'off' CHECK (status IN ('on', 'off')),
    exchange_status TEXT NOT NULL DEFAULT 'TRADING',
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
