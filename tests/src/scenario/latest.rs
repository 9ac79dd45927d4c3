//! The incarnations that one child spec has produced.

use std::sync::Arc;

use hedgehog_core::{ActorRef, Bind, Message, StartError};
use parking_lot::Mutex;

/// Remembers every incarnation of the child spec it is bound to with `via`; a clone is the same record.
///
/// Unlike a name it is never taken and never freed: it also leads to incarnations that are long gone.
#[derive(Debug)]
pub struct Latest<M>(Arc<Mutex<Vec<ActorRef<M>>>>);

impl<M> Clone for Latest<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> Default for Latest<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M: Message> Latest<M> {
    /// A record without an incarnation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The last incarnation, dead or alive, and also one whose `pre_start` failed.
    ///
    /// # Panics
    ///
    /// When there has been none: then the scenario is wrong.
    #[must_use]
    pub fn current(&self) -> ActorRef<M> {
        self.0.lock().last().cloned().expect("the child spec has been started")
    }

    /// How often the child was started, failed starts included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }

    /// All incarnations, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<ActorRef<M>> {
        self.0.lock().clone()
    }
}

impl<M: Message> Bind<M> for Latest<M> {
    fn bind(&self, actor: &ActorRef<M>) -> Result<(), StartError> {
        self.0.lock().push(actor.clone());
        Ok(())
    }
}
