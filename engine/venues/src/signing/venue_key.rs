//! The key of an account, whichever venue it is at.

use super::KeyError;
use super::binance::BinanceKey;
use super::coinbase::CoinbaseKey;
use super::kraken::KrakenKey;

/// The key of an account at a venue.
#[derive(Debug, Clone)]
pub enum VenueKey {
    /// At Binance.
    Binance(BinanceKey),
    /// At Coinbase.
    Coinbase(CoinbaseKey),
    /// At Kraken.
    Kraken(KrakenKey),
}

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VenueKeyError {
    /// The text is none.
    #[error(transparent)]
    Unreadable(#[from] KeyError),
    /// Nobody knows how keys of this venue look.
    #[error("keys of {venue} are not known; keys are read of binance, coinbase and kraken")]
    UnknownVenue {
        /// The venue.
        venue: String,
    },
}

impl VenueKey {
    /// The key named `name` of an account at `venue`, with its `secret`: a text the venue hands out, or PEM.
    ///
    /// # Errors
    /// [`VenueKeyError`], which repeats none of it.
    pub fn from_text(venue: &str, name: &str, secret: &str) -> Result<Self, VenueKeyError> {
        if name.trim().is_empty() {
            return Err(KeyError::Empty.into());
        }
        Ok(match venue {
            "binance" => Self::Binance(BinanceKey::from_text(name, secret)?),
            "coinbase" => Self::Coinbase(CoinbaseKey::from_text(name, secret)?),
            "kraken" => Self::Kraken(KrakenKey::from_text(name, secret)?),
            _ => return Err(VenueKeyError::UnknownVenue { venue: venue.to_owned() }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_the_form_of_its_venue_and_nothing_of_it_is_said() {
        assert!(matches!(VenueKey::from_text("binance", "name", "any text"), Ok(VenueKey::Binance(_))));
        assert!(matches!(VenueKey::from_text("kraken", "name", "c2VjcmV0"), Ok(VenueKey::Kraken(_))));
        for (venue, name, secret) in [
            ("kraken", "name", "*hidden*"),
            ("coinbase", "name", "*hidden*"),
            ("binance", " ", "*hidden*"),
            ("okx", "name", "*hidden*"),
        ] {
            let refused = VenueKey::from_text(venue, name, secret).unwrap_err().to_string();
            assert!(!refused.contains("hidden"), "{refused}");
        }
        let key = VenueKey::from_text("binance", "name", "*hidden*").unwrap();
        assert!(!format!("{key:?}").contains("hidden"));
    }
}
