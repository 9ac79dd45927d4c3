-- What the executed part of each order came to in the quote asset, as the exchange tells it; and of how much of the base
-- asset the commission is not in the profit.
ALTER TABLE traders ADD COLUMN buy_paid TEXT COLLATE decimal
    CHECK (length(buy_paid) = length(CAST(buy_paid AS BLOB))
        AND CAST(buy_paid AS NUMERIC) = buy_paid
        AND buy_paid NOT GLOB '*[^-.0-9]*');
ALTER TABLE traders ADD COLUMN sell_paid TEXT COLLATE decimal
    CHECK (length(sell_paid) = length(CAST(sell_paid AS BLOB))
        AND CAST(sell_paid AS NUMERIC) = sell_paid
        AND sell_paid NOT GLOB '*[^-.0-9]*');
ALTER TABLE traders ADD COLUMN uncharged TEXT COLLATE decimal
    CHECK (length(uncharged) = length(CAST(uncharged AS BLOB))
        AND CAST(uncharged AS NUMERIC) = uncharged
        AND uncharged NOT GLOB '*[^-.0-9]*');
