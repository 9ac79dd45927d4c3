DROP TABLE generator;
