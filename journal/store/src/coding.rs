//! bincode as everything here is written and read with it.

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::error::{DecodeError, EncodeError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most bytes that one value may take: what is read may be forged, and room is made before it is filled.
const CLAIM_MAX: usize = 64 << 20;

const fn config() -> Configuration<LittleEndian, Varint, Limit<CLAIM_MAX>> {
    bincode::config::standard().with_limit::<CLAIM_MAX>()
}

/// Appends `value` to `out`; refuses one that could not be read again.
pub(crate) fn encode(value: impl Serialize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let written = bincode::serde::encode_into_std_write(value, out, config())?;
    if written <= CLAIM_MAX { Ok(()) } else { Err(EncodeError::Other("it is larger than 64 MiB")) }
}

/// The value that `bytes` hold from end to end.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, read) = bincode::serde::decode_from_slice(bytes, config())?;
    if read == bytes.len() { Ok(value) } else { Err(DecodeError::Other("bytes are left over")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_beyond_the_file_allocates_nothing() {
        for claimed in [65_u64 << 20, 1 << 46, u64::MAX] {
            let mut bytes = vec![253];
            bytes.extend_from_slice(&claimed.to_le_bytes());
            assert!(decode::<String>(&bytes).is_err(), "{claimed}");
            assert!(decode::<Vec<u64>>(&bytes).is_err(), "{claimed}");
        }
        let mut bytes = Vec::new();
        encode(("text", 7_u64), &mut bytes).unwrap();
        assert_eq!(decode::<(String, u64)>(&bytes).unwrap(), ("text".to_owned(), 7));
        bytes.push(0);
        assert!(decode::<(String, u64)>(&bytes).is_err());
    }

    #[test]
    fn what_can_be_written_can_be_read() {
        for len in [CLAIM_MAX - 64, CLAIM_MAX + 1] {
            let (text, mut bytes) = ("x".repeat(len), Vec::new());
            let written = encode(&text, &mut bytes).is_ok();
            assert_eq!((written, decode::<String>(&bytes).is_ok()), (len < CLAIM_MAX, len < CLAIM_MAX));
        }
    }
}
