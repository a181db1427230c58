//! `regimes eval`: detectors judged against hindsight labels.

use replay_regimes::{EvaluationPlan, LabelRule, NullProgress, evaluate};
use serde_json::json;

use super::words::{Judgement, judgement_text, sentences};
use super::{EvalArgs, Read};
use crate::output::failure::{Failure, Verdict};
use crate::output::progress::Line;
use crate::output::terminal::Terminal;
use engine_application::moment::moment_text;

/// Says how many of the null markets were judged.
struct Watched(Line);

impl NullProgress for Watched {
    fn advanced(&mut self, done: u64, total: u64) {
        self.0.counted(done, total);
    }
}

/// Runs `engine regimes eval`.
pub(super) fn eval(terminal: Terminal, args: &EvalArgs) -> Result<Verdict, Failure> {
    let read = Read::of(&args.market)?;
    let rule = LabelRule::of(read.series.interval());
    let asked = args.detector.detectors(&rule);
    let candidates =
        asked.into_iter().map(|one| one.candidate(&rule)).collect::<Result<Vec<_>, Failure>>()?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let plan = EvaluationPlan { from: read.from, nulls: args.nulls, seed: args.seed, threads };
    let evaluation = {
        let mut progress = Watched(Line::runs(terminal));
        evaluate(read.series.clone(), &candidates, plan, &mut progress)
    };
    let evaluation = evaluation.map_err(|error| Failure::request(format!("judge {}: {error}", read.name)))?;
    let judgement = Judgement { read: &read, rule, evaluation: &evaluation };
    let at = |bar: usize| read.series.at().get(bar).map(|at| moment_text(*at));
    let document = json!({
        "dataset": args.market.dataset.display().to_string(),
        "series": read.name,
        "synthetic": read.synthetic,
        "interval": read.series.interval().to_string(),
        "bars": read.series.len(),
        "first_at": at(0),
        "last_at": at(read.series.len() - 1),
        "gaps": read.series.gaps(),
        "missing_bars": read.series.missing(),
        "judged_from": at(read.from),
        "labels": rule,
        "nulls": args.nulls,
        "seed": args.seed,
        "delays_bars": replay_regimes::DELAYS_BARS,
        "judged": evaluation,
        "meaning": sentences(&judgement),
    });
    terminal.answer(&document, &judgement_text(&judgement))?;
    Ok(Verdict::Fine)
}
