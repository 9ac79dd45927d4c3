-- A decimal is text: digits with an optional sign and point. The CHECK holds whatever tool writes, because the collation
-- aborts the process when it meets text that is not UTF-8. Its three parts: no NUL and nothing beyond ASCII (length()
-- counts characters and stops at a NUL); a number as a whole; no exponent, blank or plus.
CREATE TABLE trade_events (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    event_type TEXT NOT NULL,
    event_time INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    trade_id INTEGER NOT NULL,
    price TEXT COLLATE decimal NOT NULL
        CHECK (length(price) = length(CAST(price AS BLOB))
            AND CAST(price AS NUMERIC) = price
            AND price NOT GLOB '*[^-.0-9]*'),
    quantity TEXT COLLATE decimal NOT NULL
        CHECK (length(quantity) = length(CAST(quantity AS BLOB))
            AND CAST(quantity AS NUMERIC) = quantity
            AND quantity NOT GLOB '*[^-.0-9]*'),
    trade_time INTEGER NOT NULL,
    buyer_market_maker INTEGER NOT NULL CHECK (buyer_market_maker IN (0, 1)),
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (symbol, trade_id)
) STRICT;

CREATE INDEX trade_events_symbol_trade_time_index ON trade_events (symbol, trade_time, trade_id);
