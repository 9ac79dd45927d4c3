CREATE TABLE gaps (
    id uuid PRIMARY KEY,
    symbol text NOT NULL,
    first_missing_id bigint NOT NULL,
    last_missing_id bigint NOT NULL CHECK (last_missing_id >= first_missing_id),
    detected_at timestamp NOT NULL,
    cause text NOT NULL,
    UNIQUE (symbol, first_missing_id, last_missing_id)
);
