-- What the older key has no place for.
DELETE FROM trade_events WHERE epoch > 0;
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE (symbol, epoch, trade_id)', 'UNIQUE (symbol, trade_id)')
    WHERE type = 'table' AND name = 'trade_events';
PRAGMA writable_schema = RESET;
REINDEX trade_events;
ALTER TABLE trade_events DROP COLUMN epoch;
