//! How requests to venues are signed: from text and a key to text. No clock, no sockets, no state.
//!
//! Moments and nonces are arguments. The only chance in here is that which ECDSA itself needs. A key is made from the text
//! that a venue hands out, and no `Debug` of a key and no error says any of it.
//!
//! Sources: `exchange-protocols` 1.1.7 (Binance), 1.2.2 (Coinbase) and the venue's own example (Kraken).

pub mod binance;
pub mod coinbase;
pub mod kraken;

pub mod venue_key;

mod ecdsa_key;
mod ed25519_key;
mod hmac_secret;
mod pem;
mod sec1;

/// Why a text is no key we can sign with. No message repeats the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is nothing, or nothing but spaces.
    #[error("the key is empty")]
    Empty,
    /// It is not base64, or what its PEM holds is not.
    #[error("the key is not base64")]
    NotBase64,
    /// It holds a block of another kind.
    #[error("the key is a PEM block of another kind; {expected} is read")]
    OtherKind {
        /// What would have been read.
        expected: &'static str,
    },
    /// Its PEM has a begin and no end.
    #[error("the key is a PEM block without an end; perhaps lines are missing")]
    Unended,
    /// It is locked with a password.
    #[error("the key is locked with a password; write it without one")]
    Locked,
    /// What the text holds is no key of that kind.
    #[error("the key cannot be read as {expected}")]
    Malformed {
        /// What it was read as.
        expected: &'static str,
    },
    /// The private key comes without the public one, against which it is checked.
    #[error("the key does not hold its public key; write it again with `openssl ec -in KEY`")]
    WithoutPublicKey,
}

/// The system had no random bytes for a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sign a request: the system gave no random bytes")]
pub struct SigningError;
