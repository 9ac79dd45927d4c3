ALTER TYPE trading_status ADD VALUE IF NOT EXISTS 'shutdown';
