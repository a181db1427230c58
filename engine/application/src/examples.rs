//! The example configurations, built into the program.

use strategies::spelling::nearest_name;

/// One example configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Its name: that of its file without the ending.
    pub name: &'static str,
    /// What data it is for.
    pub data: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! example {
    ($name:literal, $data:literal, $shows:literal) => {
        Example {
            name: $name,
            data: $data,
            shows: $shows,
            text: include_str!(concat!("../../../fixtures/config/", $name, ".toml")),
        }
    };
}

/// Every example.
pub const EXAMPLES: [Example; 15] = [
    example!("demo", "any", "what `engine demo` runs: a long and short cross of averages"),
    example!(
        "donchian-btc-1d",
        "daily bars of BTCUSDT",
        "a channel breakout with honest fills, fees and slippage"
    ),
    example!("paper", "live prices", "trading on paper against the fake exchange on the loopback"),
    example!("live", "live prices", "trading with real orders against the fake exchange on the loopback"),
    example!(
        "ema-cross-btcperp",
        "one-minute bars of BTC-PERP",
        "the published acceptance test of nautilus_trader"
    ),
    example!("sma-cross-goog", "daily bars of GOOG", "the published example of backtesting.py"),
    example!("rg-ens12-btc", "daily bars of BTCUSDT", "the default ensemble on one asset"),
    example!(
        "rg-ens12-bes",
        "daily bars of BTCUSDT, ETHUSDT and SOLUSDT",
        "the default ensemble, three assets in one book"
    ),
    example!("seed-3d", "daily bars of Bitcoin from Yahoo", "the original's published run"),
    example!(
        "regime-specialists-btc",
        "daily bars of BTCUSDT",
        "one evolved policy per regime, every gene written out"
    ),
    example!(
        "walk-forward-btc-1d",
        "daily bars of BTCUSDT",
        "settings chosen on the past and judged on what came after"
    ),
    example!(
        "rules-demo",
        "daily bars of a synthetic market",
        "a strategy written as conditions in the configuration"
    ),
    example!("w1", "1 000 000 synthetic one-minute bars", "the bar workload of the peer benchmark"),
    example!("w2", "5 000 000 synthetic trades", "the trade workload of the peer benchmark"),
    example!(
        "w3",
        "one-minute bars of eight synthetic markets",
        "the default ensemble over eight markets, as the benchmark measures it"
    ),
];

impl Example {
    /// The example of that name; `.toml` may be left out.
    ///
    /// # Errors
    /// A line that names the nearest, or all of them.
    pub fn named(name: &str) -> Result<Self, String> {
        let wanted = name.strip_suffix(".toml").unwrap_or(name);
        if let Some(found) = EXAMPLES.iter().find(|example| example.name == wanted) {
            return Ok(*found);
        }
        let names = EXAMPLES.map(|example| example.name);
        Err(match nearest_name(wanted, names) {
            Some(near) => format!("there is no example {wanted:?}; did you mean {near}?"),
            None => format!("there is no example {wanted:?}; there are {}", names.join(", ")),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::config::RunSettings;

    fn names_in(text: &str) -> BTreeSet<String> {
        let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        cells.filter_map(|cell| cell.strip_suffix(".toml")).map(str::to_owned).collect()
    }

    /// What is built in, what lies in the folder and what both tables say are the same examples.
    #[test]
    fn folder_tables_and_program_name_the_same_examples() {
        let built_in: BTreeSet<String> = EXAMPLES.iter().map(|example| example.name.to_owned()).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let files = std::fs::read_dir(root.join("fixtures/config")).unwrap();
        let files: BTreeSet<String> = files
            .filter_map(|file| Some(file.unwrap().file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
            .collect();
        assert_eq!(built_in, files);
        assert_eq!(names_in(include_str!("../../../fixtures/config/README.md")), files, "its README");
        assert_eq!(names_in(include_str!("../../../README.md")), files, "README.md");
    }

    #[test]
    fn every_example_reads_and_a_mistyped_name_finds_its_own() {
        for example in EXAMPLES {
            RunSettings::read_toml(example.name, example.text).unwrap();
            assert_eq!(Example::named(&format!("{}.toml", example.name)), Ok(example));
        }
        assert!(Example::named("dnochian-btc-1d").unwrap_err().contains("did you mean donchian-btc-1d?"));
        assert!(Example::named("moon").unwrap_err().contains("there are demo, "));
    }
}
