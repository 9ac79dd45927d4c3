-- What the older key has no place for.
DELETE FROM trade_events WHERE epoch > 0;
ALTER TABLE trade_events ADD UNIQUE (symbol, trade_id);
ALTER TABLE trade_events DROP COLUMN epoch;
