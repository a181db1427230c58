//! What a fill costs: rates for makers and takers, in the asset that comes in or in one of the venue's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::amount::Amount;

/// In which asset a fee is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Currency {
    /// In what comes in: base for a buy, quote for a sell.
    Income,
    /// In quote currency, beside the price; a buy holds it from the start.
    Quote,
}

/// Rates in millionths of what comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fees {
    pub(crate) maker_millionths: u32,
    pub(crate) taker_millionths: u32,
    pub(crate) currency: Currency,
    pub(crate) own_asset: Option<OwnAsset>,
}

/// An asset of the venue in which fees are paid as long as the account has some of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnAsset {
    pub(crate) asset: Arc<str>,
    /// What one of it costs, by quote asset.
    pub(crate) prices: BTreeMap<String, Amount>,
    pub(crate) discount_percent: u32,
}

/// What a fill brings in.
#[derive(Clone, Debug)]
pub(crate) struct Income<'a> {
    pub(crate) asset: &'a Arc<str>,
    pub(crate) amount: Amount,
    /// Its worth in quote currency.
    pub(crate) quote: Amount,
    pub(crate) quote_asset: &'a str,
    pub(crate) is_maker: bool,
}

impl Fees {
    pub(crate) fn rate(&self, is_maker: bool) -> u32 {
        if is_maker { self.maker_millionths } else { self.taker_millionths }
    }

    /// What a buy of this worth must hold for its fee.
    pub(crate) fn held_for(&self, worth: Amount) -> Amount {
        match self.currency {
            Currency::Income => Amount::ZERO,
            Currency::Quote => worth.part_up(self.maker_millionths.max(self.taker_millionths)),
        }
    }

    /// The fee and its asset, cut to eight places; the venue's own asset only where it has a price and is `there`.
    pub(crate) fn of(&self, income: &Income<'_>, there: impl Fn(&str) -> Amount) -> (Arc<str>, Amount) {
        let rate = self.rate(income.is_maker);
        if self.currency == Currency::Quote {
            return (income.quote_asset.into(), income.quote.part(rate));
        }
        let own = self.own_asset.as_ref().and_then(|own| {
            let price = own.prices.get(income.quote_asset)?;
            let rate = rate * (100 - own.discount_percent.min(100)) / 100;
            let fee = income.quote.part(rate).divided_by(*price);
            (there(&own.asset) >= fee).then(|| (own.asset.clone(), fee))
        });
        own.unwrap_or_else(|| (income.asset.clone(), income.amount.part(rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_are_charged_in_what_comes_in_or_in_the_asset_of_the_venue() {
        let own_asset = OwnAsset {
            asset: "BNB".into(),
            prices: BTreeMap::from([("USDT".to_owned(), Amount::read("600").unwrap())]),
            discount_percent: 25,
        };
        let own_asset = Some(own_asset);
        let currency = Currency::Income;
        let mut fees = Fees { maker_millionths: 1_000, taker_millionths: 2_000, currency, own_asset };
        let base: Arc<str> = "BTC".into();
        let amount = |text: &str| Amount::read(text).unwrap();
        let income = |is_maker| Income {
            asset: &base,
            amount: amount("0.00012345"),
            quote: amount("7.90080000"),
            quote_asset: "USDT",
            is_maker,
        };
        let told = |fees: &Fees, is_maker, there: &str| {
            let (asset, fee) = fees.of(&income(is_maker), |_| amount(there));
            format!("{asset} {fee}")
        };
        assert_eq!(told(&fees, true, "0"), "BTC 0.00000012", "cut, not rounded");
        assert_eq!(told(&fees, false, "0"), "BTC 0.00000024");
        assert_eq!(told(&fees, true, "1"), "BNB 0.00000987");
        assert_eq!(told(&fees, false, "0.00001975"), "BNB 0.00001975");
        assert_eq!(told(&fees, false, "0.00001974"), "BTC 0.00000024", "too little of it");
        fees.currency = Currency::Quote;
        assert_eq!(told(&fees, true, "1"), "USDT 0.00790080");
        assert_eq!(
            fees.held_for(amount("0.00000001")).to_string(),
            "0.00000001",
            "never less than is charged"
        );
    }
}
