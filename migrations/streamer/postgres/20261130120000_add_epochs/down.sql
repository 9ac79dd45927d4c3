DELETE FROM gaps WHERE epoch <> 0;
ALTER TABLE gaps DROP COLUMN epoch;
ALTER TABLE gaps ADD UNIQUE (symbol, first_missing_id, last_missing_id);
DELETE FROM streams WHERE epoch <> 0;
ALTER TABLE streams DROP COLUMN epoch;
