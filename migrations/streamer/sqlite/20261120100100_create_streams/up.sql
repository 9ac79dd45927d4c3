CREATE TABLE streams (
    symbol TEXT PRIMARY KEY NOT NULL,
    last_trade_id INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
