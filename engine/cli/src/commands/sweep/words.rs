//! What `sweep` says.

use engine_application::wiring::halt::{halted_mark, halted_words};
use engine_research::sweep::Swept;
use engine_research::trials::FILE;
use replay_statistics::RETURNS_MIN;
use replay_statistics::significance::assessment::Assessment;
use serde_json::{Value, json};

use super::heat_map::{heat_map, plain};
use super::{Answer, Figure, judged};
use crate::output::table::columns;

/// Rows of the table in a terminal; `--json` gives all.
const ROWS_MAX: usize = 40;

impl Answer<'_> {
    /// The runs, best first; those without the figure last.
    fn sorted(&self) -> Vec<&Swept> {
        let by = self.args.by;
        let mut sorted: Vec<&Swept> = self.result.swept.iter().collect();
        let value = |swept: &Swept| by.of(swept).unwrap_or(f64::NEG_INFINITY);
        sorted.sort_by(|one, other| value(other).total_cmp(&value(one)));
        sorted
    }

    fn assessed(&self, swept: &Swept) -> Option<Assessment> {
        judged(swept)?;
        Assessment::of(&swept.ran.returns, self.args.draws, self.args.seed)
    }

    pub(super) fn document(&self) -> Value {
        let row = |swept: &Swept| {
            let figures = judged(swept);
            let assessed = self.assessed(swept);
            json!({
                "settings": swept.values,
                "days": swept.ran.returns.len(),
                "undefined": figures.is_none().then(|| format!("needs {RETURNS_MIN} daily returns")),
                "sharpe": figures.map(|figures| figures.sharpe),
                "sharpe_low": assessed.as_ref().map(|assessed| assessed.sharpe.low),
                "sharpe_high": assessed.as_ref().map(|assessed| assessed.sharpe.high),
                "cagr_pct": figures.map(|figures| figures.cagr * 100.0),
                "max_drawdown_pct": figures.map(|figures| figures.max_drawdown * 100.0),
                "calmar": Figure::Calmar.of(swept),
                "trades": swept.ran.trades,
                "halted": halted_words(&swept.ran.halts),
                "head": swept.ran.head,
            })
        };
        json!({
            "out": self.args.out.display().to_string(),
            "synthetic": self.result.synthetic,
            "optimistic": self.result.optimistic,
            "by": self.args.by.label(),
            "interval": "90 %",
            "runs": self.sorted().into_iter().map(row).collect::<Vec<_>>(),
            "left_out": self.result.left_out,
            "recorded_before": self.result.known,
            "best": self.result.best().map(|swept| &swept.values),
            "deflation": self.deflation,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        if self.result.synthetic {
            text.push_str("SYNTHETIC DATA: no market ever traded at these prices\n");
        }
        if self.result.optimistic {
            text.push_str("OPTIMISTIC FILLS: orders fill at prices already past when they were decided\n");
        }
        text.push_str(&self.table());
        text.push_str(&heat_map(&self.result.swept, self.args.by));
        text.push_str(&self.merit());
        text
    }

    fn table(&self) -> String {
        let sorted = self.sorted();
        let keys: Vec<String> =
            sorted.first().map(|swept| swept.values.keys().cloned().collect()).unwrap_or_default();
        let head: Vec<&str> = keys
            .iter()
            .map(String::as_str)
            .chain(["Sharpe", "90 %", "CAGR %", "daily drawdown %", "Calmar", "trades", "days", "halted"])
            .collect();
        let number = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| format!("{value:.2}"));
        let row = |swept: &&Swept| {
            let values = keys.iter().map(|key| swept.values.get(key).map(plain).unwrap_or_default());
            let range = self.assessed(swept);
            let range = range.map_or("n/a".to_owned(), |range| {
                format!("{:.2} to {:.2}", range.sharpe.low, range.sharpe.high)
            });
            let figures = [
                number(Figure::Sharpe.of(swept)),
                range,
                number(Figure::Cagr.of(swept)),
                number(Figure::Drawdown.of(swept)),
                number(Figure::Calmar.of(swept)),
                swept.ran.trades.to_string(),
                swept.ran.returns.len().to_string(),
                halted_mark(&swept.ran.halts),
            ];
            values.chain(figures).collect::<Vec<String>>()
        };
        let rows: Vec<Vec<String>> = sorted.iter().take(ROWS_MAX).map(row).collect();
        let mut text = columns(&head, &rows);
        if sorted.len() > ROWS_MAX {
            text.push_str(&format!("… and {} more; --json gives all\n", sorted.len() - ROWS_MAX));
        }
        text
    }

    /// How many of the runs were trials already.
    fn known(&self) -> String {
        match self.result.known {
            0 => String::new(),
            known => format!(" ({known} of these runs were recorded before and are not counted again)"),
        }
    }

    /// The best against the luck of the search.
    fn merit(&self) -> String {
        let trials = self.args.out.join(FILE);
        let Some(deflation) = self.deflation else {
            return format!("\ntoo few days to judge any of them; trials: {}\n", trials.display());
        };
        let likely = deflation.deflated_sharpe;
        let likely = likely.map_or("n/a".to_owned(), |share| format!("{:.1} %", share * 100.0));
        format!(
            "\ndeflated Sharpe ratio of the best: {likely} likely above the luck of {} trials (ratio {:.2}, spread \
             {:.2})\ntrials: {}{}\njudge the run you choose with: engine significance RUN --search {}\n",
            deflation.trials,
            deflation.luck_sharpe,
            deflation.trial_sharpe_sd,
            trials.display(),
            self.known(),
            self.args.out.display()
        )
    }
}
