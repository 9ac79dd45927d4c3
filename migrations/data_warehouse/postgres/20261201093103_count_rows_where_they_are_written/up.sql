-- Counting millions of rows to show one number takes seconds: the number is kept beside the topic, and changed with its rows.
ALTER TABLE subscriber_settings ADD COLUMN rows_stored bigint NOT NULL DEFAULT 0;
UPDATE subscriber_settings
    SET rows_stored = (SELECT count(*) FROM trade_events WHERE symbol = substr(topic, length('TRADE_EVENTS:') + 1))
    WHERE topic LIKE 'TRADE_EVENTS:%';
UPDATE subscriber_settings
    SET rows_stored = (SELECT count(*) FROM orders WHERE symbol = substr(topic, length('ORDERS:') + 1))
    WHERE topic LIKE 'ORDERS:%';
