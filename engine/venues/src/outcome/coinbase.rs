//! What the errors of Coinbase's Advanced Trade mean: statuses of HTTP, and words in answers of status 200 that say
//! `success: false`, of the whole request or of one order of it.
//!
//! Source: `exchange-protocols` 1.2.4; the enumerations of failure reasons in the venue's reference, state of 2026-07.

use super::Meaning::{
    Alive, HaltKey, HaltPermission, NotFound, NotOpen, Rejected, Unknown, Wait as MustWait,
};
use super::{Meaning, Outcome, Wait, Words};
use crate::order_request::Asked;

const ANY: &[Asked] = &Asked::ALL;
const PLACE: &[Asked] = &[Asked::Place];
const CANCEL: &[Asked] = &[Asked::Cancel, Asked::Replace];
const QUERY: &[Asked] = &[Asked::Query, Asked::Read];

/// One row for statuses from … to …
type StatusRow = (u16, u16, &'static [Asked], Meaning);

/// What statuses other than 200 mean; the first row that applies decides.
const STATUSES: [StatusRow; 7] = [
    (500, 599, ANY, Unknown),
    (429, 429, ANY, MustWait),
    // A key that is unknown or revoked, and a token that is too old or too new: the clock is to be looked at too.
    (401, 401, ANY, HaltKey),
    (403, 403, ANY, HaltPermission),
    (404, 404, QUERY, NotFound),
    (404, 404, CANCEL, NotOpen),
    (400, 400, ANY, Rejected),
];

/// One row for words.
type WordRow = (&'static str, &'static [Asked], Meaning);

/// What the words of a refusal in an answer of status 200 mean; whole words.
const WORDS: [WordRow; 15] = [
    // The word for "not set": it says that there is a reason, and not which.
    ("UNKNOWN_FAILURE_REASON", ANY, Unknown),
    ("UNKNOWN_CANCEL_FAILURE_REASON", ANY, Unknown),
    ("UNKNOWN", ANY, Unknown),
    ("INTERNAL", ANY, Unknown),
    ("UNKNOWN_CANCEL_ORDER", CANCEL, NotOpen),
    ("ORDER_IS_FULLY_FILLED", CANCEL, NotOpen),
    ("DUPLICATE_CANCEL_REQUEST", CANCEL, NotOpen),
    ("COMMANDER_REJECTED_CANCEL_ORDER", CANCEL, NotOpen),
    ("ORDER_IS_BEING_REPLACED", CANCEL, NotOpen),
    // The reference says that a client id given twice answers with the first order; should it refuse, that one is alive.
    ("DUPLICATE_CLIENT_ORDER_ID", PLACE, Alive),
    ("ORDER_ENTRY_DISABLED", PLACE, Rejected),
    ("PERMISSION_DENIED", ANY, HaltPermission),
    ("UNAUTHENTICATED", ANY, HaltKey),
    ("RESOURCE_EXHAUSTED", ANY, MustWait),
    ("rate_limit_exceeded", ANY, MustWait),
];

/// What an answer of a status other than 200 means; `word` is the venue's, where one can be read.
#[must_use]
pub fn outcome_of_status(asked: Asked, status: u16, wait: Wait, word: Option<&str>, text: &str) -> Outcome {
    let applies =
        |(from, to, requests, _): &&StatusRow| (*from..=*to).contains(&status) && requests.contains(&asked);
    let found = STATUSES.iter().find(applies).map_or(Unknown, |(.., meaning)| *meaning);
    let meaning = if found == Rejected { word.map_or(Rejected, |word| meaning(asked, word)) } else { found };
    meaning.outcome(wait, Words { code: word.map(str::to_owned), text: text.to_owned() })
}

/// What a refusal in an answer of status 200 means: `word` is the reason, `text` what is said beside it.
#[must_use]
pub fn outcome_of_refusal(asked: Asked, word: &str, text: &str) -> Outcome {
    let words = Words { code: Some(word.to_owned()), text: text.to_owned() };
    meaning(asked, word).outcome(Wait::Unsaid, words)
}

/// A refusal that is none of the table's is final: `success: false` says that nothing was done.
fn meaning(asked: Asked, word: &str) -> Meaning {
    let applies = |(known, requests, _): &&WordRow| *known == word && requests.contains(&asked);
    let unsaid = if word.is_empty() { Unknown } else { Rejected };
    WORDS.iter().find(applies).map_or(unsaid, |(.., meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::super::HaltCause;
    use super::*;

    fn words(word: &str) -> Words {
        Words { code: Some(word.to_owned()), text: "text".to_owned() }
    }

    #[test]
    fn a_refusal_of_an_order_is_final_unless_it_does_not_say_why() {
        for word in [
            "INSUFFICIENT_FUND",
            "INSUFFICIENT_FUNDS",
            "UNSUPPORTED_ORDER_CONFIGURATION",
            "INVALID_SIDE",
            "INVALID_PRODUCT_ID",
            "INVALID_SIZE_PRECISION",
            "INVALID_PRICE_PRECISION",
            "INVALID_LEDGER_BALANCE",
            "ORDER_ENTRY_DISABLED",
            "INELIGIBLE_PAIR",
            "INVALID_LIMIT_PRICE_POST_ONLY",
            "INVALID_LIMIT_PRICE",
            "INVALID_NO_LIQUIDITY",
            "INVALID_REQUEST",
            "COMMANDER_REJECTED_NEW_ORDER",
            "A_REASON_OF_TOMORROW",
        ] {
            assert_eq!(outcome_of_refusal(Asked::Place, word, "text"), Outcome::Rejected(words(word)));
        }
        for word in ["UNKNOWN_FAILURE_REASON", "UNKNOWN", "INTERNAL", ""] {
            assert_eq!(outcome_of_refusal(Asked::Place, word, "text"), Outcome::Unknown(words(word)));
        }
        let word = "DUPLICATE_CLIENT_ORDER_ID";
        assert_eq!(outcome_of_refusal(Asked::Place, word, "text"), Outcome::Alive(words(word)));
    }

    #[test]
    fn a_cancel_that_found_nothing_open_is_queried() {
        for word in [
            "UNKNOWN_CANCEL_ORDER",
            "ORDER_IS_FULLY_FILLED",
            "DUPLICATE_CANCEL_REQUEST",
            "COMMANDER_REJECTED_CANCEL_ORDER",
            "ORDER_IS_BEING_REPLACED",
        ] {
            assert_eq!(outcome_of_refusal(Asked::Cancel, word, "text"), Outcome::NotOpen(words(word)));
        }
        for word in ["INVALID_CANCEL_REQUEST", "NOT_ALLOWED_TO_CANCEL"] {
            assert_eq!(outcome_of_refusal(Asked::Cancel, word, "text"), Outcome::Rejected(words(word)));
        }
        let word = "UNKNOWN_CANCEL_FAILURE_REASON";
        assert_eq!(outcome_of_refusal(Asked::Cancel, word, "text"), Outcome::Unknown(words(word)));
    }

    #[test]
    fn every_status_means_one_thing() {
        let read = |asked, status| outcome_of_status(asked, status, Wait::Unsaid, None, "text");
        let told = Words { code: None, text: "text".to_owned() };
        for status in [500, 502, 503, 504, 520, 302, 408, 409, 418] {
            assert_eq!(read(Asked::Place, status), Outcome::Unknown(told.clone()), "{status}");
        }
        assert_eq!(read(Asked::Place, 429), Outcome::Wait(Wait::Unsaid, told.clone()));
        assert_eq!(read(Asked::Place, 401), Outcome::Halt(HaltCause::Key, told.clone()));
        assert_eq!(read(Asked::Place, 403), Outcome::Halt(HaltCause::Permission, told.clone()));
        assert_eq!(read(Asked::Place, 400), Outcome::Rejected(told.clone()));
        assert_eq!(read(Asked::Place, 404), Outcome::Unknown(told.clone()));
        assert_eq!(read(Asked::Query, 404), Outcome::NotFound(told.clone()));
        assert_eq!(read(Asked::Cancel, 404), Outcome::NotOpen(told));
        let internal = outcome_of_status(Asked::Place, 400, Wait::Unsaid, Some("INTERNAL"), "text");
        assert_eq!(internal, Outcome::Unknown(words("INTERNAL")));
    }

    #[test]
    fn every_row_can_be_reached() {
        for (word, requests, expected) in WORDS {
            assert_eq!(meaning(requests[0], word), expected, "{word}");
        }
    }
}
