//! What the key of an account may do, asked before anything is sent with it.
//!
//! A key that can move assets out of the account is refused: what an engine needs is to look and to trade.

use std::time::Duration;

use crate::account_message::{AccountMessage, Permissions};
use crate::clock::HouseClock;
use crate::order_answer::OrderAnswer;
use crate::order_request::OrderRequest;
use crate::order_session::{OrderWords, Written};
use crate::outcome::{HaltCause, Outcome, Wait};
use crate::outside::Outside;

/// How often a venue in trouble is asked.
const ATTEMPTS: u32 = 5;

/// Before it is asked again.
const WAIT: Duration = Duration::from_secs(1);

/// A longer pause than this is not waited for.
const PAUSE_MAX: Duration = Duration::from_secs(120);

/// Asks what the key of `words` may do, and waits where the venue wants to be left alone; answers what is to be said of it, if
/// anything.
///
/// # Errors
/// Why nothing is sent with this key.
pub(crate) fn check_key(
    words: &mut dyn OrderWords,
    outside: &dyn Outside,
    clock: &HouseClock,
) -> Result<Option<String>, String> {
    let (mut last, mut wait) = (String::new(), Duration::ZERO);
    for _ in 0..ATTEMPTS {
        outside.wait(wait);
        let requests = match words.write(clock.now(), 0, &OrderRequest::Permissions) {
            Ok(Written::Requests(requests)) => requests,
            Ok(Written::Message(_)) | Err(_) => return Ok(Some(UNTOLD.to_owned())),
        };
        let answers = requests.iter().map(|request| outside.ask(request)).collect();
        let OrderAnswer { outcome, messages, .. } = words.answered(0, &answers);
        match outcome {
            Outcome::Answered => return judge(&messages),
            Outcome::NotFound(_) => return Ok(Some(UNTOLD.to_owned())),
            Outcome::Unknown(words) | Outcome::ResyncClock(words) => (last, wait) = (words.text, WAIT),
            Outcome::Wait(pause, words) | Outcome::Halt(HaltCause::Banned(pause), words) => {
                (last, wait) = (words.text, length_of(pause, clock));
                if wait > PAUSE_MAX {
                    return Err(format!("it asks for a pause of {} s: {last}", wait.as_secs()));
                }
            }
            Outcome::Rejected(words)
            | Outcome::Alive(words)
            | Outcome::NotOpen(words)
            | Outcome::HalfDone(words)
            | Outcome::Halt(_, words) => return Err(untold(&words.text)),
        }
    }
    Err(untold(&last))
}

fn untold(why: &str) -> String {
    format!("it does not say what the key may do: {why}")
}

/// How long a pause is that the venue wants.
fn length_of(pause: Wait, clock: &HouseClock) -> Duration {
    match pause {
        Wait::For(span) => Duration::from_nanos(u64::try_from(span.nanos()).unwrap_or_default()),
        Wait::Until(over) => clock.time_to(over),
        Wait::Unsaid => WAIT,
    }
}

const UNTOLD: &str = "the venue does not say what the key may do; make sure that it can only look and trade, and move nothing out";

fn judge(messages: &[AccountMessage]) -> Result<Option<String>, String> {
    let told = messages.iter().find_map(|message| {
        if let AccountMessage::Permissions(permissions) = message { Some(*permissions) } else { None }
    });
    match told {
        Some(Permissions { may_withdraw: Some(true), .. }) => {
            Err("the key may move assets out of the account; use one that may only look and trade".to_owned())
        }
        Some(Permissions { may_trade: Some(false), .. }) => Err("the key may not trade".to_owned()),
        Some(Permissions { may_withdraw: Some(false), .. }) => Ok(None),
        Some(Permissions { may_withdraw: None, .. }) | None => Ok(Some(UNTOLD.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(may_trade: Option<bool>, may_withdraw: Option<bool>) -> Result<Option<String>, String> {
        let key = Permissions { may_view: Some(true), may_trade, may_withdraw };
        judge(&[AccountMessage::Heartbeat, AccountMessage::Permissions(key)])
    }

    #[test]
    fn a_key_that_only_looks_and_trades_is_used_and_one_that_can_do_more_is_not() {
        assert_eq!(told(Some(true), Some(false)), Ok(None));
        assert!(told(Some(true), Some(true)).unwrap_err().contains("move assets out"));
        assert!(told(Some(false), Some(false)).unwrap_err().contains("may not trade"));
        assert_eq!(told(Some(true), None), Ok(Some(UNTOLD.to_owned())));
        assert_eq!(judge(&[]), Ok(Some(UNTOLD.to_owned())));
    }
}
