//! The events that the library emits, caught on the thread of a paused scenario.

use std::fmt::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Catches the events of `hedgehog_core` while it lives.
///
/// Only on a current-thread runtime: events of other threads go elsewhere.
pub struct Trace {
    caught: Arc<Mutex<Vec<Traced>>>,
    _guard: DefaultGuard,
}

/// One event.
#[derive(Debug, Clone)]
pub struct Traced {
    /// How serious it is.
    pub level: Level,
    /// Its message and fields, as `name=value` parted by spaces.
    pub text: String,
}

impl Trace {
    /// Begins to catch.
    #[must_use]
    pub fn capture() -> Self {
        let caught = Arc::default();
        let layer = Catch(Arc::clone(&caught));
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { caught, _guard: guard }
    }

    /// The events since the last `take`.
    #[must_use]
    pub fn take(&self) -> Vec<Traced> {
        std::mem::take(&mut *self.caught.lock())
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Trace").field(&*self.caught.lock()).finish()
    }
}

struct Catch(Arc<Mutex<Vec<Traced>>>);

impl<S: Subscriber> Layer<S> for Catch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target().starts_with("hedgehog_core") {
            let mut text = Text::default();
            event.record(&mut text);
            self.0.lock().push(Traced {
                level: *metadata.level(),
                text: text.0,
            });
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "{}={value:?} ", field.name());
    }
}
