CREATE TABLE subscriber_settings (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    topic TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT 'off' CHECK (status IN ('on', 'off')),
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
