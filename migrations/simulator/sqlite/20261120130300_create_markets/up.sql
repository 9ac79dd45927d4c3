CREATE TABLE markets (
    symbol TEXT PRIMARY KEY NOT NULL,
    last_trade_id INTEGER NOT NULL,
    last_order_id INTEGER NOT NULL,
    played_to INTEGER
) STRICT;
