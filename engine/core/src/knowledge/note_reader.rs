//! What a part of a core reads back of what was written down, none of it believed.

use core::cmp::Ordering;
use std::collections::VecDeque;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::note_writer::{layout, setting_bytes};
use super::{Forgotten, Learned};

/// More than anything can have counted, and far from where a counter would overflow.
const COUNT_MAX: u64 = 1 << 48;

/// What was written down and has not been read yet.
#[derive(Debug)]
pub struct NoteReader<'a> {
    rest: &'a [u8],
}

impl<'a> NoteReader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads a learned value.
    ///
    /// # Errors
    /// [`Forgotten::Damaged`] where there is no such value.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T, Forgotten> {
        let (value, read) =
            bincode::serde::decode_from_slice(self.rest, layout()).map_err(|_| Forgotten::Damaged)?;
        self.rest = self.rest.get(read..).ok_or(Forgotten::Damaged)?;
        Ok(value)
    }

    /// Reads a number of things seen, to which more can be added.
    ///
    /// # Errors
    /// [`Forgotten::Damaged`] where there is none or nobody can have counted so far.
    pub fn count<T: TryFrom<u64>>(&mut self) -> Result<T, Forgotten> {
        let count: u64 = self.value()?;
        T::try_from(count).ok().filter(|_| count <= COUNT_MAX).ok_or(Forgotten::Damaged)
    }

    /// Reads what a comparison said.
    ///
    /// # Errors
    /// [`Forgotten::Damaged`] where there is none.
    pub fn ordering(&mut self) -> Result<Option<Ordering>, Forgotten> {
        match self.value::<Option<i8>>()? {
            None => Ok(None),
            Some(-1) => Ok(Some(Ordering::Less)),
            Some(0) => Ok(Some(Ordering::Equal)),
            Some(1) => Ok(Some(Ordering::Greater)),
            Some(_) => Err(Forgotten::Damaged),
        }
    }

    /// Reads values, `most` of them at most.
    ///
    /// # Errors
    /// [`Forgotten::Damaged`] where there are more or none were written.
    pub fn values<T: DeserializeOwned>(&mut self, most: usize) -> Result<Vec<T>, Forgotten> {
        let values: Vec<T> = self.value()?;
        (values.len() <= most).then_some(values).ok_or(Forgotten::Damaged)
    }

    /// Reads exactly as many values as `places` has, into it.
    ///
    /// # Errors
    /// [`Forgotten::Damaged`] where there are more or fewer.
    pub fn fill<T: DeserializeOwned>(&mut self, places: &mut [T]) -> Result<(), Forgotten> {
        let values: Vec<T> = self.values(places.len())?;
        if values.len() != places.len() {
            return Err(Forgotten::Damaged);
        }
        for (place, value) in places.iter_mut().zip(values) {
            *place = value;
        }
        Ok(())
    }

    /// Reads numbered values of the last `length` of `seen`, in order.
    ///
    /// # Errors
    /// [`Forgotten::Damaged`] where a number is out of order or out of that range.
    pub fn numbered<T: DeserializeOwned>(
        &mut self,
        length: u64,
        seen: u64,
    ) -> Result<VecDeque<(u64, T)>, Forgotten> {
        let queue: VecDeque<(u64, T)> = self.value()?;
        let is_rising = queue.iter().zip(queue.iter().skip(1)).all(|((one, _), (next, _))| one < next);
        let first = seen.saturating_sub(length);
        let is_recent = queue.iter().all(|(number, _)| (first..seen).contains(number));
        (is_rising && is_recent && seen <= COUNT_MAX).then_some(queue).ok_or(Forgotten::Damaged)
    }

    /// Compares a setting with the one that was written.
    ///
    /// # Errors
    /// [`Forgotten::OtherSettings`] where it is another.
    pub fn setting<T: Serialize + ?Sized>(&mut self, setting: &T) -> Result<(), Forgotten> {
        let own = setting_bytes(setting).ok_or(Forgotten::NotKept)?;
        self.rest = self.rest.strip_prefix(own.as_slice()).ok_or(Forgotten::OtherSettings)?;
        Ok(())
    }

    /// Reads a part with a form of its own.
    ///
    /// # Errors
    /// [`Forgotten::OtherForm`], and what the part answers.
    pub fn part<T: Learned + ?Sized>(&mut self, part: &mut T) -> Result<(), Forgotten> {
        let (found, known) = (self.value()?, part.form());
        if found != known {
            return Err(Forgotten::OtherForm { found, known });
        }
        part.recall(self)
    }

    /// Reads a part that may have no form.
    ///
    /// # Errors
    /// [`Forgotten::NotKept`] where it has none, and what the part answers.
    pub fn part_of(&mut self, part: Option<&mut dyn Learned>) -> Result<(), Forgotten> {
        self.part(part.ok_or(Forgotten::NotKept)?)
    }

    /// Passes over everything that is left, which nobody here needs.
    pub const fn pass_over(&mut self) {
        self.rest = &[];
    }

    /// Nothing may be left.
    pub(super) const fn finish(&self) -> Result<(), Forgotten> {
        if self.rest.is_empty() { Ok(()) } else { Err(Forgotten::Damaged) }
    }
}
