DROP TABLE ownership;
