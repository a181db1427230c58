//! What an evaluation says in words: a table, and what its figures mean.

use engine_core::regime::Regime;
use replay_regimes::{
    AgainstChance, Baseline, Evaluation, Judged, LabelRule, NullMarket, NullResult, Reliability, Scores,
};

use super::Read;
use crate::output::table::columns;
use engine_application::moment::moment_text;

const HEAD: [&str; 11] =
    ["", "bars", "L=0", "L=3", "balanced", "macro-F1", "kappa", "vol.axis", "delay", "missed", "switches/y"];

/// What was judged, beside what came out.
pub(super) struct Judgement<'a> {
    pub(super) read: &'a Read,
    pub(super) rule: LabelRule,
    pub(super) evaluation: &'a Evaluation,
}

/// The whole judgement.
pub(super) fn judgement_text(judgement: &Judgement<'_>) -> String {
    let mut text = opening(judgement);
    text.push('\n');
    text.push_str(&columns(&HEAD, &table(judgement)));
    text.push('\n');
    for judged in &judgement.evaluation.detectors {
        text.push_str(&details(judged));
    }
    text.push('\n');
    for sentence in sentences(judgement) {
        text.push_str(&sentence);
        text.push('\n');
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn opening(judgement: &Judgement<'_>) -> String {
    let Judgement { read, rule, evaluation } = judgement;
    let series = &read.series;
    let day = |bar: usize| series.at().get(bar).map(|at| moment_text(*at)).unwrap_or_default();
    let gaps = match series.gaps() {
        0 => "no gaps".to_owned(),
        gaps => format!(
            "{gaps} gaps with {} bars missing: what is short begins anew where more than half of it is missing",
            series.missing()
        ),
    };
    let shares: Vec<String> = Regime::ALL
        .iter()
        .zip(evaluation.shares)
        .map(|(regime, share)| format!("{} {} %", regime.name(), percent(share)))
        .collect();
    format!(
        "{}{}, {} bars of {}, {} … {}; {gaps}\n\
         judged from {}: {} labelled bars: {}\n\
         labels in hindsight: ±{} bars, usual volatility over ±{} bars\n",
        read.name,
        if read.synthetic { " (SYNTHETIC)" } else { "" },
        series.len(),
        series.interval(),
        day(0),
        day(series.len() - 1),
        day(read.from),
        evaluation.bars,
        shares.join(", "),
        rule.half_window_bars,
        rule.reference_bars,
    )
}

fn table(judgement: &Judgement<'_>) -> Vec<Vec<String>> {
    let evaluation = judgement.evaluation;
    let mut rows = Vec::new();
    for (baseline, scores) in &evaluation.baselines {
        let name = match baseline {
            Baseline::Majority => "always the majority",
            Baseline::LastFinalLabel => "last final label",
        };
        rows.push(row(name, scores));
    }
    for judged in &evaluation.detectors {
        rows.push(row(&judged.name, &judged.raw));
        if judged.steady != judged.raw {
            rows.push(row(&format!("{} with hysteresis", judged.name), &judged.steady));
        }
        rows.extend(judged.nulls.iter().map(null_row));
    }
    rows
}

fn row(name: &str, scores: &Scores) -> Vec<String> {
    let Scores { delay, .. } = scores;
    let delays = match (delay.median_bars, delay.mean_bars) {
        (Some(median), Some(mean)) => format!("{median:.0}/{mean:.1}"),
        (_, _) => "-".to_owned(),
    };
    vec![
        name.to_owned(),
        scores.bars.to_string(),
        percent(scores.accuracy()),
        percent(scores.accuracy_three_later()),
        percent(scores.balanced_accuracy),
        percent(scores.macro_f1),
        format!("{:.3}", scores.kappa),
        percent(scores.volatility_axis),
        delays,
        format!("{:.0}%", scores.delay.missed * 100.0),
        format!("{:.1}", scores.switches_yearly),
    ]
}

fn null_row(null: &NullResult) -> Vec<String> {
    let share = |figure: AgainstChance| format!("{}±{}", percent(figure.mean), percent(figure.deviation));
    let name = match null.market {
        NullMarket::Shuffled => format!("  on {} shuffled markets", null.runs),
        NullMarket::RandomSign => format!("  on {} with random signs", null.runs),
    };
    let blank = String::new;
    vec![
        name,
        blank(),
        share(null.accuracy),
        share(null.accuracy_three_later),
        blank(),
        blank(),
        format!("{:.3}±{:.3}", null.kappa.mean, null.kappa.deviation),
        share(null.volatility_axis),
        blank(),
        blank(),
        blank(),
    ]
}

fn details(judged: &Judged) -> String {
    let list = |shares: [f64; 4]| shares.map(percent).join(" / ");
    let mut text = format!(
        "{}: recall {}, precision {} (ranging / trending / volatile / crisis)\n",
        judged.name,
        list(judged.raw.recall),
        list(judged.raw.precision)
    );
    let reliabilities = [
        (&judged.reliability, "its posterior"),
        (&judged.reliability_refitted, "its posterior refitted each year"),
    ];
    for (reliability, what) in reliabilities {
        if let Some(reliability) = reliability {
            text.push_str(&format!("  {what}: {}\n", reliability_text(reliability)));
        }
    }
    if judged.raw.silent_bars > 0 {
        text.push_str(&format!("  it said nothing of {} labelled bars\n", judged.raw.silent_bars));
    }
    text
}

fn reliability_text(reliability: &Reliability) -> String {
    let confident = reliability.selective.iter().filter(|at| at.coverage > 0.0).map(|at| {
        format!("{} % right where above {:.1} ({} %)", percent(at.accuracy), at.above, percent(at.coverage))
    });
    let confident: Vec<String> = confident.collect();
    format!(
        "accuracy {} %, ECE {:.3}, Brier {:.3} (shares alone {:.3}), log-loss {:.3}; {}",
        percent(reliability.accuracy),
        reliability.expected_calibration_error,
        reliability.brier,
        reliability.brier_of_shares,
        reliability.log_loss,
        confident.join(", ")
    )
}

/// What the figures mean, a sentence each.
pub(super) fn sentences(judgement: &Judgement<'_>) -> Vec<String> {
    let mut said = vec![
        "L=3 asks for the regime of the bar three bars ago; delay is median/mean bars until a new regime is \
         named right, missed the share of regimes never named while they lasted."
            .to_owned(),
    ];
    for judged in &judgement.evaluation.detectors {
        said.extend(judged.nulls.iter().map(|null| against(&judged.name, null)));
    }
    if judgement.evaluation.detectors.iter().all(|judged| judged.nulls.is_empty()) {
        said.push(
            "Without null markets these figures say little: a label looks at the same bars as a detector, so \
             much agreement is had by chance; ask for --nulls 200."
                .to_owned(),
        );
        return said;
    }
    said.push(
        "A label looks at the same bars as a detector, so much of each figure is had by chance: shuffled \
         markets have no regimes at all, markets with random signs have clusters of volatility but no \
         direction. Only what a detector has above them was recognised."
            .to_owned(),
    );
    said.push(
        "The thresholds of the two-axis rule and of the labels were chosen on daily Bitcoin of 2018 to 2026, \
         about 30 combinations: there its figures are not out of sample."
            .to_owned(),
    );
    said
}

fn against(name: &str, null: &NullResult) -> String {
    let what = match null.market {
        NullMarket::Shuffled => "shuffled markets",
        NullMarket::RandomSign => "markets with random signs",
    };
    let points = (null.accuracy.found - null.accuracy.mean) * 100.0;
    let kappa = null.kappa.found - null.kappa.mean;
    let clear = if null.accuracy.p_value <= 0.05 { "" } else { ": not told from chance" };
    format!(
        "{name} against {} {what}: accuracy {points:+.1} points (p {:.3}), kappa {kappa:+.3} (p {:.3}){clear}.",
        null.runs, null.accuracy.p_value, null.kappa.p_value
    )
}
