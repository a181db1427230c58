//! What `walk-forward` says and leaves behind.

use std::path::Path;

use engine_core::time::Timestamp;
use replay_statistics::significance::assessment::{Assessment, Deflation, LEVEL};
use replay_statistics::significance::bootstrap::{Difference, Plan};
use replay_statistics::significance::path::PathFigures;
use replay_statistics::walk_forward::fold::Window;
use serde_json::{Value, json};

use super::Answer;
use crate::output::failure::Failure;
use crate::output::table::columns;
use engine_application::moment::moment_text;
use engine_research::trial_runner::Ran;
use engine_research::trials::FILE;
use engine_research::walk_forward::Walked;

impl Answer<'_> {
    /// Writes the summary and the stitched daily returns beside the trials.
    pub(super) fn write(&self, out: &Path) -> Result<(), Failure> {
        let summary = out.join("walk-forward.json");
        let text = format!("{:#}\n", self.document());
        std::fs::write(&summary, text).map_err(|error| Failure::io("write", &summary, error))?;
        let mut csv = String::from("fold,day,chosen,equal_weight,buy_and_hold\n");
        let judgement = &self.result.judgement;
        let rows = judgement.stitched.iter().zip(&judgement.equal_weight).zip(&self.result.holding);
        for ((fold, day), ((chosen, equal), held)) in self.days().into_iter().zip(rows) {
            csv.push_str(&format!("{fold},{},{chosen},{equal},{held}\n", date(day)));
        }
        let stitched = out.join("stitched.csv");
        std::fs::write(&stitched, csv).map_err(|error| Failure::io("write", &stitched, error))
    }

    /// Fold and begin of every stitched day.
    fn days(&self) -> Vec<(usize, Timestamp)> {
        let of_fold = |step: &Walked| {
            let count = step.test.iter().map(|ran| ran.returns.len()).max().unwrap_or_default();
            let first = step.fold.test.from.floor(engine_core::time::Span::DAY);
            let number = step.fold.number;
            let day = move |index: i64| {
                let span = engine_core::time::Span::from_nanos(index * engine_core::time::Span::DAY.nanos());
                (number, first.plus(span))
            };
            (0..i64::try_from(count).unwrap_or(i64::MAX)).map(day).collect::<Vec<_>>()
        };
        self.result.walked.iter().flat_map(of_fold).collect()
    }

    fn chosen<'s>(&'s self, step: &'s Walked) -> Option<(usize, &'s Ran, &'s Ran)> {
        let place = self.result.judgement.chosen.get(step.fold.number - 1).copied()?;
        Some((place, step.train.get(place)?, step.test.get(place)?))
    }

    fn values(&self, place: usize) -> Value {
        self.result.walk.trials.get(place).map_or(Value::Null, |trial| Value::Object(trial.values.clone()))
    }

    pub(super) fn document(&self) -> Value {
        let judgement = &self.result.judgement;
        let folds = self.result.walked.iter().filter_map(|step| {
            let (place, train, test) = self.chosen(step)?;
            Some(json!({
                "fold": step.fold.number,
                "train": window(step.fold.train),
                "test": window(step.fold.test),
                "trial": place + 1,
                "chosen": self.values(place),
                "in_sample": train.figures,
                "out_of_sample": test.figures,
                "trades": test.trades,
                "buy_and_hold": PathFigures::of(step.holding.iter().copied()),
            }))
        });
        let plan = &self.result.walk.plan;
        json!({
            "config": self.args.config.display().to_string(),
            "out": self.args.out.display().to_string(),
            "synthetic": self.result.synthetic,
            "optimistic": self.result.optimistic,
            "plan": {
                "train": plan.train.to_string(),
                "test": plan.test.to_string(),
                "purge": plan.purge.to_string(),
                "embargo": plan.embargo.to_string(),
                "training": plan.training,
                "metric": self.result.walk.metric,
            },
            "combinations": self.result.walk.trials.len(),
            "left_out": self.result.walk.left_out,
            "trials_run": judgement.search.trials,
            "folds": folds.collect::<Vec<_>>(),
            "stitched": self.assessed(&judgement.stitched),
            "equal_weight": self.assessed(&judgement.equal_weight),
            "buy_and_hold": self.assessed(&self.result.holding),
            "less_equal_weight": self.less(&judgement.equal_weight),
            "less_buy_and_hold": self.less(&self.result.holding),
            "deflation": Deflation::of(&judgement.stitched, &judgement.search),
            "overfitting": judgement.overfitting,
            "reality_check": judgement.reality_check,
        })
    }

    fn assessed(&self, returns: &[f64]) -> Option<Assessment> {
        Assessment::of(returns, self.args.draws, self.args.seed)
    }

    /// The stitched returns less others.
    fn less(&self, others: &[f64]) -> Option<Difference> {
        let plan = Plan::of(&self.result.judgement.stitched, self.args.draws, self.args.seed);
        Difference::of(&self.result.judgement.stitched, others, &plan, LEVEL)
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.result.synthetic {
            text.push_str("SYNTHETIC DATA: no market ever traded at these prices\n");
        }
        if self.result.optimistic {
            text.push_str("OPTIMISTIC FILLS: orders fill at prices already past when they were decided\n");
        }
        text.push_str(&self.folds());
        text.push_str(&self.compared());
        text.push_str(&self.merit());
        text.push_str(&format!(
            "\neach test pays for getting in and out of its positions; trials: {}\n",
            self.args.out.join(FILE).display()
        ));
        text
    }

    fn folds(&self) -> String {
        let head = [
            "fold",
            "train",
            "to",
            "test",
            "to",
            "chosen",
            "Sharpe in",
            "out",
            "CAGR % out",
            "max drawdown % out",
            "trades",
        ];
        let row = |step: &Walked| {
            let (place, train, test) = self.chosen(step)?;
            let Window { from, to } = step.fold.train;
            let spans = [from, to, step.fold.test.from, step.fold.test.to].map(date);
            let figure = |ran: &Ran, value: fn(&PathFigures) -> f64| {
                ran.figures.map_or("n/a".to_owned(), |figures| format!("{:.2}", value(&figures)))
            };
            let figures = [
                settings_text(&self.values(place)),
                figure(train, |figures| figures.sharpe),
                figure(test, |figures| figures.sharpe),
                figure(test, |figures| figures.cagr * 100.0),
                figure(test, |figures| figures.max_drawdown * 100.0),
                test.trades.to_string(),
            ];
            Some([vec![step.fold.number.to_string()], spans.to_vec(), figures.to_vec()].concat())
        };
        let rows: Vec<Vec<String>> = self.result.walked.iter().filter_map(row).collect();
        columns(&head, &rows)
    }

    fn compared(&self) -> String {
        let row = |name: &str, returns: &[f64]| {
            let Some(assessed) = self.assessed(returns) else {
                return vec![name.to_owned(), "n/a".to_owned()];
            };
            let Assessment { days, sharpe, cagr, max_drawdown, .. } = assessed;
            vec![
                name.to_owned(),
                days.to_string(),
                format!("{:.2}", sharpe.estimate),
                format!("{:.2} to {:.2}", sharpe.low, sharpe.high),
                format!("{:.2}", cagr.estimate * 100.0),
                format!("{:.2} to {:.2}", cagr.low * 100.0, cagr.high * 100.0),
                format!("{:.2}", max_drawdown.estimate * 100.0),
                format!("{:.2} to {:.2}", max_drawdown.low * 100.0, max_drawdown.high * 100.0),
            ]
        };
        let head = ["out of sample", "days", "Sharpe", "90 %", "CAGR %", "90 %", "max drawdown %", "90 %"];
        let rows = [
            row("chosen, stitched", &self.result.judgement.stitched),
            row("all trials in equal parts", &self.result.judgement.equal_weight),
            row("buy and hold", &self.result.holding),
        ];
        let mut text = format!("\n{}", columns(&head, &rows));
        for (name, others) in [
            ("all trials", &self.result.judgement.equal_weight),
            ("buying and holding", &self.result.holding),
        ] {
            if let Some(less) = self.less(others) {
                text.push_str(&format!(
                    "Sharpe of the chosen less that of {name}: {:.2}, from {:.2} to {:.2}, p {:.3}\n",
                    less.sharpe.estimate, less.sharpe.low, less.sharpe.high, less.p_value
                ));
            }
        }
        text
    }

    fn merit(&self) -> String {
        let judgement = &self.result.judgement;
        let deflation = Deflation::of(&judgement.stitched, &judgement.search);
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let mut text = format!(
            "\ndeflated Sharpe ratio: {} likely above the luck of {} trials (ratio {:.2}, spread {:.2})\n",
            deflation.deflated_sharpe.map_or("n/a".to_owned(), percent),
            deflation.trials,
            deflation.luck_sharpe,
            deflation.trial_sharpe_sd,
        );
        match &judgement.overfitting {
            Some(found) => text.push_str(&format!(
                "probability of backtest overfitting: {} ({} splits of {} blocks); the picked loses in {}; slope of \
                 out on in {}\npicked {:.2} in and {:.2} out of the half it was picked in; all trials {:.2}\n",
                percent(found.probability),
                found.splits,
                found.blocks,
                percent(found.loss_share),
                found.slope.map_or("n/a".to_owned(), |slope| format!("{slope:.2}")),
                found.picked_in,
                found.picked_out,
                found.average_out,
            )),
            None => text.push_str("probability of backtest overfitting: n/a with one trial or so few days\n"),
        }
        if let Some(check) = &judgement.reality_check {
            text.push_str(&format!(
                "reality check: the best of all trials earns {:.4} % a day more than nothing, p {:.3}\n",
                check.excess * 100.0,
                check.p_value
            ));
        }
        text
    }
}

fn window(window: Window) -> Value {
    json!({ "from": moment_text(window.from), "to": moment_text(window.to) })
}

/// The day a moment lies in.
fn date(moment: Timestamp) -> String {
    moment_text(moment).split('T').next().unwrap_or_default().to_owned()
}

/// A combination as `fast=10 slow=50`.
fn settings_text(values: &Value) -> String {
    let Value::Object(values) = values else { return String::new() };
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parts: Vec<String> = values.iter().map(|(key, value)| format!("{key}={}", plain(value))).collect();
    parts.join(" ")
}
