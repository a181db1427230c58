//! Whole numbers in as few bytes as they need, seven bits each, the lowest first.

/// Appends `value`.
pub(super) fn put(out: &mut Vec<u8>, mut value: u128) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

/// Small numbers of either sign become small numbers.
const fn zigzag(value: i128) -> u128 {
    ((value << 1) ^ (value >> 127)).cast_unsigned()
}

const fn unzigzag(value: u128) -> i128 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// The greatest divisor of both; the other where one is zero.
const fn common(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// Appends the greatest common divisor of `values`, at least one, and each of them divided by it.
pub(super) fn put_column(out: &mut Vec<u8>, values: &[i128]) {
    let mut divisor = 0;
    for value in values {
        divisor = common(divisor, value.unsigned_abs());
        if divisor == 1 {
            break;
        }
    }
    // A divisor of 2^127 would be no signed number; what it divides is stored whole.
    let divisor = i128::try_from(divisor).unwrap_or(1).max(1);
    put(out, divisor.unsigned_abs());
    values.iter().for_each(|value| put(out, zigzag(value / divisor)));
}

/// Numbers one behind the other, and bytes among them.
#[derive(Debug)]
pub(super) struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next number; nothing where none ends within 128 bits.
    pub(super) fn next(&mut self) -> Option<u128> {
        let mut value = 0_u128;
        for shift in (0..128).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let low = u128::from(byte & 0x7f);
            if low > u128::MAX >> shift {
                return None;
            }
            value |= low << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// The next `length` bytes.
    pub(super) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next column of so many numbers.
    pub(super) fn column(&mut self, length: usize) -> Option<Vec<i128>> {
        let divisor = i128::try_from(self.next()?).ok()?;
        (0..length).map(|_| unzigzag(self.next()?).checked_mul(divisor)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_column_reads_back_as_it_was_written(
            values in prop::collection::vec(prop_oneof![any::<i128>(), -9_i128..9, Just(i128::MIN)], 0..40),
            factor in prop_oneof![Just(1_i128), Just(1_000_000), 1..i128::MAX],
        ) {
            let values: Vec<i128> = values.into_iter().map(|value| value.checked_mul(factor).unwrap_or(value)).collect();
            let mut bytes = Vec::new();
            put_column(&mut bytes, &values);
            put(&mut bytes, 77);
            let mut numbers = Numbers::new(&bytes);
            prop_assert_eq!(numbers.column(values.len()), Some(values));
            prop_assert_eq!((numbers.next(), numbers.next()), (Some(77), None));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), length in 0_usize..20) {
            let _ = Numbers::new(&bytes).column(length);
        }
    }

    #[test]
    fn a_divisor_that_all_share_is_stored_once() {
        let mut bytes = Vec::new();
        put_column(&mut bytes, &[3_000_000, -1_000_000, 0]);
        assert_eq!(bytes.len(), 3 + 3, "a divisor of three bytes and three small numbers");
        let too_long = [0xff; 19];
        assert_eq!(Numbers::new(&too_long).next(), None);
    }
}
