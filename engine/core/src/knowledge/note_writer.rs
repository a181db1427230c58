//! Where a part of a core writes what it has learned.

use core::cmp::Ordering;

use serde::Serialize;

use super::Learned;
use crate::digest::digest_hashed;

/// Numbers as they are kept: little-endian, whole ones in as few bytes as they need, floating-point ones by their bits.
pub(super) const fn layout() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<VALUE_BYTES_MAX>()
}

/// Most bytes of one value that is read, so that a forged length reserves no more.
const VALUE_BYTES_MAX: usize = 4 << 20;

/// A setting of more bytes is written as the digest of them: it is only compared.
const SETTING_BYTES_MAX: usize = 16;

/// How a setting is written; `None` where it cannot be.
pub(super) fn setting_bytes<T: Serialize + ?Sized>(setting: &T) -> Option<Vec<u8>> {
    let bytes = bincode::serde::encode_to_vec(setting, layout()).ok()?;
    if bytes.len() <= SETTING_BYTES_MAX {
        return Some(bytes);
    }
    let halves = digest_hashed(&bytes).0.map(u64::to_le_bytes);
    Some(halves.concat())
}

/// What is being written down.
#[derive(Debug, Default)]
pub struct NoteWriter {
    bytes: Vec<u8>,
    /// A part cannot be written down.
    has_gap: bool,
}

impl NoteWriter {
    /// Writes a learned value, of 4 MiB at most.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        match bincode::serde::encode_to_vec(value, layout()) {
            Ok(bytes) if bytes.len() <= VALUE_BYTES_MAX => self.bytes.extend_from_slice(&bytes),
            Ok(_) | Err(_) => self.has_gap = true,
        }
    }

    /// Writes a setting, which is compared and not taken back.
    pub fn setting<T: Serialize + ?Sized>(&mut self, setting: &T) {
        match setting_bytes(setting) {
            Some(bytes) => self.bytes.extend_from_slice(&bytes),
            None => self.has_gap = true,
        }
    }

    /// Writes what a comparison said.
    pub fn ordering(&mut self, ordering: Option<Ordering>) {
        self.value(&ordering.map(|ordering| ordering as i8));
    }

    /// Writes a part with a form of its own.
    pub fn part<T: Learned + ?Sized>(&mut self, part: &T) {
        self.value(&part.form());
        part.note(self);
    }

    /// Writes a part that may have no form: then nothing of the whole can be taken up.
    pub fn part_of(&mut self, part: Option<&dyn Learned>) {
        match part {
            Some(part) => self.part(part),
            None => self.has_gap = true,
        }
    }

    /// What was written, unless something could not be.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.has_gap).then_some(self.bytes)
    }
}
