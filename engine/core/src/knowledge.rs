//! What was learned, written down and taken back: a core can be taken up anywhere.
//!
//! *Knowledge* is what a strategy, a detector, a feature extractor or an indicator has learned, every number by its
//! bits. It is recalled into an object that was newly built with the same settings. Settings are written too, but
//! only to be compared: knowledge of other settings is refused. Reading order: [`Learned`] is what a part of a core
//! implements, most often by [`learned!`](crate::learned); [`NoteWriter`] and [`NoteReader`] are what it writes to and
//! reads from; [`Knowledge`] is the whole, sealed by a digest.

mod fields;
mod note_reader;
mod note_writer;
mod sequences;
#[cfg(test)]
mod tests;

pub use note_reader::NoteReader;
pub use note_writer::NoteWriter;

use crate::digest::{Digest, digest_hashed};

/// Why knowledge was not taken up; the object that was to recall it is as it was before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forgotten {
    /// A part of it cannot write down what it has learned.
    #[error("recall what was learned: a part of it cannot be written down; fold from the beginning")]
    NotKept,
    /// It was written in a form that is not read here.
    #[error(
        "recall what was learned: it has form {found}, and form {known} is read; fold from the beginning"
    )]
    OtherForm {
        /// The form it was written in.
        found: u32,
        /// The form that is read.
        known: u32,
    },
    /// It was learned with other settings.
    #[error(
        "recall what was learned: it was learned with other settings; restore them or fold from the beginning"
    )]
    OtherSettings,
    /// Its bytes are not those that were written, or say what cannot have been learned.
    #[error("recall what was learned: it is damaged; fold from the beginning")]
    Damaged,
}

/// A part of a core that learns: it can write down what it knows and take it back.
///
/// # Example
/// ```
/// use engine_core::knowledge::{Knowledge, Learned};
///
/// #[derive(Default)]
/// struct RisesInARow { close: Option<f64>, rises: u32 }
/// engine_core::learned!(RisesInARow { values: [close, rises] });
///
/// let taught = RisesInARow { close: Some(3.0), rises: 2 };
/// let knowledge = Knowledge::of(&taught).unwrap();
/// let mut fresh = RisesInARow::default();
/// knowledge.recall(&mut fresh).unwrap();
/// assert_eq!((fresh.close, fresh.rises), (Some(3.0), 2));
/// ```
pub trait Learned {
    /// The number of the form it is written in; another one for each change of what [`note`](Self::note) writes.
    fn form(&self) -> u32 {
        1
    }

    /// Writes what it has learned, and the settings that give it a meaning.
    fn note(&self, notes: &mut NoteWriter);

    /// Takes back what [`note`](Self::note) wrote.
    ///
    /// Whatever the bytes say, it must not panic, neither here nor when it learns on. It may stop half-way:
    /// [`Knowledge::recall`] undoes what was done.
    ///
    /// # Errors
    /// [`Forgotten`] where the settings are others or the bytes say what cannot have been learned.
    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten>;
}

/// Everything a part of a core has learned.
#[derive(serde::Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Knowledge {
    form: u32,
    digest: Digest,
    bytes: Vec<u8>,
}

impl Knowledge {
    /// What `learned` knows; `None` where a part of it cannot be written down.
    #[must_use]
    pub fn of(learned: &dyn Learned) -> Option<Self> {
        let form = learned.form();
        let mut notes = NoteWriter::default();
        learned.note(&mut notes);
        let bytes = notes.finish()?;
        Some(Self { form, digest: seal(form, &bytes), bytes })
    }

    /// Makes `learner` know this; it must be newly built, with the settings of the one that learned.
    ///
    /// # Errors
    /// [`Forgotten`]; `learner` then knows what it knew before.
    pub fn recall(&self, learner: &mut dyn Learned) -> Result<(), Forgotten> {
        let known = learner.form();
        if self.digest != seal(self.form, &self.bytes) {
            return Err(Forgotten::Damaged);
        }
        if self.form != known {
            return Err(Forgotten::OtherForm { found: self.form, known });
        }
        // What cannot be written down could not be put back either.
        let before = Self::of(learner).ok_or(Forgotten::NotKept)?;
        let told = Self::tell(&self.bytes, learner);
        if told.is_err() {
            Self::tell(&before.bytes, learner)?;
        }
        told
    }

    /// Its size, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing had to be written down.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The same with other bytes, sealed as if they had been written: what a forger would hand in. For tests.
    #[must_use]
    pub fn forged(&self, forge: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.bytes.clone();
        forge(&mut bytes);
        Self { form: self.form, digest: seal(self.form, &bytes), bytes }
    }

    fn tell(bytes: &[u8], learner: &mut dyn Learned) -> Result<(), Forgotten> {
        let mut notes = NoteReader::new(bytes);
        learner.recall(&mut notes)?;
        notes.finish()
    }
}

fn seal(form: u32, bytes: &[u8]) -> Digest {
    digest_hashed(&(form, bytes))
}
