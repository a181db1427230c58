//! One field of all the records of a page, as narrow as the numbers in it allow.
//!
//! The prices of one page lie close together and on a grid of ticks, its moments on one of milliseconds, and
//! what a source does not say is the same everywhere. A column therefore stores how far each number lies above
//! the smallest, in steps of the greatest common divisor of all those distances (the frame of reference of
//! Goldstein, Ramakrishnan and Shaft, "Compressing Relations and Indexes", 1998, with a scale):
//!
//! ```text
//! number = base + scale × step        a step takes 1 to 8 bytes, little-endian
//! ```
//!
//! Bars follow each other at one distance: where the steps are 0, 1, 2 and so on, none is stored. Arithmetic
//! wraps, so all 64-bit numbers have such a form.
//!
//! The payload of a page is the rkyv archive of its columns, which are read where they lie, and of a CRC-32 over
//! the flat form of every 64 records. Those do not protect anything (the page's link does); they name the damaged
//! records once the link has failed.

use rkyv::rancor::Error;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Serialize};

/// Records that have a check together.
pub(crate) const GROUP: usize = 64;

/// A number that a column can hold.
pub(crate) trait Cell: Copy {
    /// As 64 bits.
    fn number(self) -> i64;
    /// Back from 64 bits, of which it takes as many of the low ones as it has.
    fn of(number: i64) -> Self;
}

impl Cell for i64 {
    fn number(self) -> i64 {
        self
    }

    fn of(number: i64) -> Self {
        number
    }
}

macro_rules! narrow_cell {
    ($kind:ty, [$($byte:ident),*]) => {
        impl Cell for $kind {
            fn number(self) -> i64 {
                Self::into(self)
            }

            fn of(number: i64) -> Self {
                let [$($byte,)* ..] = number.to_le_bytes();
                Self::from_le_bytes([$($byte),*])
            }
        }
    };
}

narrow_cell!(u32, [a, b, c, d]);
narrow_cell!(u8, [a]);

/// The numbers of one field.
#[derive(Archive, Serialize, Debug, Clone)]
pub struct Column {
    /// The smallest number.
    base: i64,
    /// What one step is worth; zero where all numbers are equal.
    scale: i64,
    /// Bytes of a step; zero where all numbers are equal or each lies one step above the one before.
    width: u8,
    /// The steps, one for each record.
    steps: Vec<u8>,
}

impl Column {
    /// The column of `numbers`.
    pub(crate) fn of(numbers: impl Iterator<Item = i64> + Clone) -> Self {
        let base = numbers.clone().min().unwrap_or(0);
        let above = numbers.map(|number| number.wrapping_sub(base).cast_unsigned());
        let (mut scale, mut furthest) = (0_u64, 0_u64);
        for distance in above.clone() {
            furthest = furthest.max(distance);
            // Most distances are multiples of what divides those before; that is one division instead of many.
            if scale != 1 && (scale == 0 || !distance.is_multiple_of(scale)) {
                scale = common_divisor(scale, distance);
            }
        }
        let step = scale.max(1);
        let steps = above.map(|distance| if step == 1 { distance } else { distance / step });
        let is_even = steps.clone().zip(0..).all(|(step, place)| step == place);
        let width = 8_u32.saturating_sub((furthest / step).leading_zeros() / 8);
        let (width, steps) = match if is_even { 0 } else { width } {
            0 => (0, Vec::new()),
            1 => (1, narrow::<1>(steps)),
            2 => (2, narrow::<2>(steps)),
            3 => (3, narrow::<3>(steps)),
            4 => (4, narrow::<4>(steps)),
            5 => (5, narrow::<5>(steps)),
            6 => (6, narrow::<6>(steps)),
            7 => (7, narrow::<7>(steps)),
            _ => (8, narrow::<8>(steps)),
        };
        Self { base, scale: scale.cast_signed(), width, steps }
    }
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn narrow<const W: usize>(steps: impl Iterator<Item = u64>) -> Vec<u8> {
    steps.flat_map(|step| step.to_le_bytes().first_chunk::<W>().copied().unwrap_or([0; W])).collect()
}

/// The payload of a page.
#[derive(Archive, Serialize, Debug, Clone)]
pub(crate) struct Columns {
    /// One for each field, in the order of the flat form.
    pub(crate) columns: Vec<Column>,
    /// One for each group of records.
    pub(crate) checks: Vec<u32>,
}

/// Appends the archive of `columns` and `checks` to `out`, whose length is a multiple of 8.
///
/// # Errors
/// What rkyv says, when the columns are larger than it can point across.
pub(crate) fn archive(columns: Vec<Column>, checks: Vec<u32>, out: Vec<u8>) -> Result<Vec<u8>, Error> {
    rkyv::api::high::to_bytes_in::<_, Error>(&Columns { columns, checks }, out)
}

/// Answers what `read` says of the columns in `payload`, in place where its address is a multiple of 8; `None`
/// when it is no archive of columns.
pub(crate) fn access<T>(payload: &[u8], read: impl FnOnce(&ArchivedColumns) -> Option<T>) -> Option<T> {
    let mut copy = AlignedVec::<8>::new();
    let mut payload = payload;
    if !payload.as_ptr().addr().is_multiple_of(align_of::<ArchivedColumn>()) {
        copy.extend_from_slice(payload);
        payload = &copy;
    }
    read(rkyv::access::<ArchivedColumns, Error>(payload).ok()?)
}

impl ArchivedColumn {
    /// Whether the column has `count` numbers.
    pub(crate) fn fits(&self, count: usize) -> bool {
        let width = usize::from(self.width);
        width <= 8 && count.checked_mul(width) == Some(self.steps.len())
    }

    /// Reads the column into one field of each of `records`; `None` when it has not as many numbers or is not
    /// one that [`Column::of`] makes.
    pub(crate) fn read<R>(&self, records: &mut [R], set: impl Fn(&mut R, i64)) -> Option<()> {
        let (base, scale) = (self.base.to_native(), self.scale.to_native());
        let (width, steps) = (usize::from(self.width), self.steps.as_slice());
        if !self.fits(records.len()) {
            return None;
        }
        match width {
            0 if scale == 0 => records.iter_mut().for_each(|record| set(record, base)),
            0 => {
                let even = core::iter::successors(Some(base), |number| Some(number.wrapping_add(scale)));
                records.iter_mut().zip(even).for_each(|(record, number)| set(record, number));
            }
            1 => take::<R, 1>(steps, base, scale, records, set),
            2 => take::<R, 2>(steps, base, scale, records, set),
            3 => take::<R, 3>(steps, base, scale, records, set),
            4 => take::<R, 4>(steps, base, scale, records, set),
            5 => take::<R, 5>(steps, base, scale, records, set),
            6 => take::<R, 6>(steps, base, scale, records, set),
            7 => take::<R, 7>(steps, base, scale, records, set),
            8 => take::<R, 8>(steps, base, scale, records, set),
            _ => return None,
        }
        Some(())
    }
}

fn take<R, const W: usize>(
    steps: &[u8],
    base: i64,
    scale: i64,
    records: &mut [R],
    set: impl Fn(&mut R, i64),
) {
    let (steps, _) = steps.as_chunks::<W>();
    for (record, step) in records.iter_mut().zip(steps) {
        let mut count = [0; 8];
        if let Some(low) = count.first_chunk_mut::<W>() {
            *low = *step;
        }
        set(record, base.wrapping_add(scale.wrapping_mul(i64::from_le_bytes(count))));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stored(numbers: &[i64]) -> Vec<u8> {
        archive(vec![Column::of(numbers.iter().copied())], Vec::new(), Vec::new()).unwrap()
    }

    fn restored(bytes: &[u8], count: usize) -> Option<Vec<i64>> {
        access(bytes, |stored| {
            let mut numbers = vec![0; count];
            stored.columns.first()?.read(&mut numbers, |number, read| *number = read)?;
            Some(numbers)
        })
    }

    proptest! {
        #[test]
        fn a_column_reads_back_as_it_was_written(
            base in any::<i64>(), scale in 1_i64..=1 << 40, steps in prop::collection::vec(any::<i64>(), 1..300),
            bits in 0_u32..=64, shift in 0_usize..8,
        ) {
            let kept = |step: i64| if bits == 0 { 0 } else { step.cast_unsigned() >> (64 - bits) };
            let numbers: Vec<i64> = steps.iter()
                .map(|step| base.wrapping_add(scale.wrapping_mul(kept(*step).cast_signed())))
                .collect();
            let mut bytes = vec![0; shift];
            bytes.extend(stored(&numbers));
            prop_assert_eq!(restored(&bytes[shift..], numbers.len()), Some(numbers.clone()), "at any address");
            let varies = Column::of(numbers.iter().copied()).width > 0;
            prop_assert!(!varies || restored(&bytes[shift..], numbers.len() + 1).is_none());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), count in 0_usize..40) {
            let _ = restored(&bytes, count);
        }
    }

    #[test]
    fn numbers_on_a_grid_take_as_many_bytes_as_their_steps() {
        let width = |numbers: &[i64]| Column::of(numbers.iter().copied()).width;
        assert_eq!(width(&[5_000_000, 5_000_000]), 0);
        assert_eq!(width(&[60_000_000_000, 120_000_000_000, 15_360_000_000_000]), 1);
        assert_eq!(width(&[60_000_000_000, 120_000_000_000, 180_000_000_000]), 0);
        assert_eq!(width(&[-3_000_000, 653_000_000, 3_000_000]), 2);
        assert_eq!(width(&[0, 1, 1 << 16]), 3);
        assert_eq!(width(&[i64::MAX, i64::MIN]), 1, "two numbers are one step apart");
        assert_eq!(width(&[i64::MIN, 0, i64::MAX]), 8);
    }

    #[test]
    fn cells_keep_their_bits() {
        for cell in [0, 1, u32::MAX, 1 << 31] {
            assert_eq!(u32::of(cell.number()), cell);
        }
        assert_eq!((u8::of(255_u8.number()), i64::of(i64::MIN.number())), (255, i64::MIN));
    }
}
