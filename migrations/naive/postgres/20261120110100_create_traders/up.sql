CREATE TABLE traders (
    id uuid PRIMARY KEY,
    symbol text NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'buying', 'selling', 'finished', 'cancelled')),
    budget numeric NOT NULL,
    buy_order_id bigint,
    buy_client_order_id text,
    buy_price numeric,
    buy_quantity numeric,
    buy_executed numeric,
    sell_order_id bigint,
    sell_client_order_id text,
    sell_price numeric,
    sell_quantity numeric,
    sell_executed numeric,
    rebuy_notified boolean NOT NULL DEFAULT false,
    profit numeric,
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);

CREATE INDEX traders_symbol_state_index ON traders (symbol, state);

-- The exact sum has the same name as on SQLite, where the program registers it.
CREATE AGGREGATE decimal_sum(numeric) (SFUNC = numeric_add, STYPE = numeric, COMBINEFUNC = numeric_add, PARALLEL = SAFE);
