//! A venue that changes its rules while a run on paper goes on, and while it is away.

use fake_exchange::Dialect;

use super::paper::{begun, compare, count, exchange, ground, plays_again, until};
use super::paper_faults::set_off;

#[test]
fn what_a_venue_changes_is_an_input_told_once_and_nothing_is_entered_while_it_halts() {
    for (dialect, venue, symbol, market) in [
        (Dialect::Binance, "binance", "BTCUSDT", "BTCUSDT"),
        (Dialect::Coinbase, "coinbase", "BTC-USD", "BTCUSD"),
        (Dialect::Kraken, "kraken", "BTC/USD", "BTCUSD"),
    ] {
        let exchange = exchange(dialect, market);
        let folder = ground(&exchange, venue, symbol);
        let config = std::fs::read_to_string(folder.path("paper.toml")).unwrap();
        // The market is sixty times as fast as the clock on the wall.
        folder.write("paper.toml", &config.replace("segment_kib", "listings_every = \"10s\"\nsegment_kib"));
        let mut child = begun(&folder);
        until(&folder, |status| count(status, "ticks") > 100);
        set_off(
            &exchange,
            &format!(
                r#"{{"verb":"filters_change","symbol":"{market}","tick":"0.50","step":"0.001","min_notional":"7"}}"#
            ),
        );
        until(&folder, |status| count(status, "listing_changes") == 1);
        set_off(&exchange, &format!(r#"{{"verb":"halt","symbol":"{market}"}}"#));
        until(&folder, |status| count(status, "listing_changes") == 2);
        child.kill().unwrap();
        child.wait().unwrap();
        plays_again(&folder);
        // What is as it was told is not told again, and what changed meanwhile is.
        set_off(&exchange, &format!(r#"{{"verb":"resume","symbol":"{market}"}}"#));
        let mut child = begun(&folder);
        let status = until(&folder, |status| count(status, "listing_changes") == 3);
        until(&folder, |now| count(now, "ticks") > count(&status, "ticks") + 50);
        child.kill().unwrap();
        child.wait().unwrap();
        plays_again(&folder);
        compare(&exchange, market, &folder);
        let shown = folder.text("show P --kind listing");
        for words in ["is traded; steps 0.5 and 0.0", "is halted", "smallest notional 7"] {
            assert!(shown.contains(words), "{venue}: {words}: {shown}");
        }
        assert_eq!(shown.matches("is traded").count(), 2, "{venue}: {shown}");
        assert!(folder.text("status P").contains("listing changes"));
        exchange.stop().unwrap();
    }
}
