CREATE TABLE traders (
    id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
    symbol TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'buying', 'selling', 'finished', 'cancelled')),
    budget TEXT COLLATE decimal NOT NULL
        CHECK (length(budget) = length(CAST(budget AS BLOB))
            AND CAST(budget AS NUMERIC) = budget
            AND budget NOT GLOB '*[^-.0-9]*'),
    buy_order_id INTEGER,
    buy_client_order_id TEXT,
    buy_price TEXT COLLATE decimal
        CHECK (length(buy_price) = length(CAST(buy_price AS BLOB))
            AND CAST(buy_price AS NUMERIC) = buy_price
            AND buy_price NOT GLOB '*[^-.0-9]*'),
    buy_quantity TEXT COLLATE decimal
        CHECK (length(buy_quantity) = length(CAST(buy_quantity AS BLOB))
            AND CAST(buy_quantity AS NUMERIC) = buy_quantity
            AND buy_quantity NOT GLOB '*[^-.0-9]*'),
    buy_executed TEXT COLLATE decimal
        CHECK (length(buy_executed) = length(CAST(buy_executed AS BLOB))
            AND CAST(buy_executed AS NUMERIC) = buy_executed
            AND buy_executed NOT GLOB '*[^-.0-9]*'),
    sell_order_id INTEGER,
    sell_client_order_id TEXT,
    sell_price TEXT COLLATE decimal
        CHECK (length(sell_price) = length(CAST(sell_price AS BLOB))
            AND CAST(sell_price AS NUMERIC) = sell_price
            AND sell_price NOT GLOB '*[^-.0-9]*'),
    sell_quantity TEXT COLLATE decimal
        CHECK (length(sell_quantity) = length(CAST(sell_quantity AS BLOB))
            AND CAST(sell_quantity AS NUMERIC) = sell_quantity
            AND sell_quantity NOT GLOB '*[^-.0-9]*'),
    sell_executed TEXT COLLATE decimal
        CHECK (length(sell_executed) = length(CAST(sell_executed AS BLOB))
            AND CAST(sell_executed AS NUMERIC) = sell_executed
            AND sell_executed NOT GLOB '*[^-.0-9]*'),
    rebuy_notified INTEGER NOT NULL DEFAULT 0 CHECK (rebuy_notified IN (0, 1)),
    profit TEXT COLLATE decimal
        CHECK (length(profit) = length(CAST(profit AS BLOB))
            AND CAST(profit AS NUMERIC) = profit
            AND profit NOT GLOB '*[^-.0-9]*'),
    inserted_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX traders_symbol_state_index ON traders (symbol, state);
