ALTER TABLE markets DROP COLUMN matched_to;
