//! Channels: one shared by all readers, or one for each.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc};

use super::BURST;
use super::rig::Publisher;
use super::round::{Event, Reader, Round};

pub(super) fn tokio_broadcast(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let (sender, _) = broadcast::channel::<Arc<Event>>(BURST as usize);
    for _ in 0..subscribers {
        let (mut receiver, mut reader) = (sender.subscribe(), Reader::new(round));
        runtime.spawn(async move {
            while let Ok(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
    }
    Box::new(move |event| {
        let _ = sender.send(Arc::new(event));
    })
}

pub(super) fn async_broadcast(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let (sender, first) = async_broadcast::broadcast::<Arc<Event>>(BURST as usize);
    for _ in 0..subscribers {
        let (mut receiver, mut reader) = (first.new_receiver(), Reader::new(round));
        runtime.spawn(async move {
            while let Ok(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
    }
    // The first receiver reads nothing: deactivated, it does not hold the others' events back.
    let inactive = first.deactivate();
    Box::new(move |event| {
        let _ = &inactive;
        sender
            .try_broadcast(Arc::new(event))
            .expect("the buffer has room for the longest round");
    })
}

pub(super) fn tokio_mpsc(runtime: &Runtime, subscribers: usize, round: &Arc<Round>) -> Box<dyn Publisher> {
    let subscribe = |_| {
        let (sender, mut receiver) = mpsc::unbounded_channel::<Arc<Event>>();
        let mut reader = Reader::new(round);
        runtime.spawn(async move {
            while let Some(event) = receiver.recv().await {
                reader.read(&event);
            }
        });
        sender
    };
    let senders: Vec<_> = (0..subscribers).map(subscribe).collect();
    Box::new(move |event| {
        let event = Arc::new(event);
        for sender in &senders {
            let _ = sender.send(Arc::clone(&event));
        }
    })
}
