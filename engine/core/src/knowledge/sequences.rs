//! Knowledge of several parts of one kind: how many there are is a setting.

use super::{Forgotten, Learned, NoteReader, NoteWriter};

impl<T: Learned> Learned for [T] {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.len());
        self.iter().for_each(|part| notes.part(part));
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.len())?;
        self.iter_mut().try_for_each(|part| notes.part(part))
    }
}

impl<T: Learned, const N: usize> Learned for [T; N] {
    fn note(&self, notes: &mut NoteWriter) {
        self.as_slice().note(notes);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.as_mut_slice().recall(notes)
    }
}

impl<T: Learned> Learned for Vec<T> {
    fn note(&self, notes: &mut NoteWriter) {
        self.as_slice().note(notes);
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        self.as_mut_slice().recall(notes)
    }
}

impl<T: Learned> Learned for Option<T> {
    fn note(&self, notes: &mut NoteWriter) {
        notes.setting(&self.is_some());
        self.iter().for_each(|part| notes.part(part));
    }

    fn recall(&mut self, notes: &mut NoteReader<'_>) -> Result<(), Forgotten> {
        notes.setting(&self.is_some())?;
        self.iter_mut().try_for_each(|part| notes.part(part))
    }
}
