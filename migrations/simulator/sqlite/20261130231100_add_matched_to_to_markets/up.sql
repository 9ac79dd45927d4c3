-- How far the trades of a symbol have met its orders: one that is played again fills nothing.
ALTER TABLE markets ADD COLUMN matched_to INTEGER NOT NULL DEFAULT 0;
