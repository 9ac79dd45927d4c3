ALTER TABLE traders DROP COLUMN uncharged;
ALTER TABLE traders DROP COLUMN sell_paid;
ALTER TABLE traders DROP COLUMN buy_paid;
