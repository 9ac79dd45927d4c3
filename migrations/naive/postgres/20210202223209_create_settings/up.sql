CREATE TYPE trading_status AS ENUM ('on', 'off');

CREATE TABLE settings (
    id uuid PRIMARY KEY,
    symbol text NOT NULL UNIQUE,
    chunks integer NOT NULL,
    budget numeric NOT NULL,
    buy_down_interval numeric NOT NULL,
    profit_interval numeric NOT NULL,
    rebuy_interval numeric NOT NULL,
    status trading_status NOT NULL DEFAULT 'off',
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
