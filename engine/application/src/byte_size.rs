//! Sizes on disk as people write them.

/// The units, each with the power of two that it is.
const UNITS: [(&str, u32); 4] = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];

/// Reads a size, as in `20GiB` or `512 MiB`, as bytes; `None` for anything else, and for nothing at all.
#[must_use]
pub fn parse_bytes(text: &str) -> Option<u64> {
    let (number, power) = UNITS.iter().find_map(|(unit, power)| Some((text.strip_suffix(unit)?, *power)))?;
    let number: u64 = number.trim_end().parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(1 << power)
}

/// How sizes are written, in words.
pub const BYTES_FORM: &str = "a whole number of KiB, MiB, GiB or TiB above zero, as in 20GiB";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit_and_never_without() {
        let sizes = [("1KiB", Some(1_024)), ("20GiB", Some(20 << 30)), ("512 MiB", Some(512 << 20))];
        for (text, bytes) in sizes {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
        for text in ["", "GiB", "0GiB", "-1GiB", "1.5GiB", "20", "20GB", "20gib", "99999999999TiB", "+ 1KiB"]
        {
            assert_eq!(parse_bytes(text), None, "{text}");
        }
    }
}
