//! Settings of `regime-specialists`: genomes in their units, and the policies between regimes.

use engine_core::instrument::Instrument;
use engine_core::num::{Decimal, RATIO_DECIMALS, Ratio};
use engine_core::regime::Regime;
use engine_core::strategy::Strategy;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::policy::Specialist;
use super::shared_position::{InCrisis, OnChange, SharedPosition};
use super::strategy::{RegimeSpecialists, SpecialistMarket};
use crate::genome::{GENES, Gene, Genome, TABLE};
use crate::rebalancing::Rebalancing;
use crate::settings::{SettingError, Settings, ratio_text};
use crate::trading::{RunFacts, check_symbols, lists, ratio};

/// A genome as a configuration writes it: one value per gene, in the order of [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenGenome(pub [Ratio; GENES]);

/// One genome per regime, in the order of [`Regime::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrittenGenomes(pub [WrittenGenome; 4]);

const fn genome(thousandths: [i64; GENES]) -> WrittenGenome {
    let mut ratios = [Ratio::ZERO; GENES];
    let mut at = 0;
    while at < GENES {
        ratios[at] = Ratio::from_units(thousandths[at] * 1_000_000);
        at += 1;
    }
    WrittenGenome(ratios)
}

/// Conventional genomes, not fitted to anything: quick and small against the trend, slow and large with it,
/// small where volatility is high, smallest in a crisis. Values are thousandths, in the order of [`TABLE`].
pub const DEFAULT_GENOMES: WrittenGenomes = WrittenGenomes([
    genome([60, 100, 300, 450, 200, 10_000, 1_000, 100]),
    genome([120, 600, 600, 350, 100, 60_000, 1_000, 500]),
    genome([80, 200, 250, 500, 300, 10_000, 1_000, 500]),
    genome([50, 100, 100, 600, 300, 4_000, 1_000, 500]),
]);

/// Largest share of equity of one specialist by default.
pub const DEFAULT_CAP: f64 = 0.5;

impl WrittenGenome {
    /// The genome in its units, each value brought within the bounds of its gene.
    #[must_use]
    pub fn decoded(&self) -> Option<Genome> {
        let mut values = [0.0; GENES];
        for ((value, written), gene) in values.iter_mut().zip(self.0).zip(&TABLE) {
            *value = share(written).clamp(gene.low, gene.high);
        }
        Genome::of(values).ok()
    }

    fn read(settings: &mut Settings<'_>, default: Self) -> Result<Self, SettingError> {
        let bound = |value: f64| Ratio::from_units((value * Ratio::ONE.units() as f64).round() as i64);
        let mut written = default;
        for (value, Gene { name, low, high, .. }) in written.0.iter_mut().zip(&TABLE) {
            *value = settings.ratio(name, bound(*low)..=bound(*high))?.unwrap_or(*value);
        }
        Ok(written)
    }
}

impl Serialize for WrittenGenome {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(GENES))?;
        for (gene, value) in TABLE.iter().zip(self.0) {
            map.serialize_entry(gene.name, &ratio_text(value))?;
        }
        map.end()
    }
}

impl WrittenGenomes {
    fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let Some(mut table) = settings.table("genome")? else { return Ok(DEFAULT_GENOMES) };
        let mut written = DEFAULT_GENOMES;
        for (genome, regime) in written.0.iter_mut().zip(Regime::ALL) {
            if let Some(mut genes) = table.table(regime.name())? {
                *genome = WrittenGenome::read(&mut genes, *genome)?;
                genes.finish()?;
            }
        }
        table.finish()?;
        Ok(written)
    }

    /// The four specialists, each with at most `cap` of equity.
    #[must_use]
    pub fn specialists(&self, cap: f64) -> Option<[Specialist; 4]> {
        let [a, b, c, d] = Regime::ALL.map(|regime| {
            let genome = self.0[regime.index()].decoded()?;
            Some(Specialist { regime, genome, cap })
        });
        Some([a?, b?, c?, d?])
    }
}

impl Serialize for WrittenGenomes {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(self.0.len()))?;
        for (regime, genome) in Regime::ALL.iter().zip(&self.0) {
            map.serialize_entry(regime.name(), genome)?;
        }
        map.end()
    }
}

/// Settings of `regime-specialists`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpecialistParams {
    /// Symbols to trade; all of the run when absent. Each gets an equal part of equity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruments: Option<Vec<String>>,
    /// The regimes whose specialists may enter.
    pub funded: Vec<Regime>,
    /// Largest share of its part of equity that one position may be, judged on every bar.
    #[serde(serialize_with = "ratio")]
    pub cap: Ratio,
    /// What becomes of a position when the regime changes.
    pub on_change: OnChange,
    /// What becomes of a position when a crisis begins.
    pub in_crisis: InCrisis,
    /// What one unit of turnover is expected to cost.
    #[serde(serialize_with = "ratio")]
    pub cost: Ratio,
    /// Share of the cash that purchases leave untouched.
    #[serde(serialize_with = "ratio")]
    pub cash_reserve: Ratio,
    /// The genes, by regime.
    pub genome: WrittenGenomes,
}

impl SpecialistParams {
    /// Reads the settings; absent ones are all four specialists with [`DEFAULT_GENOMES`], a cap of 50 %, handing
    /// over at a change, flat in a crisis, 15 bps cost, 0.5 % cash reserve, no bridged bars.
    ///
    /// # Errors
    /// [`SettingError`] for the first that cannot be used.
    pub fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let changes =
            [("hold", OnChange::Hold), ("hand-over", OnChange::HandOver), ("flatten", OnChange::Flatten)];
        let crises = [("flatten", InCrisis::Flatten), ("reduce", InCrisis::Reduce), ("hold", InCrisis::Hold)];
        let percent = |whole: i64| Ratio::from_units(whole * 10_000_000);
        Ok(Self {
            instruments: settings.texts("instruments")?,
            funded: funded(settings)?,
            cap: settings.ratio("cap", percent(1)..=Ratio::ONE)?.unwrap_or(percent(50)),
            on_change: settings.choice("on_change", &changes)?.unwrap_or(OnChange::HandOver),
            in_crisis: settings.choice("in_crisis", &crises)?.unwrap_or(InCrisis::Flatten),
            cost: settings.ratio("cost", Ratio::ZERO..=percent(10))?.unwrap_or(Ratio::from_units(1_500_000)),
            cash_reserve: settings
                .ratio("cash_reserve", Ratio::ZERO..=percent(50))?
                .unwrap_or(Ratio::from_units(5_000_000)),
            genome: WrittenGenomes::read(settings)?,
        })
    }

    /// The strategy with these settings.
    ///
    /// # Errors
    /// [`SettingError`] for a symbol the run does not have.
    pub fn build(&self, facts: &RunFacts<'_>) -> Result<Box<dyn Strategy>, SettingError> {
        check_symbols(self.instruments.as_deref(), facts)?;
        let trades = |rules: &Instrument| self.instruments.as_ref().is_none_or(|list| lists(list, rules));
        let shared = self.shared();
        let market = |rules: &Instrument| {
            let shared = shared.clone().filter(|_| trades(rules))?;
            Some(SpecialistMarket::new(rules.clone(), facts.detector.build(), shared))
        };
        let rebalancing = Rebalancing {
            cost: share(self.cost),
            band: STRAYING_BAND,
            cash_reserve: share(self.cash_reserve),
        };
        let markets = facts.instruments.iter().map(market).collect();
        Ok(Box::new(RegimeSpecialists::new(markets, rebalancing, share(self.cap))))
    }

    fn shared(&self) -> Option<SharedPosition> {
        let specialists = self.genome.specialists(share(self.cap))?;
        let funded = Regime::ALL.map(|regime| self.funded.contains(&regime));
        Some(SharedPosition::new(specialists, funded, self.on_change, self.in_crisis))
    }
}

/// An account is corrected once it strays from its position by this share of it.
const STRAYING_BAND: f64 = 0.25;

fn funded(settings: &mut Settings<'_>) -> Result<Vec<Regime>, SettingError> {
    let Some(names) = settings.texts("funded")? else { return Ok(Regime::ALL.to_vec()) };
    let regime = |name: &String| {
        let found = Regime::ALL.into_iter().find(|regime| regime.name() == name);
        let allowed = Regime::ALL.map(Regime::name).join(", ");
        found.ok_or_else(|| settings.out_of_range("funded", &format!("\"{name}\""), &allowed))
    };
    names.iter().map(regime).collect()
}

fn share(ratio: Ratio) -> f64 {
    Decimal { units: i128::from(ratio.units()), decimals: RATIO_DECIMALS }.to_f64()
}
