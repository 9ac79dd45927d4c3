CREATE TABLE balances (
    asset TEXT PRIMARY KEY NOT NULL,
    free TEXT COLLATE decimal NOT NULL
        CHECK (length(free) = length(CAST(free AS BLOB))
            AND CAST(free AS NUMERIC) = free
            AND free NOT GLOB '*[^-.0-9]*'),
    locked TEXT COLLATE decimal NOT NULL
        CHECK (length(locked) = length(CAST(locked AS BLOB))
            AND CAST(locked AS NUMERIC) = locked
            AND locked NOT GLOB '*[^-.0-9]*')
) STRICT;
