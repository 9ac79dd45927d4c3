CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    count INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE amounts (
    name TEXT PRIMARY KEY NOT NULL,
    free TEXT COLLATE decimal NOT NULL
        CHECK (length(free) = length(CAST(free AS BLOB))
            AND CAST(free AS NUMERIC) = free
            AND free NOT GLOB '*[^-.0-9]*'),
    locked TEXT COLLATE decimal NOT NULL
        CHECK (length(locked) = length(CAST(locked AS BLOB))
            AND CAST(locked AS NUMERIC) = locked
            AND locked NOT GLOB '*[^-.0-9]*')
) STRICT;

CREATE TABLE ownership (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    venue TEXT NOT NULL,
    token TEXT,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    namespace TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT;
