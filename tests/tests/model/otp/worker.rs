//! What a worker does, from its start to its end.

use std::future;

use super::world::{Event, Failure, Message, Pid, World};
use crate::scenario::{Body, Life, Node, Order, Reason, Start};

pub(super) async fn run(world: &World, me: Pid, node: &Node) -> Reason {
    let Body::Worker(lives) = &node.body else {
        unreachable!("it is run as a worker");
    };
    let life = Life::of(lives, world.nth(me));
    world.sleep(me, life.start_takes).await;
    let failed = match life.start {
        Start::Succeeds => None,
        Start::Fails => Some((Failure::Failed, Reason::Error)),
        Start::Panics => Some((Failure::Panicked, Reason::Panic)),
        Start::Declines => Some((Failure::Ignore, Reason::Normal)),
    };
    if let Some((failure, reason)) = failed {
        world.fail(me, failure);
        return reason;
    }
    world.up(me);
    if let Some((after, reason)) = life.ends {
        world.send_after(me, after, Order::End(reason));
    }
    loop {
        match world.receive(me).await {
            Event::Stop(reason) => {
                clean_up(world, me, life).await;
                return life.insists_on.unwrap_or(reason);
            }
            Event::Message(Message::Order(Order::End(Reason::Panic))) => {
                world.close(me);
                return Reason::Panic;
            }
            Event::Message(Message::Order(Order::End(reason))) => {
                world.close(me);
                clean_up(world, me, life).await;
                return reason;
            }
            Event::Message(Message::Order(Order::Hang)) => future::pending().await,
            Event::Message(Message::Order(Order::Work(time))) => world.sleep(me, time).await,
            Event::Message(Message::Call(..) | Message::Exited(..) | Message::Retry(_)) => {
                unreachable!("nobody sends that to a worker")
            }
        }
    }
}

async fn clean_up(world: &World, me: Pid, life: Life) {
    world.cleaning_up(me);
    match life.cleanup_takes {
        Some(time) => world.sleep(me, time).await,
        None => future::pending().await,
    }
}
