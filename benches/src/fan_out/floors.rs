//! What no fan-out can undercut.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;

use super::rig::{Publisher, Setup};
use super::round::{Event, Reader};

/// Wakes N tasks and hands over nothing but how many events there are.
pub(super) fn wake(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let published = Arc::new(AtomicU64::new(0));
        let wakers: Arc<[AtomicWaker]> = readers.iter().map(|_| AtomicWaker::new()).collect();
        for (at, mut reader) in readers.into_iter().enumerate() {
            let (published, wakers) = (Arc::clone(&published), Arc::clone(&wakers));
            let mut next = 0;
            setup.runtime.spawn(poll_fn(move |context| -> Poll<()> {
                wakers[at].register(context.waker());
                let end = published.load(Ordering::Acquire);
                while next < end {
                    reader.read(&Event::new(next));
                    next += 1;
                }
                Poll::Pending
            }));
        }
        move |_| {
            published.fetch_add(1, Ordering::Release);
            wakers.iter().for_each(AtomicWaker::wake);
        }
    })
}

/// Calls N closures: no isolation, no concurrency, no queue.
pub(super) fn inline(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let subscriber =
            |mut reader: Reader| -> Box<dyn FnMut(&Event) + Send> { Box::new(move |event| reader.read(event)) };
        let mut closures: Vec<_> = readers.into_iter().map(subscriber).collect();
        move |event| closures.iter_mut().for_each(|closure| closure(&event))
    })
}
