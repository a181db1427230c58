//! What turns the frames of connections into inputs, and what one frame led to.

use engine_core::event::Input;
use engine_core::time::Timestamp;

/// What one frame led to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// Inputs, in their order.
    pub(crate) inputs: Vec<Input>,
    /// Whether the venue says that it will end the connection.
    pub(crate) ends: bool,
    /// Whether the frame held market data, so that the connection is subscribed.
    pub(crate) is_data: bool,
    /// Why the rest of the frame was not read, where it was not; the inputs stand.
    pub(crate) unsound: Option<Unsound>,
}

/// Why a connection is opened anew.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsound {
    /// This frame is not what the venue's documents say; it is passed over.
    #[error("a frame that cannot be read: {0}")]
    Frame(String),
    /// What the venue said cannot be made good but from the beginning.
    #[error("{0}")]
    Connection(String),
}

/// Turns the frames of connections into inputs; knows what was told already, by whichever of them.
pub(crate) trait FrameReader: Send {
    /// What is said to the venue on a new connection.
    fn greetings(&self) -> Vec<String>;

    /// The connection `number` is heard from here on, beside the one before where that is heard still.
    fn begins(&mut self, number: u64);

    /// What one text frame of the connection `number`, read `at` this moment, says, as far as it can be read and the
    /// connection trusted.
    fn read(&mut self, at: Timestamp, number: u64, text: &str) -> Read;

    /// What was asked of the venue and has been answered since.
    fn answers(&mut self) -> Vec<Input> {
        Vec::new()
    }

    /// So many seconds went by in which frames could be read: what that says of streams that are silent.
    fn look(&mut self, _seconds: u64) -> Vec<Input> {
        Vec::new()
    }

    /// No connection is heard any more: what that means for the feeds.
    fn lost(&mut self) -> Vec<Input>;
}
