DROP TABLE subscriber_settings;
