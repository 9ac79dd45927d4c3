CREATE TYPE subscriber_status AS ENUM ('on', 'off');

CREATE TABLE subscriber_settings (
    id uuid PRIMARY KEY,
    topic text NOT NULL UNIQUE,
    status subscriber_status NOT NULL DEFAULT 'off',
    inserted_at timestamp NOT NULL,
    updated_at timestamp NOT NULL
);
