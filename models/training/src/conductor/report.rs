//! The findings in words and tables, whatever they say.

use std::fmt::Write as _;

use crate::conductor::Findings;
use crate::conductor::allocation::{Comparison, Earned};
use crate::conductor::evaluation::{Invariance, LeftOut, Skill};
use crate::probe::{ProbeScore, best};

/// Balanced accuracy above chance at which features still count as invariant.
pub const CHANCE_MARGIN: f64 = 0.10;
/// Share of the twin's skill that must be left.
pub const SKILL_KEPT: f64 = 0.95;

/// Whether adversarial training did what it is for.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Verdict {
    /// Best fresh probe of the regime, chance .25.
    pub regime_probe: f64,
    /// Best fresh probe of the instrument.
    pub asset_probe: f64,
    /// Guessing the instrument.
    pub asset_chance: f64,
    /// Share of the twin's explained variance of volatility that is left; `None` where the twin explains nothing.
    pub volatility_kept: Option<f64>,
    /// Share of the twin's gain in log-loss over the usual chance or a coin, whichever is better, that is left; `None`
    /// where the twin gains nothing.
    pub log_loss_kept: Option<f64>,
    /// Twin's log-loss over this log-loss: 1 where nothing was lost.
    pub log_loss_ratio: f64,
}

impl Verdict {
    /// The verdict on `findings`.
    #[must_use]
    pub fn of(findings: &Findings) -> Self {
        let (ours, twin) = (&findings.adversarial.skill, &findings.twin.skill);
        let kept = |ours: f64, twins: f64| (twins > 0.0).then(|| ours / twins);
        // Saying ½ to everything needs no network either.
        let gain = |skill: &Skill| skill.log_loss_usual.min(core::f64::consts::LN_2) - skill.log_loss;
        Self {
            regime_probe: best(&findings.adversarial.invariance.regime),
            asset_probe: best(&findings.adversarial.invariance.asset),
            asset_chance: 1.0 / findings.assets.len().max(1) as f64,
            volatility_kept: kept(ours.volatility, twin.volatility),
            log_loss_kept: kept(gain(ours), gain(twin)),
            log_loss_ratio: twin.log_loss / ours.log_loss,
        }
    }

    /// Whether no fresh probe names the regime better than chance and a margin.
    #[must_use]
    pub fn is_regime_invariant(&self) -> bool {
        self.regime_probe <= 0.25 + CHANCE_MARGIN
    }

    /// Whether no fresh probe names the instrument better than chance and a margin.
    #[must_use]
    pub fn is_asset_invariant(&self) -> bool {
        self.asset_probe <= self.asset_chance + CHANCE_MARGIN
    }

    /// Whether what the twin knew is still known: of volatility by explained variance, or of the chance by the gain
    /// in log-loss, which is the harder measure of log-loss.
    #[must_use]
    pub fn is_useful(&self) -> bool {
        let is_kept = |kept: Option<f64>| kept.is_some_and(|kept| kept >= SKILL_KEPT);
        is_kept(self.volatility_kept) || is_kept(self.log_loss_kept)
    }
}

/// The findings as text.
#[must_use]
pub fn text(findings: &Findings) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(findings, &mut out);
    out
}

fn write_text(findings: &Findings, out: &mut String) -> std::fmt::Result {
    let years: Vec<String> = findings.years.iter().map(i32::to_string).collect();
    writeln!(
        out,
        "conductor over {} instruments, {} rows, judged walking forward on {}; seed {}, {} epochs",
        findings.assets.len(),
        findings.rows,
        years.join(" "),
        findings.choices.seed,
        findings.choices.epochs
    )?;
    let [ranging, trending, volatile, crisis] = findings.regime_shares.map(|share| share * 100.0);
    writeln!(
        out,
        "judged rows: ranging {ranging:.1} %, trending {trending:.1} %, volatile {volatile:.1} %, crisis {crisis:.1} %"
    )?;
    writeln!(out, "\nprediction out of sample        rows   R² sleeves  R² volatility  log-loss (usual)")?;
    write_skill(out, "without adversaries", &findings.twin.skill)?;
    write_skill(out, "  its shared features silent", &findings.twin.without_shared)?;
    write_skill(out, "against adversaries", &findings.adversarial.skill)?;
    write_skill(out, "  its shared features silent", &findings.adversarial.without_shared)?;
    let chance = 1.0 / findings.assets.len().max(1) as f64;
    writeln!(out, "saying one half to everything has log-loss .6931")?;
    writeln!(out, "\nfresh probes on held-out years, balanced accuracy")?;
    write_probes(
        out,
        "regime",
        0.25,
        [&findings.raw, &findings.twin.invariance, &findings.adversarial.invariance],
        |of| &of.regime,
    )?;
    write_probes(
        out,
        "instrument",
        chance,
        [&findings.raw, &findings.twin.invariance, &findings.adversarial.invariance],
        |of| &of.asset,
    )?;
    writeln!(out, "\nregimes never seen in training  rows   R² sleeves  R² volatility  log-loss (usual)")?;
    for left in &findings.left_out {
        write_left_out(out, left)?;
    }
    writeln!(out, "\nmodel book, costs 15 bps         Sharpe   CAGR %    DD %  turns/yr  exposure %")?;
    for earned in &findings.earned {
        write_earned(out, earned)?;
    }
    writeln!(out, "\ndifference of Sharpe ratios (block bootstrap, 90 %)")?;
    for comparison in &findings.comparisons {
        write_comparison(out, comparison)?;
    }
    write_verdict(out, &Verdict::of(findings))
}

fn write_skill(out: &mut String, name: &str, skill: &Skill) -> std::fmt::Result {
    writeln!(
        out,
        "{name:<30} {:>6}  {:>8.4}  {:>13.4}  {:>8.4} ({:.4})",
        skill.rows, skill.performance, skill.volatility, skill.log_loss, skill.log_loss_usual
    )
}

fn write_probes(
    out: &mut String,
    what: &str,
    chance: f64,
    columns: [&Invariance; 3],
    scores: fn(&Invariance) -> &Vec<ProbeScore>,
) -> std::fmt::Result {
    writeln!(out, "  {what:<22} chance {chance:.3}   inputs  without  against")?;
    let [raw, twin, ours] = columns.map(scores);
    for ((raw, twin), ours) in raw.iter().zip(twin).zip(ours) {
        let [first, second, third] = [raw, twin, ours].map(|score| score.balanced_accuracy);
        writeln!(out, "  {:<36} {first:>6.3}   {second:>6.3}   {third:>6.3}", raw.probe)?;
    }
    Ok(())
}

fn write_left_out(out: &mut String, left: &LeftOut) -> std::fmt::Result {
    let how = if left.lambda_max > 0.0 { "against" } else { "without" };
    write_skill(out, &format!("{} {how}", left.regime), &left.unseen)
}

fn write_earned(out: &mut String, earned: &Earned) -> std::fmt::Result {
    let figures = earned.figures;
    writeln!(
        out,
        "{:<32} {:>6.2}  {:>7.1}  {:>6.1}  {:>8.1}  {:>10.1}",
        earned.allocator.name(),
        figures.sharpe,
        figures.cagr * 100.0,
        figures.max_drawdown * 100.0,
        earned.turnover_per_year,
        earned.exposure * 100.0
    )
}

fn write_comparison(out: &mut String, comparison: &Comparison) -> std::fmt::Result {
    let sharpe = comparison.difference.sharpe;
    let who = format!("{} less {}", comparison.allocator.name(), comparison.against.name());
    writeln!(
        out,
        "{who:<52} {:+.2} [{:+.2}, {:+.2}]  p = {:.3}",
        sharpe.estimate, sharpe.low, sharpe.high, comparison.difference.p_value
    )
}

fn write_verdict(out: &mut String, verdict: &Verdict) -> std::fmt::Result {
    let word = |holds: bool| if holds { "yes" } else { "no" };
    let share = |kept: Option<f64>| {
        kept.map_or("nothing to keep".to_owned(), |kept| format!("{:.1} %", kept * 100.0))
    };
    writeln!(
        out,
        "\ninvariant to regime: {} (best probe {:.3}, at most .350)",
        word(verdict.is_regime_invariant()),
        verdict.regime_probe
    )?;
    writeln!(
        out,
        "invariant to instrument: {} (best probe {:.3}, at most {:.3})",
        word(verdict.is_asset_invariant()),
        verdict.asset_probe,
        verdict.asset_chance + CHANCE_MARGIN
    )?;
    writeln!(
        out,
        "prediction kept: {} (R² of volatility {}, gain in log-loss {}, log-loss ratio {:.4})",
        word(verdict.is_useful()),
        share(verdict.volatility_kept),
        share(verdict.log_loss_kept),
        verdict.log_loss_ratio
    )
}
