//! What a signal is: samples in, a wanted side out.

use engine_core::knowledge::Learned;

use crate::sample::Sample;

/// The side a policy wants to be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Target {
    /// Hold nothing.
    Flat,
    /// Hold a long position.
    Long,
    /// Hold a short position.
    Short,
}

/// What becomes of a position that is already on the called side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub enum Renewal {
    /// It is kept.
    Keep,
    /// It is closed and entered again.
    Renew,
    /// It is kept, and where there is none by now, one is entered; the call holds for one sample.
    Enter,
    /// As `Enter`, unless the last entry on that side was refused.
    EnterUnlessRefused,
}

/// A change of mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// The side wanted from here on.
    pub target: Target,
    /// What becomes of a position already there.
    pub renewal: Renewal,
    /// Why, in words.
    pub because: &'static str,
}

/// The part of a policy that reads one market. It answers when its view changes, and where
/// [`Signal::ENTERS_AGAIN`] also while its view stands.
pub trait Signal: Send {
    /// Whether it repeats its calls with [`Renewal::Enter`]; the calls of others hold until they are answered.
    const ENTERS_AGAIN: bool = false;

    /// Learns from one sample.
    fn learn(&mut self, sample: &Sample) -> Option<Call>;

    /// What it has learned, for as long as it can be written down; without it a run is taken up from its beginning.
    fn learned(&self) -> Option<&dyn Learned> {
        None
    }

    /// What it has learned, to be taken back; there whenever [`learned`](Self::learned) is.
    fn learned_mut(&mut self) -> Option<&mut dyn Learned> {
        None
    }
}
