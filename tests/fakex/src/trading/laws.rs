//! What holds after any flow of orders, cancels and trades.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::account::{Account, Which};
use super::amount::Amount;
use super::cancelling::Restriction;
use super::fee::Currency;
use super::ledger::Pocket;
use super::order::{Kind, Life, Order, Purpose, Side, Size, Status, Terms, Trigger};
use super::placing::Asked;
use super::report::Report;
use super::samples::{account_with, instrument, standing, trade};

#[derive(Clone, Debug)]
enum Act {
    Place(Terms),
    Cancel(u64),
    Trade { price: u64, quantity: u64 },
    Move { bid: u64 },
    Slip(u32),
    Late,
    External(i64),
}

fn terms() -> impl Strategy<Value = Terms> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let life = prop_oneof![3 => Just(Life::Gtc), 1 => Just(Life::Ioc), 1 => Just(Life::Fok)];
    let (price, steps) = (6_395_000_u64..6_405_000, 8_u64..200_000);
    let kind = (0..5, price.clone(), steps, life).prop_map(|(kind, price, steps, life)| {
        let quantity = steps * 1_000;
        match kind {
            0 => Kind::Market { size: Size::Base(quantity) },
            1 => Kind::Market { size: Size::Quote(Amount::of_units(i128::from(quantity) * 64_000)) },
            2 => Kind::PostOnly { price, quantity },
            _ => Kind::Limit { price, quantity, life },
        }
    });
    let trigger = (prop_oneof![Just(Purpose::StopLoss), Just(Purpose::TakeProfit)], price);
    let trigger =
        proptest::option::weighted(0.2, trigger.prop_map(|(purpose, price)| Trigger { price, purpose }));
    (side, kind, trigger).prop_map(|(side, kind, trigger)| {
        let is_money = matches!(kind, Kind::Market { size: Size::Quote(_) });
        Terms { side, kind, trigger: trigger.filter(|_| !is_money) }
    })
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => terms().prop_map(Act::Place),
        2 => (0_u64..40).prop_map(Act::Cancel),
        6 => (6_395_000_u64..6_405_000, 1_u64..200_000)
            .prop_map(|(price, steps)| Act::Trade { price, quantity: steps * 1_000 }),
        2 => (6_395_000_u64..6_404_000).prop_map(|bid| Act::Move { bid }),
        1 => (2_u32..6).prop_map(Act::Slip),
        1 => Just(Act::Late),
        1 => (-100_000_000_i64..100_000_000).prop_map(Act::External),
    ]
}

/// Balances from the postings alone.
fn folded(reports: &[Report]) -> BTreeMap<(String, Pocket), Amount> {
    let mut pockets: BTreeMap<(String, Pocket), Amount> = BTreeMap::new();
    for report in reports {
        let Report::Posted(postings) = report else { continue };
        for posting in postings {
            *pockets.entry((posting.asset.to_string(), posting.from)).or_default() -= posting.amount;
            *pockets.entry((posting.asset.to_string(), posting.to)).or_default() += posting.amount;
        }
    }
    pockets
}

fn check(account: &Account, reports: &[Report]) -> Result<(), TestCaseError> {
    let pockets = folded(reports);
    for asset in ["BTC", "USDT"] {
        let of = |pocket| pockets.get(&(asset.to_owned(), pocket)).copied().unwrap_or_default();
        let balance = account.ledger().balance(asset);
        prop_assert_eq!((balance.free, balance.locked), (of(Pocket::Free), of(Pocket::Locked)));
        prop_assert!(!balance.free.is_negative() && !balance.locked.is_negative());
        prop_assert!((of(Pocket::Free) + of(Pocket::Locked) + of(Pocket::Venue)).is_zero());
        let gives = |order: &&Order| (order.terms.side == Side::Buy) == (asset == "USDT");
        let held: Amount = account.orders().filter(gives).map(|order| order.held).sum();
        prop_assert_eq!(balance.locked, held, "what is locked is what open orders hold");
    }
    for order in account.orders() {
        let fills = account.fills().iter().filter(|fill| fill.order == order.id);
        let (quantity, quote) = fills.fold((0, Amount::ZERO), |(quantity, quote), fill| {
            (quantity + fill.quantity, quote + fill.quote)
        });
        prop_assert_eq!((order.filled, order.filled_quote), (quantity, quote));
        prop_assert!(order.filled <= order.quantity);
        prop_assert_eq!(order.status == Status::Filled, order.filled == order.quantity && order.filled > 0);
        prop_assert!(order.status.is_open() || order.held.is_zero());
    }
    Ok(())
}

/// An older order at a price is never filled less than a younger one that came to the same price later, while both rest.
fn check_priority(account: &Account) -> Result<(), TestCaseError> {
    let open = account.open_orders(None);
    for one in &open {
        for two in &open {
            let same = one.terms.side == two.terms.side && one.terms.limit() == two.terms.limit();
            let resting = one.working_ns.is_some() && two.working_ns.is_some();
            if same && resting && (one.working_ns, one.id) < (two.working_ns, two.id) {
                prop_assert!(one.ahead <= two.ahead, "{one:?} stands behind {two:?}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_flow_of_orders_loses_or_makes_anything(
        acts in proptest::collection::vec(act(), 1..80),
        currency in prop_oneof![Just(Currency::Income), Just(Currency::Quote)],
    ) {
        let instrument = instrument();
        let mut account = account_with(currency, "500000", "5");
        let mut reports = Vec::new();
        let mut at = standing(&instrument, 0);
        for (number, act) in acts.into_iter().enumerate() {
            at.now_ns += 1;
            match act {
                Act::Place(terms) => {
                    let client_id = number.to_string().into();
                    let asked = Asked { client_id, terms, by_hand: false, marks: Vec::new() };
                    // Some of them are refused, and then nothing may have changed.
                    let _ = account.place(&at, asked);
                }
                Act::Cancel(id) => {
                    let _ = account.cancel(&at, &Which::Id(id), Restriction::None, &"c".into());
                }
                Act::Trade { price, quantity } => {
                    let before: u64 = account.fills().iter().map(|fill| fill.quantity).sum();
                    let through = account.open_orders(None).iter().any(|order| {
                        order.terms.trigger.is_some() || order.terms.limit() != Some(price)
                    });
                    account.follow(&trade(price, quantity), &at);
                    at.last = Some(price);
                    let after: u64 = account.fills().iter().map(|fill| fill.quantity).sum();
                    prop_assert!(through || after - before <= quantity * 2, "more than was traded");
                }
                Act::Move { bid } => {
                    at.bids = vec![(bid, 100_000_000), (bid - 100, 50_000_000)];
                    at.asks = vec![(bid + 100, 100_000_000), (bid + 300, 70_000_000)];
                }
                Act::Slip(pieces) => account.slips.divide = pieces,
                Act::Late => account.slips.late_fill = true,
                Act::External(units) => {
                    let _ = account.receive(&"USDT".into(), Amount::of_units(i128::from(units)));
                }
            }
            reports.extend(account.take_reports());
            check(&account, &reports)?;
            check_priority(&account)?;
        }
    }
}
