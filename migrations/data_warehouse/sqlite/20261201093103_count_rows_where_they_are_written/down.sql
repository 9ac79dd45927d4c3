ALTER TABLE subscriber_settings DROP COLUMN rows_stored;
