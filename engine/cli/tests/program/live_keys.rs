//! Keys of accounts: one that is revoked while a run trades ends its trading and nothing else, and one that another run holds
//! is refused.

use std::time::{Duration, Instant};

use super::live_faults::begun;
use super::live_venue::{BINANCE, COINBASE, KRAKEN, LiveVenue};
use super::paper::{count, until};
use super::paper_faults::set_off;

fn a_revoked_key_halts(at: &LiveVenue) {
    let exchange = at.exchange();
    let folder = at.ground(&exchange);
    let mut child = begun(&folder);
    until(&folder, |status| status["pid"] == child.id() && status["account"]["standing"] == "agrees");
    set_off(&exchange, r#"{"verb":"revoke_key","key":"test"}"#);
    // A connection that stands may live on: a new one may not.
    set_off(&exchange, r#"{"verb":"drop_conn","how":"reset"}"#);
    let waited = Instant::now();
    until(&folder, |status| {
        assert!(waited.elapsed() < Duration::from_secs(60), "{status}");
        status["halted"] == true
    });
    assert_eq!(child.try_wait().unwrap(), None, "the run goes on without trading");
    let before = exchange.truth().orders().unwrap().len();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(exchange.truth().orders().unwrap().len(), before, "nothing is ordered any more");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(folder.answer("verify P")["sound"], true);
    exchange.stop().unwrap();
}

#[test]
fn a_revoked_key_ends_trading_at_binance() {
    a_revoked_key_halts(&BINANCE);
}

#[test]
fn a_revoked_key_ends_trading_at_coinbase() {
    a_revoked_key_halts(&COINBASE);
}

#[test]
fn a_revoked_key_ends_trading_at_kraken() {
    a_revoked_key_halts(&KRAKEN);
}

#[test]
fn a_key_with_which_a_run_trades_is_refused_to_another() {
    let exchange = BINANCE.exchange();
    let folder = BINANCE.ground(&exchange);
    let mut child = begun(&folder);
    until(&folder, |status| status["pid"] == child.id() && count(status, "ticks") > 0);
    let out = folder.run("live live.toml --run Q --for 3s");
    let refused = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{refused}");
    assert!(refused.contains("another run trades with the key"), "{refused}");
    assert!(!folder.path("Q").exists(), "nothing of it was written");
    folder.answer("live live.toml --run Q --dry-run --for 3s");
    child.kill().unwrap();
    child.wait().unwrap();
    folder.answer("live live.toml --run R --for 3s");
    exchange.stop().unwrap();
}
