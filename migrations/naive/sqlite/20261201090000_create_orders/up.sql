-- The last state of each of our orders, and whether whoever stores orders has acknowledged it. An order id is unique within
-- its symbol and world only; the client order id is ours, and never repeats.
CREATE TABLE orders (
    order_id INTEGER NOT NULL,
    client_order_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
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
    time_in_force TEXT NOT NULL,
    type TEXT NOT NULL,
    side TEXT NOT NULL,
    stop_price TEXT COLLATE decimal NOT NULL
        CHECK (length(stop_price) = length(CAST(stop_price AS BLOB))
            AND CAST(stop_price AS NUMERIC) = stop_price
            AND stop_price NOT GLOB '*[^-.0-9]*'),
    iceberg_quantity TEXT COLLATE decimal NOT NULL
        CHECK (length(iceberg_quantity) = length(CAST(iceberg_quantity AS BLOB))
            AND CAST(iceberg_quantity AS NUMERIC) = iceberg_quantity
            AND iceberg_quantity NOT GLOB '*[^-.0-9]*'),
    time INTEGER NOT NULL,
    update_time INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL DEFAULT 0 CHECK (acknowledged IN (0, 1)),
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (symbol, order_id, client_order_id)
) STRICT;

CREATE INDEX orders_acknowledged_symbol_index ON orders (acknowledged, symbol);
