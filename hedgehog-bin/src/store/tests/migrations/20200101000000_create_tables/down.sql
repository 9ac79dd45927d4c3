DROP TABLE ownership;
DROP TABLE amounts;
DROP TABLE counters;
