//! What the errors of Binance mean.
//!
//! Source: `exchange-protocols` 1.1.9; the venue's `errors.md`, state of 2026-07.

use super::Meaning::{
    Alive, HalfDone, HaltBanned, HaltFirewall, HaltKey, HaltSignature, NotFound, NotOpen, Rejected,
    ResyncClock, Unknown, Wait as MustWait,
};
use super::{Meaning, Outcome, Wait, Words};
use crate::order_request::Asked;

/// An answer with a status other than 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinanceError {
    /// The status, of HTTP or in the reply of the WebSocket API.
    pub status: u16,
    /// The venue's code, where the answer is readable.
    pub code: Option<i64>,
    /// The venue's words, or the beginning of its answer.
    pub text: String,
    /// How long to wait, where it says.
    pub wait: Wait,
}

/// Statuses that decide alone, whatever the code.
const STATUSES: [(u16, u16, Meaning); 5] = [
    (500, 599, Unknown),
    (418, 418, HaltBanned),
    (429, 429, MustWait),
    (403, 403, HaltFirewall),
    // The reply to nobody in particular when a session's key is revoked.
    (401, 401, HaltKey),
];

/// Requests to which a row applies.
const ANY: &[Asked] = &Asked::ALL;
const CANCEL: &[Asked] = &[Asked::Cancel];
const QUERY: &[Asked] = &[Asked::Query, Asked::Read];
const REPLACE: &[Asked] = &[Asked::Replace];

/// One row: codes from … to …, the words where the code alone does not decide, the requests, and what it means.
type Row = (i64, i64, Option<&'static str>, &'static [Asked], Meaning);

/// What codes mean; the first row that applies decides.
const CODES: [Row; 24] = [
    // One was done and the other not, or neither: both legs are told in the answer and have to be read.
    (-2_021, -2_021, None, REPLACE, HalfDone),
    (-2_022, -2_022, None, REPLACE, HalfDone),
    // The first order with this client id works.
    (-2_010, -2_010, Some("Duplicate order sent"), ANY, Alive),
    (-1_010, -1_010, Some("Duplicate order sent"), ANY, Alive),
    // Insufficient balance, market is closed, would match at once, and what else the words say.
    (-2_010, -2_010, None, ANY, Rejected),
    (-1_010, -1_010, None, ANY, Rejected),
    // A filter of the symbol.
    (-1_013, -1_013, None, ANY, Rejected),
    // Malformed requests, among them -1111 (precision) and -1121 (symbol).
    (-1_130, -1_100, None, ANY, Rejected),
    (-1_014, -1_014, None, ANY, Rejected),
    (-1_020, -1_020, None, ANY, Rejected),
    (-1_021, -1_021, None, ANY, ResyncClock),
    (-1_022, -1_022, None, ANY, HaltSignature),
    (-2_015, -2_014, None, ANY, HaltKey),
    (-1_002, -1_002, None, ANY, HaltKey),
    (-2_008, -2_008, None, ANY, HaltKey),
    // Too many orders, too many requests.
    (-1_015, -1_015, None, ANY, MustWait),
    (-1_003, -1_003, None, ANY, MustWait),
    // Disconnected, unexpected answer, timed out, unknown error: whether it was done is unknown.
    (-1_007, -1_006, None, ANY, Unknown),
    (-1_001, -1_000, None, ANY, Unknown),
    // Busy: documented as "try again", not that nothing was done.
    (-1_008, -1_008, None, ANY, Unknown),
    (-2_011, -2_011, None, CANCEL, NotOpen),
    (-2_011, -2_011, None, REPLACE, HalfDone),
    (-2_013, -2_013, None, QUERY, NotFound),
    (-2_013, -2_013, None, CANCEL, NotOpen),
];

/// Half done, as HTTP says it.
const CONFLICT: u16 = 409;

/// What `error` means as the answer to a request of the kind `asked`.
#[must_use]
pub fn outcome(asked: Asked, error: &BinanceError) -> Outcome {
    let words = Words { code: error.code.map(|code| code.to_string()), text: error.text.clone() };
    meaning(asked, error).outcome(error.wait, words)
}

fn meaning(asked: Asked, error: &BinanceError) -> Meaning {
    let decides = |(from, to, _): &&(u16, u16, Meaning)| (*from..=*to).contains(&error.status);
    if let Some((_, _, meaning)) = STATUSES.iter().find(decides) {
        return *meaning;
    }
    if error.status == CONFLICT && asked == Asked::Replace {
        return HalfDone;
    }
    let Some(code) = error.code else { return Unknown };
    let applies = |(from, to, text, requests, _): &&Row| {
        (*from..=*to).contains(&code)
            && text.is_none_or(|text| error.text.contains(text))
            && requests.contains(&asked)
    };
    CODES.iter().find(applies).map_or(Unknown, |(.., meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::super::HaltCause;
    use super::*;

    fn read(asked: Asked, status: u16, code: i64, text: &str) -> &'static str {
        let wait = Wait::Unsaid;
        name(&outcome(asked, &BinanceError { status, code: Some(code), text: text.to_owned(), wait }))
    }

    fn name(outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Answered => "answered",
            Outcome::Rejected(_) => "rejected",
            Outcome::Alive(_) => "alive",
            Outcome::Unknown(_) => "unknown",
            Outcome::Wait(..) => "wait",
            Outcome::ResyncClock(_) => "resync",
            Outcome::Halt(HaltCause::Key, _) => "halt: key",
            Outcome::Halt(HaltCause::Signature, _) => "halt: signature",
            Outcome::Halt(HaltCause::Permission, _) => "halt: permission",
            Outcome::Halt(HaltCause::Banned(_), _) => "halt: banned",
            Outcome::Halt(HaltCause::Firewall, _) => "halt: firewall",
            Outcome::Halt(HaltCause::Session, _) => "halt: session",
            Outcome::NotOpen(_) => "not open",
            Outcome::NotFound(_) => "not found",
            Outcome::HalfDone(_) => "half done",
        }
    }

    #[test]
    fn every_row_of_the_table_of_outcomes() {
        let place = [
            (400, -1013, "Filter failure: LOT_SIZE", "rejected"),
            (400, -1100, "Illegal characters found in parameter 'price'", "rejected"),
            (400, -1102, "Mandatory parameter 'side' was not sent", "rejected"),
            (400, -1111, "Parameter 'quantity' has too much precision.", "rejected"),
            (400, -1121, "Invalid symbol.", "rejected"),
            (400, -1130, "Data sent for parameter 'x' is not valid.", "rejected"),
            (400, -2010, "Account has insufficient balance for requested action.", "rejected"),
            (400, -2010, "Market is closed.", "rejected"),
            (400, -2010, "Order would immediately match and take.", "rejected"),
            (400, -2010, "Duplicate order sent.", "alive"),
            (400, -1021, "Timestamp for this request is outside of the recvWindow.", "resync"),
            (400, -1022, "Signature for this request is not valid.", "halt: signature"),
            (401, -2014, "API-key format invalid.", "halt: key"),
            (400, -2014, "API-key format invalid.", "halt: key"),
            (401, -2015, "Invalid API-key, IP, or permissions for action.", "halt: key"),
            (400, -2015, "Invalid API-key, IP, or permissions for action.", "halt: key"),
            (400, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.", "wait"),
            (429, -1015, "Too many new orders.", "wait"),
            (429, -1003, "Too much request weight used", "wait"),
            (400, -1003, "Too many requests", "wait"),
            (418, -1003, "Way too much request weight used; IP banned", "halt: banned"),
            (403, -9000, "Forbidden", "halt: firewall"),
            (400, -1006, "An unexpected response was received", "unknown"),
            (400, -1007, "Timeout waiting for response from backend server.", "unknown"),
            (400, -1000, "An unknown error occurred while processing the request.", "unknown"),
            (400, -1001, "Internal error; unable to process your request.", "unknown"),
            (400, -1008, "Server is currently overloaded with other requests.", "unknown"),
            (500, -1000, "", "unknown"),
            (502, -2010, "whatever it says", "unknown"),
            (503, -1008, "", "unknown"),
            (504, -1007, "", "unknown"),
            (400, -9999, "a code nobody knows", "unknown"),
            (409, -1, "not of a replacement", "unknown"),
        ];
        for (status, code, text, expected) in place {
            assert_eq!(read(Asked::Place, status, code, text), expected, "{status} {code} {text}");
        }
    }

    #[test]
    fn what_is_not_open_or_not_found_hangs_on_what_was_asked() {
        let gone = [
            (Asked::Cancel, 400, -2011, "Unknown order sent.", "not open"),
            (Asked::Query, 400, -2013, "Order does not exist.", "not found"),
            (Asked::Read, 400, -2013, "Order does not exist.", "not found"),
            (Asked::Cancel, 400, -2013, "Order does not exist.", "not open"),
            (Asked::Replace, 409, -2021, "Order cancel-replace partially failed.", "half done"),
            (Asked::Replace, 409, -1, "", "half done"),
            (Asked::Replace, 400, -2022, "Order cancel-replace failed.", "half done"),
            (Asked::Replace, 400, -2011, "Unknown order sent.", "half done"),
            // Out of place, so nothing is concluded from it.
            (Asked::Place, 400, -2011, "Unknown order sent.", "unknown"),
            (Asked::Place, 400, -2013, "Order does not exist.", "unknown"),
        ];
        for (asked, status, code, text, expected) in gone {
            assert_eq!(read(asked, status, code, text), expected, "{asked:?} {code}");
        }
    }

    #[test]
    fn an_error_without_a_code_is_unknown_unless_its_status_decides() {
        let read = |status| {
            let error = BinanceError { status, code: None, text: "<html>".to_owned(), wait: Wait::Unsaid };
            name(&outcome(Asked::Place, &error))
        };
        assert_eq!([400, 404, 200, 302].map(read), ["unknown"; 4]);
        assert_eq!(read(403), "halt: firewall");
    }

    #[test]
    fn a_ban_and_a_wait_keep_their_time() {
        let until = Wait::Until(engine_core::time::Timestamp::from_nanos(7));
        let error =
            |status| BinanceError { status, code: Some(-1003), text: "slow down".to_owned(), wait: until };
        let words = Words { code: Some("-1003".to_owned()), text: "slow down".to_owned() };
        assert_eq!(outcome(Asked::Read, &error(429)), Outcome::Wait(until, words.clone()));
        assert_eq!(outcome(Asked::Read, &error(418)), Outcome::Halt(HaltCause::Banned(until), words));
    }

    #[test]
    fn every_row_can_be_reached() {
        for (at, row) in CODES.iter().enumerate() {
            let (from, to, text, requests, expected) = row;
            for code in [*from, *to] {
                let error = BinanceError {
                    status: 400,
                    code: Some(code),
                    text: text.unwrap_or_default().to_owned(),
                    wait: Wait::Unsaid,
                };
                assert_eq!(meaning(requests[0], &error), *expected, "row {at}");
            }
        }
    }
}
