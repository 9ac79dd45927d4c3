-- Whose database it is: the venue for good, the program that writes while it runs. One row.
CREATE TABLE ownership (
    id bigint PRIMARY KEY CHECK (id = 1),
    venue text NOT NULL,
    -- Null while no program writes.
    token text,
    host text NOT NULL,
    boot text NOT NULL,
    namespace text NOT NULL,
    pid bigint NOT NULL,
    started bigint NOT NULL,
    heartbeat_at timestamp NOT NULL
);
