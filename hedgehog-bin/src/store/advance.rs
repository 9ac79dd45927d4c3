//! Upserts of what only moves on: a version that comes late never replaces a later one.
//!
//! Macros over the columns, because such a thing may stand in more than one table, each with types of its own.

/// Whether the version that comes may replace the one that stands: neither its amount nor its word goes back, and where
/// both stay its time does not either. A clock that went back holds up no amount and no word.
///
/// `$rungs` are the words of what still moves, in the order in which it passes them: from each it goes on to any that is not behind
/// it. Nothing but itself follows a word that stands on none of them: that is an end.
macro_rules! advances {
    ($table:ident: $time:ident, $amount:ident, $word:ident in $rungs:expr) => {{
        let not_older = excluded($table::$time)
            .ge($table::$time)
            .or(excluded($table::$amount).gt($table::$amount))
            .or(excluded($table::$word).ne($table::$word))
            .and(excluded($table::$amount).ge($table::$amount));
        let [first, second, third] = $rungs;
        let forward = excluded($table::$word)
            .eq($table::$word)
            .or($table::$word.eq_any(first.to_vec()))
            .or($table::$word
                .eq_any(second.to_vec())
                .and(excluded($table::$word).ne_all(first.to_vec())))
            .or($table::$word
                .eq_any(third.to_vec())
                .and(excluded($table::$word).ne_all([first, second].concat())));
        not_older.and(forward)
    }};
}

/// These columns as they come.
macro_rules! overwrites {
    ($table:ident: $($column:ident),+ $(,)?) => {
        ($($table::$column.eq(excluded($table::$column)),)+)
    };
}

pub(crate) use {advances, overwrites};
