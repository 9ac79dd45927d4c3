-- A decimal is text: digits with an optional sign and point. The CHECK holds whatever tool writes, because the collation
-- aborts the process when it meets text that is not UTF-8. Its three parts: no NUL and nothing beyond ASCII (length()
-- counts characters and stops at a NUL); a number as a whole; no exponent, blank or plus.
CREATE TABLE settings (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    symbol TEXT NOT NULL UNIQUE,
    chunks INTEGER NOT NULL,
    budget TEXT COLLATE decimal NOT NULL
        CHECK (length(budget) = length(CAST(budget AS BLOB))
            AND CAST(budget AS NUMERIC) = budget
            AND budget NOT GLOB '*[^-.0-9]*'),
    buy_down_interval TEXT COLLATE decimal NOT NULL
        CHECK (length(buy_down_interval) = length(CAST(buy_down_interval AS BLOB))
            AND CAST(buy_down_interval AS NUMERIC) = buy_down_interval
            AND buy_down_interval NOT GLOB '*[^-.0-9]*'),
    profit_interval TEXT COLLATE decimal NOT NULL
        CHECK (length(profit_interval) = length(CAST(profit_interval AS BLOB))
            AND CAST(profit_interval AS NUMERIC) = profit_interval
            AND profit_interval NOT GLOB '*[^-.0-9]*'),
    rebuy_interval TEXT COLLATE decimal NOT NULL
        CHECK (length(rebuy_interval) = length(CAST(rebuy_interval AS BLOB))
            AND CAST(rebuy_interval AS NUMERIC) = rebuy_interval
            AND rebuy_interval NOT GLOB '*[^-.0-9]*'),
    status TEXT NOT NULL DEFAULT 'off' CHECK (status IN ('on', 'off')),
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
