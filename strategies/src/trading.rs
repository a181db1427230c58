//! The settings that all policies share: what to trade, how much, which side, and with which exits.

use engine_core::instrument::{Instrument, InstrumentId};
use engine_core::intent::Size;
use engine_core::market::Side;
use engine_core::num::{Decimal, MONEY_DECIMALS, Money, Price, Qty, Ratio, divide_half_even, power_of_ten};
use engine_core::order::{Bracket, BracketStop};
use engine_core::regime::DetectorKind;
use serde::{Serialize, Serializer};

use crate::sample::Source;
use crate::settings::{SettingError, Settings, ratio_text};
use crate::signal::Target;
use crate::spelling::nearest_name;

/// What a run offers to the policy it builds.
#[derive(Debug, Clone, Copy)]
pub struct RunFacts<'a> {
    /// Everything that can be traded, in the order of [`InstrumentId`].
    pub instruments: &'a [Instrument],
    /// What the policy learns from when its settings do not say.
    pub source: Source,
    /// Seed of the run.
    pub seed: u64,
    /// What names the regimes for a policy that asks.
    pub detector: DetectorKind,
}

/// Which sides a policy may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Long or nothing.
    LongOnly,
    /// Long or short.
    LongShort,
}

impl Direction {
    /// `target`, or nothing where this direction forbids it.
    #[must_use]
    pub const fn allow(self, target: Target) -> Target {
        match (self, target) {
            (Self::LongOnly, Target::Short) => Target::Flat,
            (Self::LongOnly | Self::LongShort, Target::Flat | Target::Long | Target::Short) => target,
        }
    }
}

/// How much one entry trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntrySize {
    /// This many units.
    Units(Decimal),
    /// As much as this amount buys.
    Notional(Money),
    /// As much as this share of equity buys.
    EquityShare(Ratio),
    /// All equity, divided evenly over the instruments traded; what is asked for where nothing is said.
    EqualShare,
}

impl Serialize for EntrySize {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let money = |money: &Money| Decimal { units: money.units(), decimals: MONEY_DECIMALS }.to_string();
        let (form, amount) = match self {
            Self::Units(units) => ("units", units.to_string()),
            Self::Notional(amount) => ("notional", money(amount)),
            Self::EquityShare(share) => ("equity_share", ratio_text(*share)),
            Self::EqualShare => ("equity_share", EQUAL.to_owned()),
        };
        std::collections::BTreeMap::from([(form, amount)]).serialize(out)
    }
}

/// Exits placed with every entry, as shares of the close that gave the signal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Exits {
    /// How far against the entry the protecting stop lies.
    #[serde(
        rename = "stop_loss",
        serialize_with = "optional_ratio",
        skip_serializing_if = "Option::is_none"
    )]
    pub stop_loss: Option<Ratio>,
    /// How far behind the best price since the entry opened the stop follows; none beside one that stays.
    #[serde(
        rename = "trailing_stop",
        serialize_with = "optional_ratio",
        skip_serializing_if = "Option::is_none"
    )]
    pub trailing_stop: Option<Ratio>,
    /// How far in favour of the entry the profit is taken.
    #[serde(
        rename = "take_profit",
        serialize_with = "optional_ratio",
        skip_serializing_if = "Option::is_none"
    )]
    pub take_profit: Option<Ratio>,
}

/// Writes a ratio as plain decimal text.
///
/// # Errors
/// Those of the serializer.
pub(crate) fn ratio<S: Serializer>(ratio: &Ratio, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(&ratio_text(*ratio))
}

#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
fn optional_ratio<S: Serializer>(ratio: &Option<Ratio>, out: S) -> Result<S::Ok, S::Error> {
    ratio.map(ratio_text).serialize(out)
}

impl Exits {
    fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let exits = Self {
            stop_loss: settings.ratio("stop_loss", SHARE_MIN..=SHARE_MAX)?,
            trailing_stop: settings.ratio("trailing_stop", SHARE_MIN..=SHARE_MAX)?,
            take_profit: settings.ratio("take_profit", SHARE_MIN..=TARGET_MAX)?,
        };
        match exits.trailing_stop.filter(|_| exits.stop_loss.is_some()) {
            None => Ok(exits),
            Some(share) => Err(SettingError::OutOfRange {
                path: "strategy.trailing_stop".to_owned(),
                value: ratio_text(share),
                allowed: "none beside stop_loss: an entry has one stop, which stays or follows".to_owned(),
                nearest: None,
            }),
        }
    }

    /// Whether it has a stop, one that stays or one that follows.
    #[must_use]
    pub const fn have_stop(&self) -> bool {
        self.stop_loss.is_some() || self.trailing_stop.is_some()
    }

    /// Checks that a price can come to the target on every side that may be taken.
    ///
    /// # Errors
    /// [`SettingError`] for a target of all of a price or more where shorts are taken: no price falls so far.
    pub(crate) fn check(&self, direction: Direction) -> Result<(), SettingError> {
        match (direction, self.take_profit) {
            (Direction::LongShort, Some(target)) if target > SHARE_MAX => Err(SettingError::OutOfRange {
                path: "strategy.take_profit".to_owned(),
                value: ratio_text(target),
                allowed: "a share below 1 where shorts are taken: no price falls by all of itself".to_owned(),
                nearest: None,
            }),
            (Direction::LongOnly | Direction::LongShort, Some(_) | None) => Ok(()),
        }
    }

    /// The exits of an entry on `side` decided at `close`; `None` when there are none.
    #[must_use]
    pub fn bracket(&self, side: Side, close: Price) -> Option<Bracket> {
        let stays = self.stop_loss.map(|share| BracketStop::At(moved(close, share, side.opposite())));
        let stop_loss = stays.or(self.trailing_stop.map(BracketStop::Trailing)).unwrap_or_default();
        let take_profit = self.take_profit.map(|share| moved(close, share, side));
        (stop_loss.is_some() || take_profit.is_some()).then_some(Bracket { stop_loss, take_profit })
    }
}

/// `price` moved by `share` of itself: up for a buy, down for a sale; rounded half to even. A price that does not fit is
/// [`Price::BEYOND`], and the gate refuses the order that names it.
#[must_use]
pub fn moved(price: Price, share: Ratio, toward: Side) -> Price {
    let units = i128::from(price.units());
    let distance = divide_half_even(units * i128::from(share.units()), i128::from(Ratio::ONE.units()));
    let moved = distance.map(|distance| match toward {
        Side::Buy => units + distance,
        Side::Sell => units - distance,
    });
    moved.and_then(|units| i64::try_from(units).ok()).map_or(Price::BEYOND, Price::from_units)
}

/// The settings that all policies share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trading {
    /// Symbols to trade; all of the run when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<String>>,
    /// What to learn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// How much one entry trades.
    pub size: EntrySize,
    /// Exits placed with every entry.
    #[serde(flatten)]
    pub exits: Exits,
}

/// The word for a share of equity divided evenly over the instruments traded.
const EQUAL: &str = "equal";

/// A share that leaves something: more than nothing and less than all.
const SHARE_MIN: Ratio = Ratio::from_units(1);
const SHARE_MAX: Ratio = Ratio::from_units(999_999_999);
/// A price can rise by more than all of itself.
const TARGET_MAX: Ratio = Ratio::from_units(100_000_000_000);
const EQUITY_SHARE_MAX: Ratio = Ratio::from_units(100_000_000_000);

impl Trading {
    /// Reads the shared keys.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let sources = [("bars", Source::Bars), ("trades", Source::Trades), ("quotes", Source::Quotes)];
        Ok(Self {
            instruments: settings.texts("instruments")?,
            source: settings.choice("source", &sources)?,
            size: EntrySize::read(settings)?,
            exits: Exits::read(settings)?,
        })
    }

    /// For every instrument of the run, how much one entry trades; `None` where the policy does not trade.
    ///
    /// # Errors
    /// [`SettingError`] for a symbol the run does not have or a size finer than an instrument can hold.
    pub fn traded_instruments(
        &self,
        facts: &RunFacts<'_>,
    ) -> Result<Vec<Option<TradedInstrument>>, SettingError> {
        check_symbols(self.instruments.as_deref(), facts)?;
        let traded = |rules| self.instruments.as_ref().is_none_or(|list| lists(list, rules));
        let count = facts.instruments.iter().filter(|rules| traded(rules)).count();
        let traded = facts.instruments.iter().zip(0_u16..).map(|(rules, index)| {
            if !traded(rules) {
                return Ok(None);
            }
            let size = self.size.resolve(rules, count)?;
            Ok(Some(TradedInstrument { instrument: InstrumentId::new(index), size }))
        });
        traded.collect()
    }
}

/// Whether a list of symbols names an instrument, by `SYMBOL` or by `venue:SYMBOL`.
pub(crate) fn lists(list: &[String], rules: &Instrument) -> bool {
    list.iter().any(|name| names(name, rules))
}

/// Whether `name` is an instrument's, as `SYMBOL` or as `venue:SYMBOL`.
#[must_use]
pub fn names(name: &str, rules: &Instrument) -> bool {
    let with_venue =
        || name.split_once(':').is_some_and(|(venue, symbol)| venue == rules.venue && symbol == rules.symbol);
    name == rules.symbol || with_venue()
}

/// Checks that a list of symbols holds any, and that the run has every one of them.
///
/// # Errors
/// [`SettingError`] for an empty list, or naming the first symbol the run has not and the nearest it has.
pub(crate) fn check_symbols(listed: Option<&[String]>, facts: &RunFacts<'_>) -> Result<(), SettingError> {
    let Some(listed) = listed else { return Ok(()) };
    let known: Vec<&str> = facts.instruments.iter().map(|rules| rules.symbol.as_str()).collect();
    let refused = |value: String, allowed: String, nearest: Option<&str>| {
        let (path, nearest) = ("strategy.instruments".to_owned(), nearest.map(str::to_owned));
        Err(SettingError::OutOfRange { path, value, allowed, nearest })
    };
    if listed.is_empty() {
        let allowed = format!("at least one of {}; leave the key out to trade all", known.join(", "));
        return refused("[]".to_owned(), allowed, None);
    }
    let is_known = |name: &&String| facts.instruments.iter().any(|rules| names(name, rules));
    match listed.iter().find(|name| !is_known(name)) {
        None => Ok(()),
        Some(stranger) => refused(
            format!("\"{stranger}\""),
            known.join(", "),
            nearest_name(stranger, known.iter().copied()),
        ),
    }
}

/// One instrument a policy trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct TradedInstrument {
    /// Which.
    pub instrument: InstrumentId,
    /// How much one entry trades.
    pub size: Size,
}

impl EntrySize {
    fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let Some(mut table) = settings.table("size")? else {
            return Ok(Self::EqualShare);
        };
        if table.value("equity_share").and_then(serde_json::Value::as_str) == Some(EQUAL) {
            table.finish()?;
            return Ok(Self::EqualShare);
        }
        let units = table.positive("units")?;
        let notional = table.positive("notional")?;
        let share = table.ratio("equity_share", SHARE_MIN..=EQUITY_SHARE_MAX)?;
        let size = match (units, notional, share) {
            (Some(units), None, None) => Self::Units(units),
            (None, Some(amount), None) => {
                let amount = at_decimals(amount, MONEY_DECIMALS);
                let money =
                    amount.ok_or_else(|| table.out_of_range("notional", "too large", "10^20 or less"))?;
                Self::Notional(Money::from_units(money))
            }
            (None, None, Some(share)) => Self::EquityShare(share),
            _ => return Err(table.missing("units", "exactly one of units, notional, equity_share")),
        };
        table.finish()?;
        Ok(size)
    }

    /// The size of one entry where `traded` instruments are traded.
    fn resolve(&self, rules: &Instrument, traded: usize) -> Result<Size, SettingError> {
        let units = match *self {
            Self::EqualShare if traded <= 1 => return Ok(Size::EquityShare(Ratio::ONE)),
            Self::EqualShare => {
                // What another instrument has gained is no room for this one, so it takes what is free of its share.
                let share = i64::try_from(traded).map_or(0, |traded| Ratio::ONE.units() / traded);
                return Ok(Size::FreeShare(Ratio::from_units(share)));
            }
            Self::Notional(amount) => return Ok(Size::Notional(amount)),
            Self::EquityShare(share) => return Ok(Size::EquityShare(share)),
            Self::Units(units) => units,
        };
        let held = at_decimals(units, rules.qty_decimals);
        let qty = held.map(Qty::from_units).filter(|qty| *qty >= rules.lot);
        qty.map(Size::Units).ok_or_else(|| SettingError::OutOfRange {
            path: "strategy.size.units".to_owned(),
            value: units.to_string(),
            allowed: format!(
                "at least one lot of {} ({}), in at most {} decimals",
                rules.symbol,
                rules.qty_decimal(rules.lot),
                rules.qty_decimals
            ),
            nearest: None,
        })
    }
}

/// `number` in units of 10^-`decimals`, or `None` where digits would be lost.
#[must_use]
pub fn at_decimals(number: Decimal, decimals: u8) -> Option<i128> {
    let up = power_of_ten(decimals.checked_sub(number.decimals)?)?;
    number.units.checked_mul(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exits_lie_at_their_share_of_the_close_on_the_right_sides() {
        let ratio = |units| Some(Ratio::from_units(units));
        let exits =
            Exits { stop_loss: ratio(20_000_000), take_profit: ratio(40_000_000), ..Exits::default() };
        let short = exits.bracket(Side::Sell, Price::from_units(375_240)).unwrap();
        assert_eq!(short.stop_loss.price().map(Price::units), Some(382_745));
        assert_eq!(short.take_profit.map(Price::units), Some(360_230));
        let long = exits.bracket(Side::Buy, Price::from_units(375_240)).unwrap();
        assert_eq!(long.stop_loss.price().map(Price::units), Some(367_735));
        assert_eq!(Exits::default().bracket(Side::Buy, Price::from_units(1)), None);
        let follows = Exits { stop_loss: None, trailing_stop: ratio(20_000_000), ..exits };
        let stop_loss = BracketStop::Trailing(Ratio::from_units(20_000_000));
        assert_eq!(
            follows.bracket(Side::Buy, Price::from_units(375_240)),
            Some(Bracket { stop_loss, ..long })
        );
    }

    #[test]
    fn a_price_that_does_not_fit_lies_beyond_all_and_is_not_cut_off() {
        let half = Ratio::from_units(500_000_000);
        let far = Price::from_units(i64::MAX - 1);
        assert_eq!(moved(far, half, Side::Buy), Price::BEYOND);
        assert_eq!(moved(far, half, Side::Sell), Price::from_units(i64::MAX / 2));
        let exits = Exits { take_profit: Some(half), ..Exits::default() };
        assert_eq!(exits.bracket(Side::Buy, far).unwrap().take_profit, Some(Price::BEYOND));
    }
}
