CREATE TABLE streams (
    symbol text PRIMARY KEY,
    last_trade_id bigint NOT NULL,
    updated_at timestamp NOT NULL
);
