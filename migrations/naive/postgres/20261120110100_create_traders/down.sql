DROP AGGREGATE decimal_sum(numeric);
DROP TABLE traders;
