//! A subscription as a `futures` stream of clones.

use super::Subscription;
use futures_util::Stream;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The events of a subscription, one by one; made by [`Subscription::into_events`].
///
/// Events lost by overflow come as one `Err` at the place where they are missing. Ends when the subscription is
/// [closed](super::Closed), and never otherwise.
#[derive(Debug)]
#[must_use = "a stream does nothing unless polled"]
pub struct Events<T> {
    subscription: Subscription<T>,
    /// Read already, but behind the `Err` that was handed out first.
    held: Option<T>,
}

/// So many events were lost by overflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber fell behind and lost {0} events")]
pub struct Lagged(pub u64);

impl<T: Clone + Send + Sync + 'static> Subscription<T> {
    /// The same events as a stream of clones. Slower than [`next_batch`](Self::next_batch), which lends them.
    pub fn into_events(self) -> Events<T> {
        Events {
            subscription: self,
            held: None,
        }
    }
}

impl<T: Clone + Send + Sync + Unpin + 'static> Stream for Events<T> {
    type Item = Result<T, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(event) = self.held.take() {
            return Poll::Ready(Some(Ok(event)));
        }
        // Cooperative: a subscriber that always finds events would otherwise never let its thread go.
        let progress = ready!(tokio::task::coop::poll_proceed(context));
        let mut event = None;
        let drained = ready!(
            self.subscription
                .poll_batch(context, 1, |next| event = Some(next.clone()))
        );
        progress.made_progress();
        let Ok(drained) = drained else {
            return Poll::Ready(None);
        };
        if drained.lagged > 0 {
            self.held = event;
            return Poll::Ready(Some(Err(Lagged(drained.lagged))));
        }
        Poll::Ready(event.map(Ok))
    }
}
