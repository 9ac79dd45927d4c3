DROP TABLE settings;
DROP TYPE trading_status;
