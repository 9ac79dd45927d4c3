//! Channels: one shared by all readers, or one for each.

use std::sync::Arc;

use tokio::sync::{broadcast, mpsc};

use super::BURST;
use super::rig::{Publisher, Setup};
use super::round::Event;

pub(super) fn tokio_broadcast(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let (sender, _) = broadcast::channel::<Arc<Event>>(BURST as usize);
        for mut reader in readers {
            let mut receiver = sender.subscribe();
            setup.runtime.spawn(async move {
                while let Ok(event) = receiver.recv().await {
                    reader.read(&event);
                }
            });
        }
        move |event| {
            let _ = sender.send(Arc::new(event));
        }
    })
}

pub(super) fn async_broadcast(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let (sender, first) = async_broadcast::broadcast::<Arc<Event>>(BURST as usize);
        for mut reader in readers {
            let mut receiver = first.new_receiver();
            setup.runtime.spawn(async move {
                while let Ok(event) = receiver.recv().await {
                    reader.read(&event);
                }
            });
        }
        // The first receiver reads nothing: deactivated, it does not hold the others' events back.
        let inactive = first.deactivate();
        move |event| {
            let _ = &inactive;
            sender
                .try_broadcast(Arc::new(event))
                .expect("the buffer has room for the longest round");
        }
    })
}

pub(super) fn tokio_mpsc(setup: &Setup<'_>) -> Box<dyn Publisher> {
    setup.publisher(|readers| {
        let mut senders = Vec::with_capacity(readers.len());
        for mut reader in readers {
            let (sender, mut receiver) = mpsc::unbounded_channel::<Arc<Event>>();
            setup.runtime.spawn(async move {
                while let Some(event) = receiver.recv().await {
                    reader.read(&event);
                }
            });
            senders.push(sender);
        }
        move |event| {
            let event = Arc::new(event);
            for sender in &senders {
                let _ = sender.send(Arc::clone(&event));
            }
        }
    })
}
