//! Text as a part of a URL.

/// `text` as a part of a URL: whatever is not a letter, digit or one of `-._~` is written as its bytes.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_any_script_fit_in_a_url() {
        assert_eq!(encoded("BTC-USD"), "BTC-USD");
        assert_eq!(encoded("币安/USD&x=1"), "%E5%B8%81%E5%AE%89%2FUSD%26x%3D1");
    }
}
