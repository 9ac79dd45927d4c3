ALTER TABLE streams ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE gaps ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE gaps DROP CONSTRAINT gaps_symbol_first_missing_id_last_missing_id_key;
ALTER TABLE gaps ADD UNIQUE (symbol, epoch, first_missing_id, last_missing_id);
