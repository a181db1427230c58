//! The fake exchanges of the tests: one for each venue that takes orders.

use core::ops::Deref;

use fake_exchange::{
    AccountSettings, ApiKey, Dialect, FakeExchange, FeeAsset, Permission, Running, Secret, Settings, Symbol,
};

use crate::market_venue::MarketVenue;
use crate::places::{ClockSource, VenuePlace, open_venue};

/// A key of P-256, made for tests alone.
const PEM: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHpKNOkvMAQr3d3o1BntYtHTV9WXqaQAKbUsayurV2eDoAoGCCqGSM49
AwEHoUQDQgAEiMNX9N2eHIOTdI4S5cCGGgOv2svDZEPRNRRGcsdi18IsJiCE3HFg
SAbSOmaz/cKsxdn2mFzE73GcA5P1UbkIcQ==
-----END EC PRIVATE KEY-----
";

/// How a venue calls what the tests need.
#[derive(Debug)]
pub(super) struct TestVenue {
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

pub(super) const BINANCE: TestVenue = TestVenue {
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

pub(super) const COINBASE: TestVenue = TestVenue {
    venue: "coinbase",
    dialect: Dialect::Coinbase,
    symbol: "BTC-USD",
    market: "BTCUSD",
    quote: "USD",
    path: "",
    secret: PEM,
    lots: 1,
    signed: |pem| Secret::from_pem(&pem).unwrap(),
};

pub(super) const KRAKEN: TestVenue = TestVenue {
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
    pub(super) house: &'static TestVenue,
    /// Its markets, as the venue spells them.
    pub(super) symbols: Vec<String>,
}

impl Deref for Ground {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Ground {
    /// Where its connections are.
    pub(super) fn ws_url(&self) -> String {
        format!("ws://{}{}", self.address(), self.house.path)
    }

    /// The venue as an adapter sees it.
    pub(super) fn venue(&self) -> Box<dyn MarketVenue> {
        let place = VenuePlace {
            name: self.house.venue.into(),
            ws_url: Some(self.ws_url()),
            rest_url: Some(format!("http://{}", self.address())),
            clock: ClockSource::FakeExchange,
            silence: None,
            collar_sigmas: 0,
        };
        open_venue(&place).unwrap()
    }
}

impl TestVenue {
    /// Its exchange.
    pub(super) fn begun(&'static self, fee_asset: Option<FeeAsset>) -> Ground {
        let account = self.account(vec![Permission::Read, Permission::Trade]);
        self.begun_with(AccountSettings { fee_asset, ..account })
    }

    /// An account whose key may do this.
    pub(super) fn account(&self, permissions: Vec<Permission>) -> AccountSettings {
        let key = ApiKey { name: "test".into(), secret: (self.signed)(self.secret.into()), permissions };
        let account = AccountSettings::new(key, &[(self.quote, "1000000"), ("BTC", "2"), ("BNB", "50")]);
        AccountSettings { orders_per_10s: 100_000, ..account }
    }

    /// Its exchange with this account.
    pub(super) fn begun_with(&'static self, account: AccountSettings) -> Ground {
        let mut settings = Settings::new(self.dialect, &[self.symbol]).unwrap();
        settings.account = Some(account);
        let running = FakeExchange::start(settings).unwrap();
        Ground { running, house: self, symbols: vec![self.symbol.to_owned()] }
    }

    /// An exchange with so many markets that all cost the same, and so many trades a second in each; the random numbers of one
    /// seed are not those of another. It asks for no pauses of its own accord.
    pub(super) fn begun_in(&'static self, markets: usize, rate: u32, seed: u64) -> Ground {
        let mut settings = Settings::new(self.dialect, &[self.symbol]).unwrap();
        let first = settings.symbols[0].clone();
        let other = |number: usize| Symbol { base: format!("C{number}"), ..first.clone() };
        settings.symbols.extend((1..markets).map(other));
        let others = (1..markets).map(|number| self.symbol.replacen("BTC", &format!("C{number}"), 1));
        let symbols = core::iter::once(self.symbol.to_owned()).chain(others).collect();
        (settings.rate, settings.seed, settings.past_bars) = (rate, seed, 20);
        let account = self.account(vec![Permission::Read, Permission::Trade]);
        settings.account = Some(AccountSettings {
            orders_per_day: 1_000_000,
            weight_per_minute: 1_000_000,
            orders_max: 1_000,
            ..account
        });
        Ground { running: FakeExchange::start(settings).unwrap(), house: self, symbols }
    }
}
