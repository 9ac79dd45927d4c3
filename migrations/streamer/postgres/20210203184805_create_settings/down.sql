DROP TABLE settings;
DROP TYPE streaming_status;
