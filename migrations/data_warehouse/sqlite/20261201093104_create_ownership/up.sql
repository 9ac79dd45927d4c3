-- Whose database it is: the venue for good, the program that writes while it runs. One row.
CREATE TABLE ownership (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    venue TEXT NOT NULL,
    -- Null while no program writes.
    token TEXT,
    host TEXT NOT NULL,
    boot TEXT NOT NULL,
    namespace TEXT NOT NULL,
    pid INTEGER NOT NULL,
    started INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL
) STRICT;
