//! Which state of an order replaces the one that is stored: `Order::supersedes`, in SQL.
//!
//! Macros, because an order stands in more than one table, each with types of its own.

/// Whether the new state of a row of this table may replace the stored one: neither its executed quantity nor its status goes back,
/// and an ended order stays as it ended. A clock that went back, ours or the exchange's, holds up no fill and no end.
macro_rules! supersedes {
    ($orders:ident) => {{
        let not_older = excluded($orders::update_time)
            .ge($orders::update_time)
            .or(excluded($orders::executed_quantity).gt($orders::executed_quantity))
            .or(excluded($orders::status).ne($orders::status))
            .and(excluded($orders::executed_quantity).ge($orders::executed_quantity));
        // What may follow the stored status. Nothing but itself follows one that is not named here: the order has ended.
        let forward = excluded($orders::status)
            .eq($orders::status)
            .or($orders::status.eq("PENDING_NEW"))
            .or($orders::status.eq("NEW").and(excluded($orders::status).ne("PENDING_NEW")))
            .or($orders::status
                .eq_any(["PARTIALLY_FILLED", "PENDING_CANCEL"])
                .and(excluded($orders::status).ne_all(["PENDING_NEW", "NEW"])));
        not_older.and(forward)
    }};
}

/// What moves during an order's life.
macro_rules! moved {
    ($orders:ident) => {
        (
            $orders::executed_quantity.eq(excluded($orders::executed_quantity)),
            $orders::cummulative_quote_quantity.eq(excluded($orders::cummulative_quote_quantity)),
            $orders::status.eq(excluded($orders::status)),
            $orders::update_time.eq(excluded($orders::update_time)),
            $orders::updated_at.eq(excluded($orders::updated_at)),
        )
    };
}

pub(crate) use {moved, supersedes};
