//! The venues at which runs with real orders are tried: the fake exchange in the words of each, and settings for it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use fake_exchange::{AccountSettings, ApiKey, Dialect, FakeExchange, Permission, Running, Secret, Settings};

use crate::folder::Folder;

pub(crate) const CONFIG: &str = r#"
[run]
capital = "10000"
[[data]]
venue = "VENUE"
symbol = "SYMBOL"
kind = "trades"
[bars]
BARS
[costs]
maker_fee = "0.1%"
taker_fee = "0.1%"
[risk]
account = "cash"
drawdown_max = "90%"
orders_per_minute_max = 100000
[live]
ws_url = "ws://ADDRESSPATH"
rest_url = "http://ADDRESS"
orders_url = "ws://ADDRESSPATH"
credentials = "key.toml"
clock = "venue"
segment_kib = 64
[strategy]
name = "ema-cross"
fast = 1
slow = 2
direction = "long-only"
size = { equity_share = "20%" }
"#;

/// How a venue calls what the tests need.
pub(crate) struct LiveVenue {
    dialect: Dialect,
    venue: &'static str,
    symbol: &'static str,
    /// The market as faults call it.
    market: &'static str,
    quote: &'static str,
    /// Bars of about a second.
    bars: &'static str,
    /// Where connections are behind the address.
    path: &'static str,
    /// What faults call the stream of the account.
    stream: &'static str,
    secret: &'static str,
}

pub(crate) const BINANCE: LiveVenue = LiveVenue {
    dialect: Dialect::Binance,
    venue: "binance",
    symbol: "BTCUSDT",
    market: "BTCUSDT",
    quote: "USDT",
    bars: "rule = \"time\"\ninterval = \"1s\"",
    path: "",
    stream: "userData",
    secret: "secret",
};

/// Its key is one of P-256, made for tests alone.
pub(crate) const COINBASE: LiveVenue = LiveVenue {
    dialect: Dialect::Coinbase,
    venue: "coinbase",
    symbol: "BTC-USD",
    market: "BTC-USD",
    quote: "USD",
    // It tells no bars of the past that are shorter than a minute.
    bars: "rule = \"ticks\"\ncount = 10",
    path: "",
    stream: "user",
    secret: "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIHpKNOkvMAQr3d3o1BntYtHTV9WXqaQAKbUsayurV2eDoAoGCCqGSM49
AwEHoUQDQgAEiMNX9N2eHIOTdI4S5cCGGgOv2svDZEPRNRRGcsdi18IsJiCE3HFg
SAbSOmaz/cKsxdn2mFzE73GcA5P1UbkIcQ==
-----END EC PRIVATE KEY-----
",
};

pub(crate) const KRAKEN: LiveVenue = LiveVenue {
    dialect: Dialect::Kraken,
    venue: "kraken",
    symbol: "BTC/USD",
    market: "BTCUSD",
    quote: "USD",
    // Nor does this one.
    bars: "rule = \"ticks\"\ncount = 40",
    path: "/v2",
    stream: "executions",
    secret: "c2VjcmV0",
};

impl LiveVenue {
    /// `text` in the words of the venue.
    pub(crate) fn written(&self, text: &str) -> String {
        let words = [
            ("VENUE", self.venue),
            ("SYMBOL", self.symbol),
            ("MARKET", self.market),
            ("STREAM", self.stream),
            ("QUOTE", self.quote),
            ("BARS", self.bars),
            ("PATH", self.path),
        ];
        words.iter().fold(text.to_owned(), |text, (word, ours)| text.replace(word, ours))
    }

    /// An exchange with an account.
    pub(crate) fn exchange(&self) -> Running {
        self.exchange_with(&[(self.quote, "10000"), ("BTC", "0.5")])
    }

    /// An exchange whose account holds this.
    pub(crate) fn exchange_with(&self, balances: &[(&str, &str)]) -> Running {
        let mut settings = Settings::new(self.dialect, &[self.symbol]).unwrap();
        settings.ping_every = Duration::from_secs(2);
        settings.rate = 40;
        let permissions = vec![Permission::Read, Permission::Trade];
        let secret = match self.dialect {
            Dialect::Binance => Secret::Hmac(self.secret.into()),
            Dialect::Coinbase => Secret::from_pem(self.secret).unwrap(),
            Dialect::Kraken => Secret::HmacSha512(self.secret.into()),
        };
        let key = ApiKey { name: "test".into(), secret, permissions };
        let account = AccountSettings::new(key, balances);
        settings.account =
            Some(AccountSettings { orders_per_10s: 10_000, weight_per_minute: 1_000_000, ..account });
        FakeExchange::start(settings).unwrap()
    }

    /// A folder with the settings and the key of a run there.
    pub(crate) fn ground(&self, exchange: &Running) -> Folder {
        self.ground_with(exchange, CONFIG)
    }

    /// The same with other settings.
    pub(crate) fn ground_with(&self, exchange: &Running, config: &str) -> Folder {
        let folder = Folder::new();
        let config = self.written(config).replace("ADDRESS", &exchange.address().to_string());
        folder.write("live.toml", &config);
        folder.write("key.toml", &format!("api_key = \"test\"\nsecret = \"\"\"\n{}\"\"\"\n", self.secret));
        std::fs::set_permissions(folder.path("key.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
        folder
    }
}
