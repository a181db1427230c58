//! The heads of a journal as JSON.

use journal_store::chain::{ChainHead, hex};
use serde_json::{Map, Value, json};

/// What each series or run of a journal holds: number of records, digest and link, by name.
#[must_use]
pub fn heads_document(heads: &[(String, ChainHead)]) -> Value {
    let table = heads.iter().map(|(name, head)| {
        (name.clone(), json!({ "count": head.count, "digest": hex(&head.digest), "link": hex(&head.link) }))
    });
    Value::Object(table.collect::<Map<String, Value>>())
}
