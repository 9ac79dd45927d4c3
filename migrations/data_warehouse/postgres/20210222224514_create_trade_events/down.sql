DROP AGGREGATE decimal_sum(numeric);
DROP TABLE trade_events;
