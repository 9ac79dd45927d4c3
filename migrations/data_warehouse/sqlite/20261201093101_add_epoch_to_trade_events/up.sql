-- Ids of trades begin again where an exchange was reset: the epoch tells one such world from the next.
ALTER TABLE trade_events ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;

-- SQLite cannot change a table's key. Copying the table would take as long as it took to fill and twice the disk, so the
-- definition is edited in place, and the index behind it built anew from the rows.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE (symbol, trade_id)', 'UNIQUE (symbol, epoch, trade_id)')
    WHERE type = 'table' AND name = 'trade_events';
PRAGMA writable_schema = RESET;
REINDEX trade_events;
