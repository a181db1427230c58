//! A core as it was: its state, and what its watch and its strategy had learned.

use super::Core;
use crate::knowledge::{Forgotten, Knowledge};
use crate::state::State;
use crate::strategy::Strategy;

use super::CoreConfig;

/// Everything a core is between two steps, besides its configuration.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct CoreSnapshot {
    /// Everything folded.
    pub state: State,
    /// What detectors and feature extractors know; none where nobody watches, or one of them cannot be taken up.
    pub watch: Option<Knowledge>,
    /// What the strategy knows; none where it cannot be taken up.
    pub strategy: Option<Knowledge>,
}

impl CoreSnapshot {
    /// A state alone: it can be folded on from, and no core can be taken up from it.
    #[must_use]
    pub const fn of_state(state: State) -> Self {
        Self { state, watch: None, strategy: None }
    }
}

impl Core {
    /// The core as it is now; to be asked between two steps.
    #[must_use]
    pub fn snapshot(&self) -> CoreSnapshot {
        CoreSnapshot {
            state: self.state.clone(),
            watch: self.watch.as_ref().and_then(|watch| Knowledge::of(watch)),
            strategy: self.strategy.learned().and_then(Knowledge::of),
        }
    }

    /// Makes a new core what it was at `snapshot`.
    ///
    /// # Errors
    /// [`Forgotten`] where the snapshot is of another configuration, or of a part that cannot be taken up; the core
    /// is then as new as it was.
    pub fn recall(&mut self, snapshot: CoreSnapshot) -> Result<(), Forgotten> {
        let CoreSnapshot { state, watch, strategy } = snapshot;
        if !state.is_made_like(&self.state) || watch.is_some() && self.watch.is_none() {
            return Err(Forgotten::OtherSettings);
        }
        let watched = self.watch.as_ref().map(|watch| Knowledge::of(watch));
        if let Some(own) = &mut self.watch {
            watch.ok_or(Forgotten::NotKept)?.recall(own)?;
        }
        let learner = self.strategy.learned_mut().ok_or(Forgotten::NotKept);
        let told = learner.and_then(|learner| strategy.ok_or(Forgotten::NotKept)?.recall(learner));
        if told.is_err()
            && let (Some(own), Some(Some(before))) = (&mut self.watch, watched)
        {
            before.recall(own)?;
        }
        told?;
        self.state = state;
        Ok(())
    }

    /// A core of `config` and a newly built `strategy`, as it was at `snapshot`.
    ///
    /// # Errors
    /// [`Forgotten`], as [`recall`](Self::recall).
    pub fn resume(
        config: CoreConfig,
        strategy: Box<dyn Strategy>,
        snapshot: CoreSnapshot,
    ) -> Result<Self, Forgotten> {
        let mut core = Self::new(config, strategy);
        core.recall(snapshot)?;
        Ok(core)
    }
}
