CREATE TABLE settings_without_shutdown (
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

INSERT INTO settings_without_shutdown (id, symbol, chunks, budget, buy_down_interval, profit_interval, rebuy_interval, status, inserted_at, updated_at)
SELECT id, symbol, chunks, budget, buy_down_interval, profit_interval, rebuy_interval, CASE status WHEN 'shutdown' THEN 'off' ELSE status END, inserted_at, updated_at
FROM settings;

DROP TABLE settings;
ALTER TABLE settings_without_shutdown RENAME TO settings;
