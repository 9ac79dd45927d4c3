//! Automatic shutdown as a pure function: does the end of a significant child end its supervisor?

use crate::{
    child_spec::{ErasedSpec, Restart},
    start_error::StartError,
};

/// Whether a supervisor ends when its significant children have done their work.
///
/// What counts is a significant child that ends by itself and is not restarted: a transient one that ends cleanly, a temporary
/// one that ends for any reason. Exits that the supervisor causes never count: not `terminate_child`, not a group restart.
/// The supervisor then stops its other children in order and ends with
/// [`ExitReason::Shutdown`](crate::ExitReason::Shutdown), so only a permanent one is started again by its parent.
///
/// A tree that ends when its work is done:
///
/// ```
/// # use hedgehog_core::*;
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let supervisor = Supervisor::new(Strategy::OneForOne)
///     .auto_shutdown(AutoShutdown::AnySignificant)
///     .child(Task::spec("helper", std::future::pending::<()>))
///     .child(Task::spec("work", || async {}).significant())
///     .start()
///     .await?;
/// let supervisor = supervisor.whereis().expect("it was started just now");
/// assert!(matches!(supervisor.exited().await, ExitReason::Shutdown)); // nobody asked it to
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoShutdown {
    /// It goes on, and refuses significant children.
    #[default]
    Never,
    /// The first one to end takes it along.
    AnySignificant,
    /// The last one to end takes it along.
    AllSignificant,
}

impl AutoShutdown {
    /// Refuses a child that could never work in a supervisor with this mode.
    pub(crate) fn admit(self, spec: &ErasedSpec) -> Result<(), StartError> {
        let id = || spec.id.clone();
        match (spec.significant, spec.restart, self) {
            (true, Restart::Permanent, _) => Err(StartError::SignificantPermanent { id: id() }),
            (true, _, Self::Never) => Err(StartError::SignificantNeedsAutoShutdown { id: id() }),
            _ => Ok(()),
        }
    }

    /// Whether the end of a significant child is the supervisor's too, when `active` other significant children run or are
    /// being restarted.
    pub(crate) fn is_due(self, active: usize) -> bool {
        match self {
            Self::Never => false,
            Self::AnySignificant => true,
            Self::AllSignificant => active == 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AutoShutdown::{AllSignificant, AnySignificant, Never};

    #[test]
    fn only_all_significant_looks_at_the_others() {
        assert_eq!(
            [Never, AnySignificant, AllSignificant].map(|mode| mode.is_due(0)),
            [false, true, true]
        );
        assert_eq!(
            [Never, AnySignificant, AllSignificant].map(|mode| mode.is_due(1)),
            [false, true, false]
        );
    }
}
