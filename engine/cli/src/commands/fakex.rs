//! `fakex`: an exchange on the loopback, for `paper` and tests.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use engine_core::time::Timestamp;
use fake_exchange::{
    AccountSettings, ApiKey, Dialect, Permission, Plan, Recording, Secret, Settings, Time, serve,
};
use serde_json::json;

use super::arguments::moment;
use super::interruption::ends_keeping_nothing;
use crate::output::failure::{Failure, Verdict};
use crate::output::terminal::Terminal;

/// `engine fakex`.
#[derive(Debug, Args)]
pub struct FakexArgs {
    /// Whose words it speaks: binance, coinbase or kraken.
    #[arg(long, value_name = "NAME", default_value = "binance")]
    pub dialect: String,
    /// Its markets, as in BTCUSDT,ETHUSDT.
    #[arg(long, value_name = "A,B", value_delimiter = ',', default_value = "BTCUSDT")]
    pub symbols: Vec<String>,
    /// Send the frames of this recording (`engine record`) again, as they were and in their own time, from when a client
    /// subscribes on; its dialect and markets are those of the recording.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dialect", "symbols", "seed", "rate", "from", "past"])]
    pub frames: Option<PathBuf>,
    /// Everything random follows from it.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Trades a second and symbol.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub rate: u32,
    /// How many times as fast as the clock on the wall its time passes.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub speed: u32,
    /// The venue's time at the start.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub from: Option<Timestamp>,
    /// Minutes of past that it knows at the start.
    #[arg(long, value_name = "N", default_value_t = 1_500)]
    pub past: u32,
    /// TCP port on 127.0.0.1; any that is free when 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// What goes wrong and when, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub faults: Option<PathBuf>,
    /// Write a log of everything it sends and of every trade and bar that existed.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// A key of its account, as NAME=SECRET; with one it takes orders. The secret is any text for binance, base64 for kraken, and for
    /// coinbase the key as PEM, private or public, or the file that holds it.
    #[arg(long, value_name = "NAME=SECRET", conflicts_with = "frames")]
    pub key: Option<String>,
    /// What the account holds at the start, as in USDT=10000.
    #[arg(long, value_name = "ASSET=AMOUNT", requires = "key", default_value = "USDT=10000")]
    pub balance: Vec<String>,
    /// The part of what comes in that an order pays.
    #[arg(long, value_name = "PART", requires = "key", default_value = "0.001")]
    pub fee: String,
    /// Stop after so many seconds; when a signal comes otherwise.
    #[arg(long = "for", value_name = "SECONDS")]
    pub for_seconds: Option<u64>,
}

/// Runs `engine fakex`.
///
/// # Errors
/// [`Failure`] when a setting is refused or the port cannot be had.
pub fn fakex(terminal: Terminal, args: &FakexArgs) -> Result<Verdict, Failure> {
    let request = |words: String| Failure::request(format!("start the fake exchange: {words}"));
    let mut settings = settings_of(args).map_err(request)?;
    settings.port = args.port;
    settings.time = Time::Speed(args.speed);
    settings.log.clone_from(&args.log);
    settings.account = account_of(args).map_err(request)?;
    if let Some(path) = &args.faults {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, error))?;
        settings.plan =
            Plan::from_json_lines(&text).map_err(|error| request(format!("{}: {error}", path.display())))?;
    }
    ends_keeping_nothing(terminal)?;
    if let Some(seconds) = args.for_seconds {
        let running =
            fake_exchange::FakeExchange::start(settings).map_err(|error| request(error.to_string()))?;
        tell(terminal, running.address())?;
        std::thread::sleep(Duration::from_secs(seconds));
        return running.stop().map(|()| Verdict::Fine).map_err(request);
    }
    let mut told = Ok(());
    let served = serve(settings, |address| told = tell(terminal, address));
    told?;
    served.map_err(|error| request(error.to_string()))?;
    Ok(Verdict::Fine)
}

/// A market by its seed, or a recording.
fn settings_of(args: &FakexArgs) -> Result<Settings, String> {
    if let Some(dir) = &args.frames {
        return Recording::open(dir).map(Settings::playing).map_err(|error| error.to_string());
    }
    let dialect = Dialect::named(&args.dialect)
        .ok_or_else(|| format!("`{}` is no dialect; there are binance, coinbase and kraken", args.dialect))?;
    let symbols: Vec<&str> = args.symbols.iter().map(String::as_str).collect();
    let mut settings = Settings::new(dialect, &symbols).map_err(|error| error.to_string())?;
    (settings.seed, settings.rate, settings.past_bars) = (args.seed, args.rate, args.past);
    if let Some(from) = args.from {
        settings.origin_ns = from.nanos();
    }
    Ok(settings)
}

fn tell(terminal: Terminal, address: std::net::SocketAddr) -> Result<(), Failure> {
    let (ws, rest) = (format!("ws://{address}"), format!("http://{address}"));
    terminal.answer(
        &json!({ "address": address.to_string(), "ws_url": ws, "rest_url": rest }),
        &format!("listening: ws_url = \"{ws}\", rest_url = \"{rest}\"\n"),
    )?;
    Ok(())
}

/// The account that a key was given for; none without a key.
fn account_of(args: &FakexArgs) -> Result<Option<AccountSettings>, String> {
    let Some(key) = &args.key else { return Ok(None) };
    let halves = |text: &str, form: &str| {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is not {form}"))?;
        Ok::<_, String>((name.to_owned(), value.to_owned()))
    };
    let (name, secret) = halves(key, "NAME=SECRET")?;
    let permissions = vec![Permission::Read, Permission::Trade];
    let key = ApiKey { name, secret: secret_of(&args.dialect, secret)?, permissions };
    let balances = args.balance.iter().map(|balance| halves(balance, "ASSET=AMOUNT"));
    let balances = balances.collect::<Result<Vec<(String, String)>, String>>()?;
    let account = AccountSettings::new(key, &[]);
    let (maker_fee, taker_fee) = (args.fee.clone(), args.fee.clone());
    Ok(Some(AccountSettings { balances, maker_fee, taker_fee, ..account }))
}

/// What a venue of `dialect` checks signatures with.
fn secret_of(dialect: &str, text: String) -> Result<Secret, String> {
    match Dialect::named(dialect) {
        Some(Dialect::Kraken) => return Ok(Secret::HmacSha512(text)),
        Some(Dialect::Binance) | None => return Ok(Secret::Hmac(text)),
        Some(Dialect::Coinbase) => {}
    }
    let is_file = std::path::Path::new(&text).is_file();
    let pem = if is_file { std::fs::read_to_string(&text).map_err(|error| error.to_string())? } else { text };
    Secret::from_pem(&pem)
        .ok_or_else(|| "the key is no PEM of P-256, nor of the public half of Ed25519".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_in_the_form_of_its_venue() {
        assert_eq!(secret_of("binance", "text".into()), Ok(Secret::Hmac("text".into())));
        assert_eq!(secret_of("kraken", "dGV4dA==".into()), Ok(Secret::HmacSha512("dGV4dA==".into())));
        let refused = secret_of("coinbase", "*hidden*".into()).unwrap_err();
        assert!(refused.contains("PEM") && !refused.contains("hidden"), "{refused}");
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), pem).unwrap();
        let read = secret_of("coinbase", file.path().display().to_string());
        assert!(matches!(read, Ok(Secret::Ed25519(_))));
        assert_eq!(read, secret_of("coinbase", pem.to_owned()));
    }
}
