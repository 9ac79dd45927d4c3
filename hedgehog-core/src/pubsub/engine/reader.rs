//! What the log knows of one subscriber: written by that subscriber, read by whoever trims the log or looks at it.

use super::{
    overflow::{Metadata, Overflow},
    sync::AtomicU64,
};
use std::sync::atomic::Ordering;

/// Alone on its cache lines: it is written at every drain. What a drain looks at comes first, and fits on one of them.
#[repr(C, align(128))]
pub(crate) struct Reader {
    /// The next event to read, as of the last drain.
    position: AtomicU64,
    /// Everything before it may go; only looked at where nothing may be lost.
    acknowledged: AtomicU64,
    /// The position at which the subscription was closed; [`OPEN`] until then. Set under the log's lock.
    end: AtomicU64,
    high_water: AtomicU64,
    overflow: Overflow,
    id: usize,
    lagged: AtomicU64,
    skipped: AtomicU64,
    metadata: Option<Metadata>,
    acknowledge: Acknowledge,
    /// The position at which it subscribed: it has no part in what was published before.
    began: u64,
}

/// When events that were read stop being retained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledge {
    OnDrain,
    ByHand,
}

const OPEN: u64 = u64::MAX;

impl Reader {
    pub(super) fn new(
        id: usize,
        overflow: Overflow,
        metadata: Option<Metadata>,
        acknowledge: Acknowledge,
        position: u64,
    ) -> Self {
        Self {
            id,
            overflow,
            metadata,
            acknowledge,
            began: position,
            position: AtomicU64::new(position),
            acknowledged: AtomicU64::new(position),
            lagged: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            high_water: AtomicU64::new(0),
            end: AtomicU64::new(OPEN),
        }
    }

    pub(crate) fn id(&self) -> usize {
        self.id
    }

    #[inline]
    pub(crate) fn overflow(&self) -> Overflow {
        self.overflow
    }

    pub(crate) fn metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }

    #[inline]
    pub(super) fn acknowledge_mode(&self) -> Acknowledge {
        self.acknowledge
    }

    pub(super) fn began(&self) -> u64 {
        self.began
    }

    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    #[inline]
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    pub(crate) fn lagged(&self) -> u64 {
        self.lagged.load(Ordering::Relaxed)
    }

    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn high_water(&self) -> u64 {
        self.high_water.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn moved_to(&self, position: u64) {
        self.position.store(position, Ordering::Release);
    }

    #[inline]
    pub(super) fn acknowledge(&self, position: u64) {
        self.acknowledged.store(position, Ordering::Release);
    }

    pub(super) fn lost(&self, events: u64) {
        self.lagged.fetch_add(events, Ordering::Relaxed);
    }

    /// An event was passed over that was not for this subscriber.
    pub(super) fn skip(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn was_behind(&self, lag: u64) {
        // Only the subscriber writes it: a load is all that most drains pay.
        if lag > self.high_water() {
            self.high_water.store(lag, Ordering::Relaxed);
        }
    }

    /// Ends the subscription at `position`; false if it has ended before.
    pub(super) fn close(&self, position: u64) -> bool {
        let open = self.end().is_none();
        if open {
            // `SeqCst`, as the idle bits are: a subscriber that parks sees this, or its closer sees the bit.
            self.end.store(position, Ordering::SeqCst);
        }
        open
    }

    /// Where the subscription was closed, if it was.
    #[inline]
    pub(crate) fn end(&self) -> Option<u64> {
        let end = self.end.load(Ordering::SeqCst);
        (end != OPEN).then_some(end)
    }

    /// The first event that this reader may not have lost by overflow.
    #[inline]
    pub(crate) fn oldest(&self, published: u64) -> u64 {
        match self.overflow {
            Overflow::DropOldest(capacity) => published.saturating_sub(capacity.max(1) as u64),
            Overflow::Latest => published.saturating_sub(1),
            Overflow::Lossless | Overflow::Block(_) => 0,
        }
    }

    /// Whether a publisher that waits has to wait for it, `promised` events being on their way.
    pub(super) fn is_full(&self, published: u64, promised: u64) -> bool {
        match self.overflow {
            Overflow::Block(capacity) => {
                (published + promised).saturating_sub(self.position()) >= capacity.max(1) as u64
            }
            _ => false,
        }
    }

    /// The first event that the log has to keep for this reader.
    pub(super) fn needs(&self, published: u64) -> u64 {
        match self.overflow {
            _ if self.end().is_some() => u64::MAX,
            Overflow::DropOldest(_) | Overflow::Latest => self.position().max(self.oldest(published)),
            Overflow::Lossless | Overflow::Block(_) => self.acknowledged(),
        }
    }
}

/// Keeps what different cores write apart: 128 bytes, because processors fetch lines in pairs.
#[repr(align(128))]
pub(super) struct CacheLine<T>(pub(super) T);
