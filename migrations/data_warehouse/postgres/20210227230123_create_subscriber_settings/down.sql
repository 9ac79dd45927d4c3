DROP TABLE subscriber_settings;
DROP TYPE subscriber_status;
