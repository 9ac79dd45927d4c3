-- Ids of trades begin again where an exchange was reset: the epoch tells one such world from the next.
ALTER TABLE trade_events ADD COLUMN epoch integer NOT NULL DEFAULT 0;
ALTER TABLE trade_events ADD UNIQUE (symbol, epoch, trade_id);
ALTER TABLE trade_events DROP CONSTRAINT trade_events_symbol_trade_id_key;
