//! The words orders were made with, each kept once.

use std::collections::BTreeMap;

/// Different reasons a run keeps apart; later ones share [`OTHER`], so that memory stays bounded.
const REASONS_MAX: usize = 1_024;

/// What stands for every reason after the first 1 024.
const OTHER: &str = "(other reasons)";

/// The place of a reason in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ReasonId(u16);

/// Reasons by number and numbers by reason.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reasons {
    by_text: BTreeMap<Box<str>, ReasonId>,
    texts: Vec<Box<str>>,
}

impl Reasons {
    pub(crate) fn intern(&mut self, text: &str) -> ReasonId {
        if let Some(id) = self.by_text.get(text) {
            return *id;
        }
        if self.texts.len() >= REASONS_MAX && text != OTHER {
            return self.intern(OTHER);
        }
        let id = ReasonId(u16::try_from(self.texts.len()).unwrap_or(u16::MAX));
        self.texts.push(text.into());
        self.by_text.insert(text.into(), id);
        id
    }

    pub(crate) fn text(&self, id: ReasonId) -> &str {
        self.texts.get(usize::from(id.0)).map_or("", |text| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_come_back_and_too_many_share_one_name() {
        let mut reasons = Reasons::default();
        let first = reasons.intern("cross up");
        assert_eq!(reasons.intern("cross up"), first);
        let late: Vec<ReasonId> = (0..3_000).map(|n| reasons.intern(&format!("reason {n}"))).collect();
        assert_eq!(reasons.text(first), "cross up");
        assert_eq!(reasons.text(late[1_000]), "reason 1000");
        assert_eq!(reasons.text(late[2_000]), OTHER);
        assert_eq!(reasons.texts.len(), REASONS_MAX + 1);
    }
}
