//! Private keys as PEM writes them (RFC 7468), also with `\n` for the ends of lines, as JSON files hold them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::KeyError;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The bytes of a private key, by what they are.
pub(super) enum PemKey {
    /// `PRIVATE KEY`: of any algorithm, which it names.
    Pkcs8(Vec<u8>),
    /// `EC PRIVATE KEY`: of an elliptic curve.
    Sec1(Vec<u8>),
}

/// The first private key in `text`; nothing where it is no PEM at all.
///
/// # Errors
/// [`KeyError`] for PEM without a private key that we can read.
pub(super) fn private_key(text: &str) -> Result<Option<PemKey>, KeyError> {
    let text = text.replace("\\n", "\n");
    if text.trim().is_empty() {
        return Err(KeyError::Empty);
    }
    if !text.contains(BEGIN) {
        return Ok(None);
    }
    for block in text.split(BEGIN).skip(1) {
        let (label, rest) = block.split_once(DASHES).ok_or(KeyError::Unended)?;
        let (body, _) = rest.split_once(END).ok_or(KeyError::Unended)?;
        match label {
            "PRIVATE KEY" => return bytes(body).map(|der| Some(PemKey::Pkcs8(der))),
            "EC PRIVATE KEY" => return bytes(body).map(|der| Some(PemKey::Sec1(der))),
            "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Locked),
            // Parameters of the curve, a certificate: what may stand before a key.
            _ => {}
        }
    }
    Err(KeyError::OtherKind { expected: "PRIVATE KEY or EC PRIVATE KEY" })
}

fn bytes(body: &str) -> Result<Vec<u8>, KeyError> {
    if body.contains("Proc-Type") {
        return Err(KeyError::Locked);
    }
    let digits: String = body.split_whitespace().collect();
    STANDARD.decode(digits).map_err(|_| KeyError::NotBase64)
}
