//! The fake exchange in the words of each venue, and how a run is let in there.

use super::*;

/// A key of P-256, made for tests alone.
const PEM: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHpKNOkvMAQr3d3o1BntYtHTV9WXqaQAKbUsayurV2eDoAoGCCqGSM49
AwEHoUQDQgAEiMNX9N2eHIOTdI4S5cCGGgOv2svDZEPRNRRGcsdi18IsJiCE3HFg
SAbSOmaz/cKsxdn2mFzE73GcA5P1UbkIcQ==
-----END EC PRIVATE KEY-----
";

/// A venue, a market there, and the secret of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken {
    pub(super) dialect: Dialect,
    pub(super) name: &'static str,
    pub(super) symbol: &'static str,
    /// The market as the exchange itself calls it.
    pub(super) market: &'static str,
    quote: &'static str,
    secret: &'static str,
}

pub(super) const BINANCE: Spoken = Spoken {
    dialect: Dialect::Binance,
    name: "binance",
    symbol: "BTCUSDT",
    market: "BTCUSDT",
    quote: "USDT",
    secret: "secret",
};

pub(super) const COINBASE: Spoken = Spoken {
    dialect: Dialect::Coinbase,
    name: "coinbase",
    symbol: "BTC-USD",
    market: "BTCUSD",
    quote: "USD",
    secret: PEM,
};

impl Spoken {
    /// An exchange with an account.
    pub(super) fn exchange(&self, fee_asset: Option<FeeAsset>) -> Running {
        self.exchange_with(vec![Permission::Read, Permission::Trade], fee_asset)
    }

    /// An exchange whose key may do this.
    pub(super) fn exchange_with(&self, permissions: Vec<Permission>, fee_asset: Option<FeeAsset>) -> Running {
        let mut settings = Settings::new(self.dialect, &[self.symbol]).unwrap();
        let secret = match self.dialect {
            Dialect::Binance => Secret::Hmac(self.secret.to_owned()),
            Dialect::Coinbase => Secret::from_pem(self.secret).unwrap(),
            Dialect::Kraken => Secret::HmacSha512(self.secret.to_owned()),
        };
        let key = ApiKey { name: "test".into(), secret, permissions };
        let account = AccountSettings::new(key, &[(self.quote, "1000000"), ("BTC", "2"), ("BNB", "50")]);
        settings.account = Some(AccountSettings { fee_asset, orders_per_10s: 100_000, ..account });
        FakeExchange::start(settings).unwrap()
    }

    /// The venue as an adapter sees it.
    pub(super) fn venue(&self, running: &Running) -> Box<dyn MarketVenue> {
        let address = running.address();
        let place = VenuePlace {
            name: self.name.into(),
            ws_url: Some(format!("ws://{address}")),
            rest_url: Some(format!("http://{address}")),
            clock: ClockSource::FakeExchange,
            silence: None,
            collar_sigmas: 0,
        };
        open_venue(&place).unwrap()
    }

    /// The key of the account.
    pub(super) fn key(&self) -> VenueKey {
        VenueKey::from_text(self.name, "test", self.secret).unwrap()
    }

    /// What was traded last, in units of the market.
    pub(super) fn price(&self, running: &Running) -> i64 {
        let trades = running.truth().trades(self.market).unwrap();
        i64::try_from(trades.last().map_or(6_000_000, |trade| trade.price)).unwrap()
    }
}
