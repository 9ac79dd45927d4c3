DROP TABLE trade_events;
