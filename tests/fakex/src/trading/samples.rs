//! A market and an account for tests.

use super::account::{Account, Standing};
use super::amount::Amount;
use super::fee::{Currency, Fees};
use super::order::{Kind, Life, Side, Terms};
use super::placing::Asked;
use crate::instrument::{Instrument, Quantities, Status};
use crate::market::trade::Trade;

/// BTCUSDT with ticks of 0.01 and steps of 0.00001.
pub(crate) fn instrument() -> Instrument {
    Instrument {
        name: "BTCUSDT".into(),
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        price_decimals: 2,
        quantity_decimals: 8,
        tick: 1,
        step: 1_000,
        quantities: Quantities::InSteps,
        min_notional: "5.00000000".to_owned(),
        status: Status::Trading,
    }
}

/// Bids of 1 BTC at 63 999 and 63 998, asks of 1 BTC at 64 000 and 64 001.
pub(crate) fn standing(instrument: &Instrument, now_ns: i64) -> Standing<'_> {
    let one = 100_000_000;
    Standing {
        instrument,
        bids: vec![(6_399_900, one), (6_399_800, one)],
        asks: vec![(6_400_000, one), (6_400_100, one)],
        last: Some(6_400_000),
        slippage_millionths: 0,
        now_ns,
    }
}

/// An account with so much of both, fees of 0.1 %.
pub(crate) fn account(usdt: &str, btc: &str) -> Account {
    account_with(Currency::Income, usdt, btc)
}

/// The same with fees in an asset of choice.
pub(crate) fn account_with(currency: Currency, usdt: &str, btc: &str) -> Account {
    let fees = Fees { maker_millionths: 1_000, taker_millionths: 2_600, currency, own_asset: None };
    let fees = match currency {
        Currency::Income => Fees { taker_millionths: 1_000, ..fees },
        Currency::Quote => fees,
    };
    let balances = [("USDT", usdt), ("BTC", btc)];
    let balances = balances.map(|(asset, amount)| (asset.into(), Amount::read(amount).unwrap()));
    Account::new(fees, 200, &balances)
}

pub(crate) fn asked(client_id: &str, side: Side, kind: Kind) -> Asked {
    let terms = Terms { side, kind, trigger: None };
    Asked { client_id: client_id.into(), terms, by_hand: false, marks: Vec::new() }
}

pub(crate) fn limit(price: u64, quantity: u64) -> Kind {
    Kind::Limit { price, quantity, life: Life::Gtc }
}

pub(crate) fn trade(price: u64, quantity: u64) -> Trade {
    Trade { id: 1, time_ns: 0, price, quantity, buyer_is_maker: true }
}
