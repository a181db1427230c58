//! Whether a run was signed, and by whom, in both languages.

use engine_core::time::Timestamp;
use journal_store::checkpoint::Checkpoint;
use journal_store::trust::Signer;
use serde_json::{Value, json};

use engine_application::moment::moment_text;
use engine_application::wiring::signing::Signing;

/// The signature of a closed run, as JSON.
#[must_use]
pub fn signing_document(signing: &Signing) -> Value {
    json!({
        "signed": signing.key.is_some(),
        "public_key": signing.key.as_ref().map(|key| key.public().to_string()),
        "reason": signing.unsigned,
    })
}

/// The same for people; nothing where all is well.
#[must_use]
pub fn signing_text(signing: &Signing) -> String {
    let line = |reason: &String| format!("NOT SIGNED: {reason}\n");
    signing.unsigned.as_ref().map(line).unwrap_or_default()
}

/// Who signed, as JSON.
#[must_use]
pub fn signature_document(signer: &Signer, signed: Option<&Checkpoint>) -> Value {
    let (status, name) = match signer {
        Signer::Unsigned => ("unsigned", None),
        Signer::Unknown(_) => ("unknown", None),
        Signer::Trusted { name, .. } => ("trusted", Some(name)),
    };
    json!({
        "status": status,
        "words": signer.to_string(),
        "signer": name,
        "public_key": signer.key().map(|key| key.to_string()),
        "signed_at": signed.map(|signed| {
            moment_text(Timestamp::from_nanos(signed.signed_at))
        }),
    })
}
