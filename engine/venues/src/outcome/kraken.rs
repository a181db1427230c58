//! What the errors of Kraken mean: texts of the form `E<category>:<message>[:<more>]`, by their beginnings.
//!
//! Source: the venue's "API error messages" and the pages of its methods, state of 2026-07.

use super::Meaning::{
    Alive, HaltBanned, HaltKey, HaltPermission, HaltSession, HaltSignature, NotFound, NotOpen, Rejected,
    ResyncClock, Unknown, Wait as MustWait,
};
use super::{Meaning, Outcome, Wait, Words};
use crate::order_request::Asked;

const ANY: &[Asked] = &Asked::ALL;
const CANCEL: &[Asked] = &[Asked::Cancel, Asked::Replace];
const QUERY: &[Asked] = &[Asked::Query, Asked::Read];

/// One row: how an error begins, the requests, and what it means.
type Row = (&'static str, &'static [Asked], Meaning);

/// What errors mean; the first row that applies decides, so the words of a category stand before the category.
const ERRORS: [Row; 35] = [
    ("EOrder:Unknown order", CANCEL, NotOpen),
    ("EOrder:Unknown order", QUERY, NotFound),
    ("EOrder:Invalid order", CANCEL, NotOpen),
    ("EOrder:Invalid order", QUERY, NotFound),
    ("EOrder:cl_ord_id is not supported", ANY, Rejected),
    // The client id of an open order is taken: the documents say that it is checked, and not in which words.
    ("EOrder:Duplicate", ANY, Alive),
    ("EOrder:cl_ord_id", ANY, Alive),
    ("EOrder:Rate limit exceeded", ANY, MustWait),
    ("EOrder:Domain rate limit exceeded", ANY, MustWait),
    // Insufficient funds, minimum not met, tick size, price, post only: nothing went in.
    ("EOrder:", ANY, Rejected),
    ("EAPI:Invalid key", ANY, HaltKey),
    ("EAPI:Invalid signature", ANY, HaltSignature),
    // A nonce that is not above the last one: it was made from a clock.
    ("EAPI:Invalid nonce", ANY, ResyncClock),
    ("EAPI:Rate limit exceeded", ANY, MustWait),
    ("EAPI:Feature disabled", ANY, HaltPermission),
    ("EAPI:Bad request", ANY, Rejected),
    ("EGeneral:Temporary lockout", ANY, HaltBanned),
    ("EGeneral:Permission denied", ANY, HaltPermission),
    ("EGeneral:Invalid arguments", ANY, Rejected),
    ("EGeneral:Unknown method", ANY, Rejected),
    ("EGeneral:Too many requests", ANY, MustWait),
    // "EGeneral:Internal error" says nothing about what was done.
    ("EGeneral:", ANY, Unknown),
    ("EService:Throttled", ANY, MustWait),
    ("EService:Market in", ANY, Rejected),
    // Unavailable, busy, timed out, a deadline gone by: the way back may have failed.
    ("EService:", ANY, Unknown),
    ("ESession:", ANY, HaltSession),
    ("EAuth:Rate limit exceeded", ANY, MustWait),
    ("EAuth:Too many requests", ANY, MustWait),
    // The account is disabled or unconfirmed.
    ("EAuth:", ANY, HaltPermission),
    // A limit of the account by law.
    ("EBM:limit exceeded", ANY, Rejected),
    ("EAccount:Invalid permissions", ANY, Rejected),
    ("EQuery:Unknown order", CANCEL, NotOpen),
    ("EQuery:Unknown order", QUERY, NotFound),
    ("EQuery:", ANY, Rejected),
    ("ETrade:", ANY, Rejected),
];

/// What `errors` mean together as the answer to a request of the kind `asked`; without one it was done.
///
/// Where they mean several things, the most careful counts: what may have gone in before everything else.
#[must_use]
pub fn outcome(asked: Asked, errors: &[String]) -> Outcome {
    // A warning beside a result stops nothing.
    let told = errors.iter().filter(|error| !error.starts_with('W'));
    let gravest = told.map(|error| (meaning(asked, error), error)).min_by_key(|(meaning, _)| care(*meaning));
    let Some((meaning, error)) = gravest else { return Outcome::Answered };
    let code = error.split_once(':').map(|(category, _)| category.to_owned());
    meaning.outcome(throttled_until(error), Words { code, text: error.clone() })
}

/// What a status of HTTP means where no error can be read.
#[must_use]
pub fn outcome_of_status(status: u16, wait: Wait, text: &str) -> Outcome {
    let meaning = match status {
        429 => MustWait,
        403 => Meaning::HaltFirewall,
        // Everything else, from the servers before the venue's as well, says nothing about what was done.
        _ => Unknown,
    };
    meaning.outcome(wait, Words { code: None, text: text.to_owned() })
}

fn meaning(asked: Asked, error: &str) -> Meaning {
    let applies = |(begins, requests, _): &&Row| error.starts_with(begins) && requests.contains(&asked);
    ERRORS.iter().find(applies).map_or(Unknown, |(.., meaning)| *meaning)
}

/// How careful a meaning is among others; the least number counts.
const fn care(meaning: Meaning) -> u8 {
    match meaning {
        Meaning::Unknown | Meaning::HalfDone => 0,
        Meaning::Alive => 1,
        Meaning::HaltKey
        | Meaning::HaltSignature
        | Meaning::HaltPermission
        | Meaning::HaltBanned
        | Meaning::HaltFirewall
        | Meaning::HaltSession => 2,
        Meaning::Wait => 3,
        Meaning::ResyncClock => 4,
        Meaning::NotOpen | Meaning::NotFound => 5,
        Meaning::Rejected => 6,
    }
}

/// `EService:Throttled: <seconds since the epoch>` says until when; no other error does.
fn throttled_until(error: &str) -> Wait {
    let seconds = error.strip_prefix("EService:Throttled:").and_then(|text| text.trim().parse::<u32>().ok());
    let until = seconds.and_then(|seconds| {
        engine_core::time::Timestamp::from_millis(i64::from(seconds).checked_mul(1_000)?)
    });
    until.map_or(Wait::Unsaid, Wait::Until)
}

#[cfg(test)]
mod tests {
    use engine_core::time::Timestamp;

    use super::super::HaltCause;
    use super::*;

    fn read(asked: Asked, errors: &[&str]) -> Outcome {
        outcome(asked, &errors.iter().map(|error| (*error).to_owned()).collect::<Vec<_>>())
    }

    fn words(text: &str) -> Words {
        let code = text.split_once(':').map(|(category, _)| category.to_owned());
        Words { code, text: text.to_owned() }
    }

    #[test]
    fn every_error_means_one_thing() {
        let rejected: fn(Words) -> Outcome = Outcome::Rejected;
        let unknown: fn(Words) -> Outcome = Outcome::Unknown;
        let wait: fn(Words) -> Outcome = |words| Outcome::Wait(Wait::Unsaid, words);
        let key: fn(Words) -> Outcome = |words| Outcome::Halt(HaltCause::Key, words);
        let permission: fn(Words) -> Outcome = |words| Outcome::Halt(HaltCause::Permission, words);
        for (error, expected) in [
            ("EOrder:Insufficient funds", rejected),
            ("EOrder:Invalid price", rejected),
            ("EOrder:Order minimum not met", rejected),
            ("EOrder:Tick size check failed", rejected),
            ("EOrder:Post only order", rejected),
            ("EOrder:Orders limit exceeded", rejected),
            ("EOrder:Cannot open position", rejected),
            ("EOrder:Rate limit exceeded", wait),
            ("EOrder:Duplicate cl_ord_id", Outcome::Alive),
            ("EOrder:cl_ord_id already in use", Outcome::Alive),
            ("EOrder:cl_ord_id is not supported on conditional close", rejected),
            ("EAPI:Rate limit exceeded", wait),
            ("EAPI:Invalid key", key),
            ("EAPI:Invalid signature", |words| Outcome::Halt(HaltCause::Signature, words)),
            ("EAPI:Invalid nonce", Outcome::ResyncClock),
            ("EAPI:something new", unknown),
            ("EGeneral:Permission denied", permission),
            ("EGeneral:Temporary lockout", |words| Outcome::Halt(HaltCause::Banned(Wait::Unsaid), words)),
            ("EGeneral:Invalid arguments:volume", rejected),
            ("EGeneral:Internal error", unknown),
            ("EService:Unavailable", unknown),
            ("EService:Busy", unknown),
            ("EService:Timeout", unknown),
            ("EService:Deadline elapsed", unknown),
            ("EService:Market in cancel_only mode", rejected),
            ("EService:Market in post_only mode", rejected),
            ("ESession:Invalid session", |words| Outcome::Halt(HaltCause::Session, words)),
            ("EAuth:Account temporary disabled", permission),
            ("EAuth:Too many requests", wait),
            ("EBM:limit exceeded:CAL", rejected),
            ("ETrade:Invalid request", rejected),
            ("EQuery:Unknown asset pair", rejected),
            ("EAccount:Invalid permissions:AUD/USD trading restricted for US:CA.", rejected),
            ("EDatabase:Internal error", unknown),
            ("Currency pair not supported", unknown),
            ("", unknown),
        ] {
            assert_eq!(read(Asked::Place, &[error]), expected(words(error)), "{error}");
        }
        assert_eq!(read(Asked::Place, &[]), Outcome::Answered);
    }

    #[test]
    fn an_unknown_order_hangs_on_what_was_asked() {
        let error = "EOrder:Unknown order";
        assert_eq!(read(Asked::Cancel, &[error]), Outcome::NotOpen(words(error)));
        assert_eq!(read(Asked::Query, &[error]), Outcome::NotFound(words(error)));
        let error = "EQuery:Unknown order";
        assert_eq!(read(Asked::Cancel, &[error]), Outcome::NotOpen(words(error)));
        assert_eq!(read(Asked::Query, &[error]), Outcome::NotFound(words(error)));
        assert_eq!(
            read(Asked::Query, &["EOrder:Invalid order"]),
            Outcome::NotFound(words("EOrder:Invalid order"))
        );
    }

    #[test]
    fn of_several_errors_the_most_careful_counts() {
        let both = ["EOrder:Insufficient funds", "EService:Unavailable", "EAPI:Invalid key"];
        assert_eq!(read(Asked::Place, &both), Outcome::Unknown(words("EService:Unavailable")));
        assert_eq!(
            read(Asked::Place, &["EOrder:Invalid price", "WGeneral:Deprecated"]),
            Outcome::Rejected(words("EOrder:Invalid price"))
        );
        assert_eq!(read(Asked::Place, &["WGeneral:Deprecated"]), Outcome::Answered);
    }

    #[test]
    fn a_throttle_says_until_when() {
        let error = "EService:Throttled: 1784000000";
        let until = Wait::Until(Timestamp::from_nanos(1_784_000_000_000_000_000));
        assert_eq!(read(Asked::Place, &[error]), Outcome::Wait(until, words(error)));
        let vague = "EService:Throttled: soon";
        assert_eq!(read(Asked::Place, &[vague]), Outcome::Wait(Wait::Unsaid, words(vague)));
    }

    #[test]
    fn a_status_without_errors_is_unknown() {
        for status in [200, 400, 408, 500, 502, 503, 504, 520, 525] {
            let text = Words { code: None, text: "<html>".to_owned() };
            assert_eq!(outcome_of_status(status, Wait::Unsaid, "<html>"), Outcome::Unknown(text), "{status}");
        }
        assert!(matches!(outcome_of_status(429, Wait::Unsaid, ""), Outcome::Wait(Wait::Unsaid, _)));
        assert!(matches!(outcome_of_status(403, Wait::Unsaid, ""), Outcome::Halt(HaltCause::Firewall, _)));
    }

    #[test]
    fn every_row_can_be_reached() {
        for (begins, requests, expected) in ERRORS {
            assert_eq!(meaning(requests[0], begins), expected, "{begins}");
        }
    }
}
