-- PostgreSQL cannot drop one value of an enum: the type is made anew without it.
BEGIN;
ALTER TYPE trading_status RENAME TO trading_status_with_shutdown;
CREATE TYPE trading_status AS ENUM ('on', 'off');
ALTER TABLE settings ALTER COLUMN status DROP DEFAULT;
ALTER TABLE settings ALTER COLUMN status TYPE trading_status
    USING (CASE status::text WHEN 'shutdown' THEN 'off' ELSE status::text END)::trading_status;
ALTER TABLE settings ALTER COLUMN status SET DEFAULT 'off';
DROP TYPE trading_status_with_shutdown;
COMMIT;
