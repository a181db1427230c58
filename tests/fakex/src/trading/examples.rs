//! What the rules of filling and cancelling say, one case at a time.

use super::account::{Account, Standing, Which};
use super::amount::Amount;
use super::cancelling::Restriction;
use super::order::{Kind, Life, Purpose, Side, Size, Status, Trigger};
use super::refusal::{Refusal, Rule};
use super::report::{Happened, Report};
use super::samples::{account, asked, instrument, limit, standing, trade};

const BTC: u64 = 100_000_000;

fn balance(account: &Account, asset: &str) -> (String, String) {
    let balance = account.ledger().balance(asset);
    (balance.free.to_string(), balance.locked.to_string())
}

fn texts(free: &str, locked: &str) -> (String, String) {
    (free.to_owned(), locked.to_owned())
}

fn place(account: &mut Account, standing: &Standing<'_>, name: &str, side: Side, kind: Kind) -> u64 {
    account.place(standing, asked(name, side, kind)).unwrap()
}

fn status(account: &Account, id: u64) -> (Status, u64) {
    let order = &account.orders[&id];
    (order.status, order.filled)
}

#[test]
fn a_market_order_takes_the_levels_as_they_stand_and_changes_nothing_of_them() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("200000", "0");
    let kind = Kind::Market { size: Size::Base(BTC * 3 / 2) };
    for number in 0..2 {
        let id = place(&mut account, &standing, &format!("m{number}"), Side::Buy, kind);
        assert_eq!(status(&account, id), (Status::Filled, BTC * 3 / 2));
        let prices: Vec<u64> = account.fills().iter().skip(number * 2).map(|fill| fill.price).collect();
        assert_eq!(prices, [6_400_000, 6_400_100], "the second finds what the first found");
    }
    assert_eq!(balance(&account, "USDT"), texts("7999.00000000", "0.00000000"));
    assert_eq!(balance(&account, "BTC"), texts("2.99700000", "0.00000000"), "0.1 % of what came in");
    let refused = account.place(&standing, asked("m3", Side::Buy, kind));
    assert_eq!(refused, Err(Refusal::Balance));
}

#[test]
fn orders_without_a_limit_trade_so_much_worse_than_the_book_as_the_account_asks_for() {
    let instrument = instrument();
    let standing = Standing { slippage_millionths: 500, ..standing(&instrument, 1) };
    let mut account = account("200000", "1");
    let market = Kind::Market { size: Size::Base(BTC / 2) };
    for side in [Side::Buy, Side::Sell] {
        place(&mut account, &standing, &format!("{side:?}"), side, market);
    }
    let prices: Vec<u64> = account.fills().iter().map(|fill| fill.price).collect();
    assert_eq!(prices, [6_403_200, 6_396_700], "32.00 above 64 000.00, and as much below 63 999.00");
    place(&mut account, &standing, "limit", Side::Buy, limit(6_400_000, BTC / 2));
    assert_eq!(account.fills().last().map(|fill| fill.price), Some(6_400_000), "a limit is kept");
}

#[test]
fn a_market_order_of_money_buys_whole_steps_and_one_too_large_expires() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("1000000", "10");
    let quote = Kind::Market { size: Size::Quote(Amount::read("100").unwrap()) };
    let id = place(&mut account, &standing, "q", Side::Buy, quote);
    assert_eq!(status(&account, id), (Status::Filled, 156_000));
    assert_eq!(account.orders[&id].filled_quote.to_string(), "99.84000000");
    let sold = place(&mut account, &standing, "qs", Side::Sell, quote);
    assert_eq!(status(&account, sold), (Status::Filled, 156_000));
    let large = place(&mut account, &standing, "l", Side::Sell, Kind::Market { size: Size::Base(5 * BTC) });
    assert_eq!(status(&account, large), (Status::Expired, 2 * BTC));
    assert!(account.ledger().balance("BTC").locked.is_zero());
}

#[test]
fn lives_and_post_only() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("1000000", "10");
    let of = |life, quantity| Kind::Limit { price: 6_400_000, quantity, life };
    let fok = place(&mut account, &standing, "fok", Side::Buy, of(Life::Fok, BTC + 1_000));
    assert_eq!(status(&account, fok), (Status::Expired, 0));
    let fok = place(&mut account, &standing, "fok", Side::Buy, of(Life::Fok, BTC));
    assert_eq!(status(&account, fok), (Status::Filled, BTC));
    let ioc = place(&mut account, &standing, "ioc", Side::Buy, of(Life::Ioc, 2 * BTC));
    assert_eq!(status(&account, ioc), (Status::Expired, BTC));
    let gtc = place(&mut account, &standing, "gtc", Side::Buy, of(Life::Gtc, 2 * BTC));
    assert_eq!(status(&account, gtc), (Status::PartiallyFilled, BTC));
    assert_eq!(account.ledger().balance("USDT").locked.to_string(), "64000.00000000");
    let maker = |price| asked("maker", Side::Buy, Kind::PostOnly { price, quantity: BTC });
    assert_eq!(account.place(&standing, maker(6_400_000)), Err(Refusal::WouldTake));
    let id = account.place(&standing, maker(6_399_900)).unwrap();
    assert_eq!((status(&account, id), account.orders[&id].ahead), ((Status::New, 0), BTC));
    assert_eq!(account.place(&standing, maker(6_399_900)), Err(Refusal::Duplicate));
}

#[test]
fn a_resting_order_waits_behind_what_stood_there_and_the_older_own_order_goes_first() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("1000000", "0");
    let one = place(&mut account, &standing, "one", Side::Buy, limit(6_399_900, BTC));
    let two = place(&mut account, &standing, "two", Side::Buy, limit(6_399_900, BTC));
    let deep = place(&mut account, &standing, "deep", Side::Buy, limit(6_399_000, BTC));
    let filled = |account: &Account| [one, two, deep].map(|id| account.orders[&id].filled);
    account.follow(&trade(6_399_900, BTC * 3 / 4), &standing);
    assert_eq!(filled(&account), [0, 0, 0], "1 BTC stood before them");
    account.follow(&trade(6_399_900, BTC / 2), &standing);
    assert_eq!(filled(&account), [BTC / 4, 0, 0]);
    account.follow(&trade(6_399_900, BTC), &standing);
    assert_eq!(filled(&account), [BTC, BTC / 4, 0], "never more than was traded");
    account.follow(&trade(6_399_800, 1_000), &standing);
    assert_eq!(filled(&account), [BTC, BTC, 0], "through the price");
    assert!(account.fills().iter().all(|fill| fill.is_maker && fill.price == 6_399_900));
    assert_eq!(balance(&account, "USDT"), texts("808012.00000000", "63990.00000000"));
}

#[test]
fn stops_wake_on_trades_at_or_beyond_their_price() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("100000", "2");
    let with_stop = |name: &str, side, kind, price| {
        let mut asked = asked(name, side, kind);
        asked.terms.trigger = Some(Trigger { price, purpose: Purpose::StopLoss });
        asked
    };
    let market = Kind::Market { size: Size::Base(BTC) };
    let at_once = account.place(&standing, with_stop("now", Side::Sell, market, 6_400_000));
    assert_eq!(at_once, Err(Refusal::WouldWake));
    let sell = account.place(&standing, with_stop("s", Side::Sell, market, 6_300_000)).unwrap();
    let resting = limit(6_290_000, BTC);
    let limited = account.place(&standing, with_stop("l", Side::Sell, resting, 6_310_000)).unwrap();
    account.follow(&trade(6_310_001, BTC), &standing);
    assert!(account.orders[&sell].is_asleep() && account.orders[&limited].is_asleep());
    assert_eq!(account.ledger().balance("BTC").locked.to_string(), "2.00000000");
    account.follow(&trade(6_310_000, BTC), &standing);
    assert_eq!(status(&account, limited), (Status::Filled, BTC), "its limit is below the best bid");
    account.follow(&trade(6_200_000, BTC), &standing);
    assert_eq!(status(&account, sell), (Status::Filled, BTC));
    let woke = |report: &Report| matches!(report, Report::Order { happened: Happened::Woke, .. });
    assert_eq!(account.take_reports().iter().filter(|report| woke(report)).count(), 2);
    let buy = account.place(&standing, with_stop("b", Side::Buy, market, 6_500_000)).unwrap();
    assert_eq!(account.ledger().balance("USDT").locked.to_string(), "65000.00000000");
    account.follow(&trade(6_600_000, BTC), &standing);
    assert_eq!(status(&account, buy), (Status::Filled, BTC));
    assert!(account.ledger().balance("USDT").locked.is_zero());
}

#[test]
fn cancels_free_what_was_held_and_name_what_they_do_not_find() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("64000", "0");
    let id = place(&mut account, &standing, "a", Side::Buy, limit(6_399_000, BTC));
    let which = Which::ClientId("a".to_owned());
    let cancel = |account: &mut Account, restriction| {
        account.cancel(&standing, &which, restriction, &"c".into()).map(|order| order.status)
    };
    assert_eq!(cancel(&mut account, Restriction::OnlyPartiallyFilled), Err(Refusal::Restricted));
    assert_eq!(cancel(&mut account, Restriction::OnlyNew), Ok(Status::Canceled));
    assert_eq!(cancel(&mut account, Restriction::None), Err(Refusal::Unknown));
    assert_eq!(balance(&account, "USDT"), texts("64000.00000000", "0.00000000"));
    let again = place(&mut account, &standing, "a", Side::Buy, limit(6_399_000, BTC / 2));
    assert_ne!(again, id, "a name is free again when its order has ended");
    place(&mut account, &standing, "b", Side::Buy, limit(6_398_000, BTC / 4));
    assert_eq!(account.cancel_all(&standing, &"c".into()).len(), 2);
    assert!(!account.is_in("BTCUSDT"));
}

#[test]
fn slips_divide_a_fill_end_an_order_and_fill_one_late() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("1000000", "0");
    account.slips.divide = 3;
    let kind = Kind::Market { size: Size::Base(BTC) };
    place(&mut account, &standing, "a", Side::Buy, kind);
    let quantities: Vec<u64> = account.fills().iter().map(|fill| fill.quantity).collect();
    assert_eq!(quantities, [33_333_000, 33_333_000, 33_334_000]);
    account.slips.self_trade = true;
    let id = place(&mut account, &standing, "b", Side::Buy, kind);
    assert_eq!(status(&account, id), (Status::ExpiredInMatch, 0));
    let id = place(&mut account, &standing, "c", Side::Buy, limit(6_399_000, BTC));
    account.slips.late_fill = true;
    let told = account.cancel(&standing, &Which::Id(id), Restriction::None, &"x".into()).unwrap();
    assert_eq!((told.status, told.filled), (Status::Canceled, 0), "what the client is told");
    assert_eq!(status(&account, id), (Status::Canceled, BTC / 2), "what is true");
    assert!(account.ledger().balance("USDT").locked.is_zero());
}

#[test]
fn there_is_an_end_to_open_orders() {
    let instrument = instrument();
    let standing = standing(&instrument, 1);
    let mut account = account("1000000", "0");
    account.orders_max = 3;
    for number in 0..3 {
        place(&mut account, &standing, &number.to_string(), Side::Buy, limit(6_399_000, 10_000));
    }
    let refused = account.place(&standing, asked("x", Side::Buy, limit(6_399_000, 10_000)));
    assert_eq!(refused, Err(Refusal::Rule(Rule::Orders)));
}
