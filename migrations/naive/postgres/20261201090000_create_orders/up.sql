-- The last state of each of our orders, and whether whoever stores orders has acknowledged it. An order id is unique within
-- its symbol and world only; the client order id is ours, and never repeats.
CREATE TABLE orders (
    order_id bigint NOT NULL,
    client_order_id text NOT NULL,
    symbol text NOT NULL,
    price numeric NOT NULL,
    original_quantity numeric NOT NULL,
    executed_quantity numeric NOT NULL,
    cummulative_quote_quantity numeric NOT NULL,
    status text NOT NULL,
    time_in_force text NOT NULL,
    type text NOT NULL,
    side text NOT NULL,
    stop_price numeric NOT NULL,
    iceberg_quantity numeric NOT NULL,
    time bigint NOT NULL,
    update_time bigint NOT NULL,
    acknowledged boolean NOT NULL DEFAULT false,
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    PRIMARY KEY (symbol, order_id, client_order_id)
);

CREATE INDEX orders_acknowledged_symbol_index ON orders (acknowledged, symbol);
