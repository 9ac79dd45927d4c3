//! What no fan-out can undercut.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use futures_util::task::AtomicWaker;
use tokio::runtime::Runtime;

use super::rig::Publisher;
use super::round::{Event, Reader, Round};

/// Wakes N tasks and hands over nothing but how many events there are.
pub(super) fn wake(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let published = Arc::new(AtomicU64::new(0));
    let wakers: Arc<[AtomicWaker]> = (0..subscribers).map(|_| AtomicWaker::new()).collect();
    for at in 0..subscribers {
        let (published, wakers, mut reader) = (Arc::clone(&published), Arc::clone(&wakers), Reader::new(round));
        let mut next = 0;
        runtime.spawn(poll_fn(move |context| -> Poll<()> {
            wakers[at].register(context.waker());
            let end = published.load(Ordering::Acquire);
            while next < end {
                reader.read(&Event::new(next));
                next += 1;
            }
            Poll::Pending
        }));
    }
    Box::new(move |_| {
        published.fetch_add(1, Ordering::Release);
        wakers.iter().for_each(AtomicWaker::wake);
    })
}

/// Calls N closures: no isolation, no concurrency, no queue.
pub(super) fn inline(_: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let subscriber = |_| -> Box<dyn FnMut(&Event) + Send> {
        let mut reader = Reader::new(round);
        Box::new(move |event| reader.read(event))
    };
    let mut closures: Vec<_> = (0..subscribers).map(subscriber).collect();
    Box::new(move |event| closures.iter_mut().for_each(|closure| closure(&event)))
}
