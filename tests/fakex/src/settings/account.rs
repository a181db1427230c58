//! The account that an exchange begins with, and which values of it are refused.

use std::collections::BTreeMap;

use super::{Dialect, StartError};
use crate::decimal;
use crate::trading::Opening;
use crate::trading::amount::Amount;
use crate::trading::credential::ApiKey;
use crate::trading::fee::{Currency, Fees, OwnAsset};
use crate::trading::quota::Limits;

/// An asset of the venue in which fees are paid as long as there is enough of it, such as BNB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeAsset {
    /// The asset.
    pub asset: String,
    /// What one of it costs, by quote asset, such as `USDT` and `600`.
    pub prices: Vec<(String, String)>,
    /// By how many percent the fee is less.
    pub discount_percent: u32,
}

/// One account with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Its keys.
    pub keys: Vec<ApiKey>,
    /// What it has at the start, as asset and amount, such as `USDT` and `10000`.
    pub balances: Vec<(String, String)>,
    /// The part of what comes in that an order pays which rested, such as `0.001`; at most six places.
    pub maker_fee: String,
    /// The same for an order that took.
    pub taker_fee: String,
    /// How much worse than the book an order without a limit trades, as a part of the price such as `0.0005`; at most six places.
    pub taker_slippage: String,
    /// Fees in an asset of the venue; in what comes in otherwise.
    pub fee_asset: Option<FeeAsset>,
    /// Orders that may be open in one market.
    pub orders_max: usize,
    /// Orders that may be placed in ten seconds.
    pub orders_per_10s: u32,
    /// Orders that may be placed in a day.
    pub orders_per_day: u32,
    /// Weight of requests that may be asked in a minute.
    pub weight_per_minute: u32,
}

impl AccountSettings {
    /// An account with one key, Binance's usual limits, and 0.1 % of fee in what comes in.
    pub fn new(key: ApiKey, balances: &[(&str, &str)]) -> Self {
        let owned = |(asset, amount): &(&str, &str)| ((*asset).to_owned(), (*amount).to_owned());
        Self {
            keys: vec![key],
            balances: balances.iter().map(owned).collect(),
            maker_fee: "0.001".to_owned(),
            taker_fee: "0.001".to_owned(),
            taker_slippage: "0".to_owned(),
            fee_asset: None,
            orders_max: 200,
            orders_per_10s: 50,
            orders_per_day: 160_000,
            weight_per_minute: 6_000,
        }
    }

    /// What the account begins with, when every value of it can be.
    pub(crate) fn opening(&self, dialect: Dialect) -> Result<Opening, StartError> {
        let refuse = |field, what: String| StartError::setting(field, what);
        let mut names: Vec<&str> = self.keys.iter().map(|key| key.name.as_str()).collect();
        names.sort_unstable();
        if names.iter().any(|name| name.is_empty()) || names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(refuse("account.keys", "each key needs a name of its own".to_owned()));
        }
        let mut balances = Vec::new();
        for (asset, text) in &self.balances {
            let amount = Amount::read(text).filter(|amount| !amount.is_negative());
            let what = || refuse("account.balances", format!("{asset} {text:?} is no amount"));
            balances.push((asset.as_str().into(), amount.ok_or_else(what)?));
        }
        let rate = |field, text: &str| {
            let millionths = decimal::units(text, 6).and_then(|units| u32::try_from(units).ok());
            let what = || refuse(field, format!("{text:?} is no part of one with at most six places"));
            millionths.filter(|millionths| *millionths < 1_000_000).ok_or_else(what)
        };
        let own_asset = self.fee_asset.as_ref().map(own_asset).transpose()?;
        Ok(Opening {
            keys: self.keys.clone(),
            balances,
            fees: Fees {
                maker_millionths: rate("account.maker_fee", &self.maker_fee)?,
                taker_millionths: rate("account.taker_fee", &self.taker_fee)?,
                currency: match dialect {
                    Dialect::Binance => Currency::Income,
                    Dialect::Coinbase | Dialect::Kraken => Currency::Quote,
                },
                own_asset,
            },
            slippage_millionths: rate("account.taker_slippage", &self.taker_slippage)?,
            orders_max: self.orders_max,
            limits: Limits {
                orders_per_10s: self.orders_per_10s,
                orders_per_day: self.orders_per_day,
                weight_per_minute: self.weight_per_minute,
            },
        })
    }
}

fn own_asset(setting: &FeeAsset) -> Result<OwnAsset, StartError> {
    let refuse = |what: String| StartError::setting("account.fee_asset", what);
    if setting.discount_percent > 100 {
        return Err(refuse(format!("a discount of {} % is more than all", setting.discount_percent)));
    }
    let mut prices = BTreeMap::new();
    for (quote, text) in &setting.prices {
        let price = Amount::read(text).filter(|price| *price > Amount::ZERO);
        prices.insert(quote.clone(), price.ok_or_else(|| refuse(format!("{quote} {text:?} is no price")))?);
    }
    Ok(OwnAsset { asset: setting.asset.as_str().into(), prices, discount_percent: setting.discount_percent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trading::credential::{Permission, Secret};

    #[test]
    fn values_that_cannot_be_are_named() {
        let key = |name: &str| ApiKey {
            name: name.to_owned(),
            secret: Secret::Hmac("s".to_owned()),
            permissions: vec![Permission::Read],
        };
        let account = || AccountSettings::new(key("k"), &[("USDT", "10000")]);
        assert!(account().opening(Dialect::Binance).is_ok());
        type Spoil = fn(&mut AccountSettings);
        let spoiled: [(&str, Spoil); 8] = [
            ("account.keys", |account| account.keys.push(account.keys[0].clone())),
            ("account.keys", |account| account.keys[0].name.clear()),
            ("account.balances", |account| account.balances[0].1 = "-1".to_owned()),
            ("account.balances", |account| account.balances[0].1 = "NaN".to_owned()),
            ("account.maker_fee", |account| account.maker_fee = "1".to_owned()),
            ("account.taker_fee", |account| account.taker_fee = "0.0000001".to_owned()),
            ("account.taker_slippage", |account| account.taker_slippage = "-0.1".to_owned()),
            ("account.fee_asset", |account| {
                let prices = vec![("USDT".to_owned(), "0".to_owned())];
                account.fee_asset = Some(FeeAsset { asset: "BNB".to_owned(), prices, discount_percent: 25 });
            }),
        ];
        for (field, spoil) in spoiled {
            let mut account = account();
            spoil(&mut account);
            let error = account.opening(Dialect::Binance).map(|_| ()).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
    }
}
