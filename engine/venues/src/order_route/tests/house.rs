//! The fake exchanges of the tests: one for each venue that takes orders.

use core::ops::Deref;

use fake_exchange::{
    AccountSettings, ApiKey, Dialect, FakeExchange, FeeAsset, Permission, Running, Secret, Settings,
};

/// How a venue calls what the tests need.
#[derive(Debug)]
pub(super) struct House {
    pub(super) venue: &'static str,
    dialect: Dialect,
    /// The symbol, and the name of its market in the log of the exchange.
    pub(super) symbol: &'static str,
    pub(super) market: &'static str,
    pub(super) quote: &'static str,
    /// Where connections are behind the address.
    pub(super) path: &'static str,
    pub(super) secret: &'static str,
    /// How many of the smallest steps of its rules make what the tests call a lot.
    pub(super) lots: i128,
    signed: fn(String) -> Secret,
}

pub(super) const BINANCE: House = House {
    venue: "binance",
    dialect: Dialect::Binance,
    symbol: "BTCUSDT",
    market: "BTCUSDT",
    quote: "USDT",
    path: "",
    secret: "secret",
    lots: 1,
    signed: Secret::Hmac,
};

pub(super) const KRAKEN: House = House {
    venue: "kraken",
    dialect: Dialect::Kraken,
    symbol: "BTC/USD",
    market: "BTCUSD",
    quote: "USD",
    path: "/v2",
    secret: "c2VjcmV0",
    lots: 1_000,
    signed: Secret::HmacSha512,
};

/// An exchange that runs.
pub(super) struct Ground {
    running: Running,
    pub(super) house: &'static House,
}

impl Deref for Ground {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl House {
    /// Its exchange.
    pub(super) fn begun(&'static self, fee_asset: Option<FeeAsset>) -> Ground {
        let mut settings = Settings::new(self.dialect, &[self.symbol]).unwrap();
        let permissions = vec![Permission::Read, Permission::Trade];
        let key = ApiKey { name: "test".into(), secret: (self.signed)(self.secret.into()), permissions };
        let account = AccountSettings::new(key, &[(self.quote, "1000000"), ("BTC", "2"), ("BNB", "50")]);
        settings.account = Some(AccountSettings { fee_asset, orders_per_10s: 100_000, ..account });
        Ground { running: FakeExchange::start(settings).unwrap(), house: self }
    }
}
