//! Client ids for venues that take only UUIDs (RFC 9562): one for each client id of ours, the same each time.

use ring::digest;

/// The namespace of our orders, which is the UUID of `orders.invalid` among names of hosts.
const ORDERS: [u8; 16] =
    [0xed, 0xd7, 0xbe, 0xe7, 0x67, 0x98, 0x56, 0xf3, 0x9a, 0xa8, 0x61, 0xdd, 0xd2, 0x1f, 0xfd, 0x52];

/// The UUID (version 5, of SHA-1) that stands for `client_id` at a venue; which order it stands for is known to whoever knows
/// the client id.
#[must_use]
pub fn client_uuid(client_id: &str) -> String {
    named(&ORDERS, client_id)
}

fn named(namespace: &[u8; 16], name: &str) -> String {
    let hashed = [namespace, name.as_bytes()].concat();
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &hashed);
    let mut text = String::with_capacity(36);
    for (at, byte) in digest.as_ref().iter().take(16).enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Version and variant of RFC 9562.
        let byte = match at {
            6 => byte & 0x0f | 0x50,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_other_programs() {
        // Python: uuid.uuid5(uuid.NAMESPACE_DNS, "python.org"), and of the namespace of ours.
        let hosts = *b"\x6b\xa7\xb8\x10\x9d\xad\x11\xd1\x80\xb4\x00\xc0\x4f\xd4\x30\xc8";
        assert_eq!(named(&hosts, "python.org"), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
        assert_eq!(client_uuid("0123456789abcdef012345-1z"), "cfc6b672-abcd-5b68-8db0-17e1b9e7f1a7");
        assert_ne!(client_uuid("0123456789abcdef012345-1z"), client_uuid("0123456789abcdef012345-20"));
    }
}
