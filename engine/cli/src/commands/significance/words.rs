//! What `significance` says, in both languages.

use engine_application::wiring::halt::{halted_mark, halted_words};
use engine_research::stress::{Stress, Stressed};
use replay_statistics::significance::bootstrap::Interval;
use replay_statistics::significance::path::PathFigures;
use replay_statistics::significance::timing::TimingNull;
use serde_json::{Value, json};

use super::{Answer, Counted, Spread};
use crate::output::table::columns;

impl Answer<'_> {
    pub(super) fn document(&self) -> Value {
        let timing = |null: &Option<TimingNull>, factor: f64| {
            null.map(|found| {
                json!({
                    "observed": found.observed * factor,
                    "null_mean": found.null_mean * factor,
                    "null_sd": found.null_sd * factor,
                    "p_value": found.p_value,
                    "draws": found.draws,
                })
            })
        };
        json!({
            "run": self.run.display().to_string(),
            "complete": self.complete,
            "strategy": self.strategy,
            "synthetic": self.synthetic,
            "optimistic": self.optimistic,
            "halted": halted_words(&self.halts),
            "assessment": self.assessment,
            "deflation": self.deflation,
            "trials_from": match &self.counted {
                Counted::Given => json!("given"),
                Counted::Recorded(path) => json!({ "recorded": path.display().to_string() }),
                Counted::Assumed => json!("assumed"),
            },
            "trial_sd_from": match self.spread {
                Spread::Given => "given",
                Spread::Recorded => "recorded",
                Spread::Worthless => "worthless_trials",
            },
            "buy_and_hold": self.holding,
            "less_buy_and_hold": self.beside_holding,
            "timing": {
                "intervals": self.intervals,
                "exposure_mean": self.exposure_mean,
                "circular_shift": timing(&self.shift, self.intervals_per_year.sqrt()),
                "random_sign": timing(&self.sign, self.intervals_per_year),
            },
            "repeated": self.repeated,
            "stress": self.stresses.iter().map(document_of).collect::<Vec<_>>(),
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = halted_words(&self.halts).map(|line| format!("{line}\n")).unwrap_or_default();
        if self.synthetic {
            text.push_str("SYNTHETIC DATA: no market ever traded at these prices\n");
        }
        if self.optimistic {
            text.push_str("OPTIMISTIC FILLS: orders fill at prices already past when they were decided\n");
        }
        text.push_str(&format!("{}: {} daily returns\n\n", self.strategy, self.assessment.days));
        text.push_str(&self.ranges());
        text.push_str(&self.merit());
        text.push_str(&self.timing());
        text.push_str(&self.stress());
        text
    }

    fn ranges(&self) -> String {
        let assessment = &self.assessment;
        let row = |name: &str, interval: &Interval, factor: f64, hold: f64| {
            let share = |value: f64| format!("{:.2}", value * factor);
            let cells = [interval.estimate, interval.low, interval.high, hold].map(share);
            [vec![name.to_owned()], cells.to_vec()].concat()
        };
        let rows = [
            row("Sharpe", &assessment.sharpe, 1.0, self.holding.sharpe),
            row("CAGR %", &assessment.cagr, 100.0, self.holding.cagr),
            row("max drawdown %", &assessment.max_drawdown, 100.0, self.holding.max_drawdown),
        ];
        let head = ["", "run", "90 % from", "to", "buy and hold"];
        let mut text = columns(&head, &rows);
        text.push_str(&format!(
            "ranges: stationary bootstrap, {} paths, blocks of {:.1} days on average, seed {}\n",
            assessment.draws, assessment.block_days, assessment.seed
        ));
        if let Some(less) = &self.beside_holding {
            let Interval { estimate, low, high, .. } = less.sharpe;
            text.push_str(&format!(
                "Sharpe less that of buying and holding: {estimate:.2}, from {low:.2} to {high:.2}, p {:.3}\n",
                less.p_value
            ));
        }
        text
    }

    fn merit(&self) -> String {
        let share =
            |share: Option<f64>| share.map_or("n/a".to_owned(), |share| format!("{:.1} %", share * 100.0));
        let assessment = &self.assessment;
        let needed = match assessment.track_record_days_min {
            Some(days) => format!("{:.0} days", days.ceil()),
            None => "no length is enough".to_owned(),
        };
        let counted = match &self.counted {
            Counted::Given => "given".to_owned(),
            Counted::Recorded(path) => format!("recorded in {}", path.display()),
            Counted::Assumed => "assumed: none are recorded beside the run; say --trials N".to_owned(),
        };
        let spread = match self.spread {
            Spread::Given => "given",
            Spread::Recorded => "recorded",
            Spread::Worthless => "that of worthless trials",
        };
        let deflation = &self.deflation;
        format!(
            "\nprobability that the true Sharpe ratio is above 0      {}\n\
             track record needed for 95 % of that                   {needed}, there are {}\n\
             deflated: probability that it is above luck            {}\n\
             luck: the best of {} trials ({counted}), spread {:.2} ({spread}), has a ratio of {:.2}\n",
            share(assessment.probabilistic_sharpe),
            assessment.days,
            share(deflation.deflated_sharpe),
            deflation.trials,
            deflation.trial_sharpe_sd,
            deflation.luck_sharpe,
        )
    }

    fn timing(&self) -> String {
        let line = |null: &Option<TimingNull>| match null {
            Some(null) => format!("p {:.4} ({} draws)", null.p_value, null.draws),
            None => "n/a: nothing was ever held, or too briefly".to_owned(),
        };
        let mut text = format!(
            "\ntiming, over {} intervals, mean exposure {:.1} %, before costs\n",
            self.intervals,
            self.exposure_mean * 100.0
        );
        text.push_str(&format!(
            "the same exposures at other times (circular shift)      {}\n",
            line(&self.shift)
        ));
        text.push_str(&format!(
            "the same exposures, rises and falls tossed anew         {}\n",
            line(&self.sign)
        ));
        if let Some(shift) = self.shift {
            let year = self.intervals_per_year.sqrt();
            text.push_str(&format!(
                "Sharpe before costs {:.2}; at other times {:.2} on average, sd {:.2}\n",
                shift.observed * year,
                shift.null_mean * year,
                shift.null_sd * year
            ));
        }
        text
    }

    fn stress(&self) -> String {
        let rows = self.stresses.iter().map(|stress| match &stress.outcome {
            Ok(Stressed { figures, trades, halts }) => {
                let PathFigures { sharpe, cagr, max_drawdown } = figures;
                let figures = [
                    format!("{sharpe:.2}"),
                    percent(*cagr),
                    percent(*max_drawdown),
                    trades.to_string(),
                    halted_mark(halts),
                ];
                [vec![stress.meaning.to_owned()], figures.to_vec()].concat()
            }
            Err(reason) => vec![stress.meaning.to_owned(), format!("n/a: {reason}")],
        });
        let rows: Vec<Vec<String>> = rows.collect();
        let mut text = format!(
            "\n{}",
            columns(&["stress", "Sharpe", "CAGR %", "max drawdown %", "trades", "halted"], &rows)
        );
        if self.repeated == Some(false) {
            text.push_str(
                "NOT THE SAME RUN: played again it gave another head, so compare the stresses with the first row \
                 only; `engine replay --check` finds the difference\n",
            );
        }
        text
    }
}

fn percent(share: f64) -> String {
    format!("{:.2}", share * 100.0)
}

fn document_of(stress: &Stress) -> Value {
    match &stress.outcome {
        Ok(Stressed { figures, trades, halts }) => json!({
            "name": stress.name,
            "meaning": stress.meaning,
            "sharpe": figures.sharpe,
            "cagr": figures.cagr,
            "max_drawdown": figures.max_drawdown,
            "trades": trades,
            "halted": halted_words(halts),
        }),
        Err(reason) => json!({ "name": stress.name, "meaning": stress.meaning, "missing": reason }),
    }
}
