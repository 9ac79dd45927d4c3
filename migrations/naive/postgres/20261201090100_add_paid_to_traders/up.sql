-- What the executed part of each order came to in the quote asset, as the exchange tells it; and of how much of the base
-- asset the commission is not in the profit.
ALTER TABLE traders ADD COLUMN buy_paid numeric;
ALTER TABLE traders ADD COLUMN sell_paid numeric;
ALTER TABLE traders ADD COLUMN uncharged numeric;
