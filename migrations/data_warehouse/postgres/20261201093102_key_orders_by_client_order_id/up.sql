-- Order ids begin again in a reset world too; the client order id is ours alone.
ALTER TABLE orders DROP CONSTRAINT orders_pkey;
ALTER TABLE orders ADD PRIMARY KEY (symbol, order_id, client_order_id);
