//! Text that is not UTF-8: UTF-16 with its mark, and names of columns in GBK or Latin-1.

use encoding_rs::{Decoder, Encoding, GBK, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A name as it was meant, whichever encoding it is in.
///
/// What is no UTF-8 and has its high bytes in pairs of the Chinese planes is GBK; anything else Latin-1.
pub(crate) fn decoded(bytes: &[u8]) -> String {
    if let Ok(text) = str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut runs = bytes.split(u8::is_ascii).filter(|run| !run.is_empty());
    let paired = runs.all(|run| run.len().is_multiple_of(2) && run.iter().all(|byte| *byte >= 0xa1));
    let encoding: &'static Encoding = if paired { GBK } else { WINDOWS_1252 };
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// The decoder for text that begins like `head`, if it is UTF-16.
pub(crate) fn utf16(head: &[u8]) -> Option<Decoder> {
    match head {
        [0xff, 0xfe, ..] => Some(UTF_16LE.new_decoder_with_bom_removal()),
        [0xfe, 0xff, ..] => Some(UTF_16BE.new_decoder_with_bom_removal()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_the_encoding_they_are_in() {
        assert_eq!(decoded("Größe".as_bytes()), "Größe");
        assert_eq!(decoded(b"Er\xf6ffnung"), "Eröffnung");
        assert_eq!(decoded(b"trade_id/\xbd\xbb\xd2\xd7id"), "trade_id/交易id");
    }
}
