CREATE TYPE streaming_status AS ENUM ('on', 'off');

CREATE TABLE settings (
    id uuid PRIMARY KEY,
    symbol text NOT NULL UNIQUE,
    status streaming_status NOT NULL DEFAULT 'off',
    exchange_status text NOT NULL DEFAULT 'TRADING',
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
