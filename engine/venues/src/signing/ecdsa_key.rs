//! Private keys of ECDSA over the curve P-256, for `ES256` (RFC 7518).

use core::fmt;
use std::sync::Arc;

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, Signature};

use super::pem::PemKey;
use super::sec1::sec1_key;
use super::{KeyError, SigningError};

/// What a text is read as.
const EXPECTED: &str = "a private key of the curve P-256 with its public key";

/// A private key of P-256.
#[derive(Clone)]
pub(super) struct EcdsaKey(Arc<EcdsaKeyPair>);

impl EcdsaKey {
    /// The key of a PEM block.
    pub(super) fn from_pem(key: &PemKey) -> Result<Self, KeyError> {
        let (curve, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let pair = match key {
            PemKey::Pkcs8(der) => EcdsaKeyPair::from_pkcs8(curve, der, &random),
            PemKey::Sec1(der) => {
                let key = sec1_key(der)?;
                EcdsaKeyPair::from_private_key_and_public_key(curve, key.private, key.public, &random)
            }
        };
        pair.map(|pair| Self(Arc::new(pair))).map_err(|_| KeyError::Malformed { expected: EXPECTED })
    }

    /// The signature of `message`: 32 bytes r, 32 bytes s. Another one each time.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Signature, SigningError> {
        self.0.sign(&SystemRandom::new(), message).map_err(|_| SigningError)
    }

    /// The public key, an uncompressed point.
    pub(super) fn public(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }
}

impl fmt::Debug for EcdsaKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("EcdsaKey(..)")
    }
}
