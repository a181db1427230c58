//! The checksum of a card: a hash over all it says, so that no change of it passes unseen.
//!
//! A checksum shows that a card is as it was written, not who wrote it. A run therefore names the card by the same hash.

use serde::Serialize;
use serde_json::Value;

use crate::model_hash::ModelHash;

/// The key under which a card keeps its checksum.
const CHECKSUM: &str = "blake3";

/// The hash of all that `card` says.
///
/// # Errors
/// What serde says; it has no reason to say anything about cards.
pub(crate) fn hash(card: &impl Serialize) -> serde_json::Result<ModelHash> {
    Ok(ModelHash::of(&serde_json::to_vec(card)?))
}

/// The card as it is written, its checksum last.
///
/// # Errors
/// As [`hash`].
pub(crate) fn with_checksum(card: &impl Serialize) -> serde_json::Result<String> {
    let mut document = serde_json::to_value(card)?;
    if let Some(table) = document.as_object_mut() {
        table.insert(CHECKSUM.to_owned(), Value::String(hash(card)?.to_string()));
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// Takes the checksum out of the document of a card.
pub(crate) fn take(document: &mut Value) -> Option<String> {
    let checksum = document.as_object_mut()?.shift_remove(CHECKSUM)?;
    checksum.as_str().map(str::to_owned)
}

/// What is wrong with `checksum` as the checksum of `card`, in words.
///
/// # Errors
/// One line.
pub(crate) fn check(card: &impl Serialize, checksum: Option<&str>) -> Result<(), String> {
    let hash = hash(card).map_err(|error| error.to_string())?.to_string();
    match checksum {
        Some(checksum) if checksum == hash => Ok(()),
        Some(_) => {
            Err("it was changed after it was written: its checksum is that of another card".to_owned())
        }
        None => {
            Err("it has no checksum, so no change of it would be seen; put the card of its training there"
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::card::{FeatureSetName, ModelCard};
    use crate::test_models;
    use engine_core::digest::Digest;

    #[test]
    fn a_changed_card_is_named_and_one_without_checksum_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.card.json");
        let set = FeatureSetName { name: "test".into(), version: 1, digest: Digest([7, 8]) };
        let card = test_models::card(b"model", set, &["x", "y"], &["a", "b"]);
        card.write(&path).unwrap();
        assert_eq!(ModelCard::read(&path).unwrap(), card);
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = text.replace("\"name\": \"specimen\"", "\"name\": \"specimen 2\"");
        assert_ne!(changed, text);
        std::fs::write(&path, changed).unwrap();
        assert!(ModelCard::read(&path).unwrap_err().to_string().contains("changed after it was written"));
        std::fs::write(&path, serde_json::to_string(&card).unwrap()).unwrap();
        assert!(ModelCard::read(&path).unwrap_err().to_string().contains("no checksum"));
    }
}
