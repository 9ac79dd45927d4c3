-- Of two worlds the newer order stays.
DELETE FROM orders older USING orders newer
    WHERE older.symbol = newer.symbol AND older.order_id = newer.order_id
        AND (older.update_time, older.client_order_id) < (newer.update_time, newer.client_order_id);
ALTER TABLE orders DROP CONSTRAINT orders_pkey;
ALTER TABLE orders ADD PRIMARY KEY (symbol, order_id);
