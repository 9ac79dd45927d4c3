-- An order id is unique within its symbol only.
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
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    PRIMARY KEY (symbol, order_id)
);
