-- One row: which generation of the generator made the market, so that an id tells one price for good.
CREATE TABLE generator (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    generation INTEGER NOT NULL
) STRICT;
