CREATE TABLE trade_events (
    id uuid PRIMARY KEY,
    event_type text NOT NULL,
    event_time bigint NOT NULL,
    symbol text NOT NULL,
    trade_id bigint NOT NULL,
    price numeric NOT NULL,
    quantity numeric NOT NULL,
    trade_time bigint NOT NULL,
    buyer_market_maker boolean NOT NULL,
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    UNIQUE (symbol, trade_id)
);

CREATE INDEX trade_events_symbol_trade_time_index ON trade_events (symbol, trade_time, trade_id);

-- The exact sum has the same name as on SQLite, where the program registers it.
CREATE AGGREGATE decimal_sum(numeric) (SFUNC = numeric_add, STYPE = numeric, COMBINEFUNC = numeric_add, PARALLEL = SAFE);
