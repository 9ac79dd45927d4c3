-- A decimal is text: digits with an optional sign and point. The CHECK holds whatever tool writes, because the collation
-- aborts the process when it meets text that is not UTF-8. Its three parts: no NUL and nothing beyond ASCII (length()
-- counts characters and stops at a NUL); a number as a whole; no exponent, blank or plus.
CREATE TABLE orders (
    symbol TEXT NOT NULL,
    order_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL,
    side TEXT NOT NULL CHECK (side IN ('BUY', 'SELL')),
    price TEXT COLLATE decimal NOT NULL
        CHECK (length(price) = length(CAST(price AS BLOB))
            AND CAST(price AS NUMERIC) = price
            AND price NOT GLOB '*[^-.0-9]*'),
    original_quantity TEXT COLLATE decimal NOT NULL
        CHECK (length(original_quantity) = length(CAST(original_quantity AS BLOB))
            AND CAST(original_quantity AS NUMERIC) = original_quantity
            AND original_quantity NOT GLOB '*[^-.0-9]*'),
    executed_quantity TEXT COLLATE decimal NOT NULL
        CHECK (length(executed_quantity) = length(CAST(executed_quantity AS BLOB))
            AND CAST(executed_quantity AS NUMERIC) = executed_quantity
            AND executed_quantity NOT GLOB '*[^-.0-9]*'),
    cummulative_quote_quantity TEXT COLLATE decimal NOT NULL
        CHECK (length(cummulative_quote_quantity) = length(CAST(cummulative_quote_quantity AS BLOB))
            AND CAST(cummulative_quote_quantity AS NUMERIC) = cummulative_quote_quantity
            AND cummulative_quote_quantity NOT GLOB '*[^-.0-9]*'),
    status TEXT NOT NULL,
    time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    PRIMARY KEY (symbol, order_id)
) STRICT;
