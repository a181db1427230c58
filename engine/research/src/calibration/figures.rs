//! The figures of what was observed, and which settings they make.

use engine_core::num::Ratio;
use engine_core::time::Span;
use replay_statistics::estimate::{Estimate, median, share_of_cases, share_of_sums};
use replay_statistics::quantile;
use strategies::settings::ratio_text;

use super::observations::{Observations, Shares, Spans};
use super::{Calibration, Figure, Setting, Source, Unit, too_few};

const MEDIAN: &str = "median; interval of order statistics";
const SHARE: &str = "ratio of sums; percentile bootstrap, seed 1";
const CASES: &str = "share of cases; Wilson's interval";

/// The span, in nanoseconds, that a setting of a latency takes at most.
const LATENCY_MAX: f64 = Span::HOUR.nanos() as f64;

pub(super) fn fitted(seen: Observations, sources: Vec<Source>) -> Calibration {
    let clock_ahead = clock_ahead(&seen);
    let remarks = remarks(&seen, clock_ahead);
    let mut figures = Vec::from(latencies(&seen));
    figures.extend(costs(&seen));
    let touches = seen.touches;
    let estimate = share_of_cases(touches.filled, touches.touched);
    figures.push(Figure {
        name: "touched_filled",
        meaning: "resting limit orders that traded when the market touched their price and did not go through it",
        unit: Unit::Share,
        method: CASES,
        count: touches.touched,
        estimate,
        spread: None,
        setting: Some(Setting { section: "venue", key: "limit_fill", value: limit_fill(estimate, touches.touched) }),
    });
    Calibration { sources, figures, clock_ahead, remarks }
}

fn latencies(seen: &Observations) -> [Figure; 6] {
    let (orders, feed) = (seen.order_step.nanos(), seen.feed_step.nanos());
    // A moment of the venue is cut to a whole step: in truth it was up to one later.
    [
        timed("decided_to_sent", "from the decision to the socket", &seen.sending, (0.0, 0.0), None),
        timed("sent_to_venue", "from the socket to the venue", &seen.travelling, (0.0, orders), None),
        timed("entry", "from the decision to the venue", &seen.entry, (0.0, orders), Some("entry")),
        timed(
            "response",
            "from the venue to our knowing it",
            &seen.response,
            (orders, 0.0),
            Some("response"),
        ),
        timed("round_trip", "from the decision to our knowing of it", &seen.round_trip, (0.0, 0.0), None),
        timed("feed", "from a trade or quote to our knowing it", &seen.feed.kept, (feed, 0.0), Some("feed")),
    ]
}

fn timed(
    name: &'static str,
    meaning: &'static str,
    spans: &Spans,
    hidden: (f64, f64),
    key: Option<&'static str>,
) -> Figure {
    let estimate = median(spans.clone()).map(|estimate| estimate.widened(hidden.0, hidden.1));
    let mut sorted = spans.clone();
    sorted.sort_by(f64::total_cmp);
    let spread = quantile(&sorted, 0.05).zip(quantile(&sorted, 0.95)).map(|(low, high)| [low, high]);
    let value = |key| Setting { section: "latency", key, value: latency(estimate, spans.len()) };
    Figure {
        name,
        meaning,
        unit: Unit::Nanos,
        method: MEDIAN,
        count: spans.len(),
        estimate,
        spread: spread.filter(|_| estimate.is_some()),
        setting: key.map(value),
    }
}

fn latency(estimate: Option<Estimate>, count: usize) -> Result<String, String> {
    let nanos = estimate.ok_or_else(|| too_few(count))?.value;
    if nanos < 0.0 {
        return Err(
            "it is below nothing, so the clocks of engine and venue differ by more than it".to_owned()
        );
    }
    if nanos > LATENCY_MAX {
        return Err("it is more than an hour".to_owned());
    }
    let micros = (nanos / 1_000.0).round() as i64;
    Ok(format!("\"{}\"", Span::from_nanos(micros * 1_000)))
}

fn costs(seen: &Observations) -> [Figure; 5] {
    let has_prices = !seen.slippage.is_empty();
    let step =
        |ticks: f64, shares: &Shares| if shares.is_empty() { 0.0 } else { ticks / shares.len() as f64 };
    let tick = step(seen.ticks, &seen.slippage);
    let decided_tick = step(seen.decided_ticks, &seen.from_decision);
    let whole = |shares: &Shares| shares.iter().map(|(_, whole)| whole).sum::<f64>();
    let hidden = |all: f64, fees: &Shares| if fees.is_empty() { 0.0 } else { all / whole(fees) };
    let mut slippage = paid(
        ("slippage", "market orders traded worse than the market stood at the venue"),
        (&seen.slippage, tick),
        has_prices.then_some(("slippage", [0, 500_000_000])),
    );
    let mut from_decision = paid(
        ("slippage_from_decision", "market orders traded worse than their decided price"),
        (&seen.from_decision, decided_tick),
        (!has_prices).then_some(("slippage", [0, 500_000_000])),
    );
    for figure in [&mut slippage, &mut from_decision] {
        if let (Some(setting), Some(estimate)) = (&mut figure.setting, figure.estimate)
            && estimate.value < 0.0
            && estimate.high >= 0.0
        {
            // Not to be told from none, and a market does not pay for being traded with.
            setting.value = Ok("\"0\"".to_owned());
        }
    }
    let maker = (&seen.maker_fees, hidden(seen.maker_hidden, &seen.maker_fees));
    let taker = (&seen.taker_fees, hidden(seen.taker_hidden, &seen.taker_fees));
    [
        paid(
            ("maker_fee", "charged for orders that waited"),
            maker,
            Some(("maker_fee", [-10_000_000, 100_000_000])),
        ),
        paid(("taker_fee", "charged for orders that took"), taker, Some(("taker_fee", [0, 100_000_000]))),
        slippage,
        from_decision,
        paid(
            ("spread", "ask less bid where market orders traded"),
            (&seen.spread, 0.0),
            Some(("spread", [0, 500_000_000])),
        ),
    ]
}

/// A share of money; `hidden` is what the steps it is written in can hide.
fn paid(
    (name, meaning): (&'static str, &'static str),
    (shares, hidden): (&Shares, f64),
    setting: Option<(&'static str, [i64; 2])>,
) -> Figure {
    let estimate = share_of_sums(shares).map(|estimate| estimate.widened(hidden, hidden));
    let each = shares.iter().filter(|(_, whole)| *whole > 0.0).map(|(part, whole)| part / whole);
    let mut each: Vec<f64> = each.collect();
    each.sort_by(f64::total_cmp);
    let spread = quantile(&each, 0.05).zip(quantile(&each, 0.95)).map(|(low, high)| [low, high]);
    let value =
        |(key, allowed)| Setting { section: "costs", key, value: share(estimate, shares.len(), allowed) };
    Figure {
        name,
        meaning,
        unit: Unit::Share,
        method: SHARE,
        count: shares.len(),
        estimate,
        spread: spread.filter(|_| estimate.is_some()),
        setting: setting.map(value),
    }
}

/// A share as a configuration writes it: to the hundredth of a basis point, within what is allowed there.
fn share(estimate: Option<Estimate>, count: usize, [low, high]: [i64; 2]) -> Result<String, String> {
    let value = estimate.ok_or_else(|| too_few(count))?.value;
    let units = (value * 1e6).round() * 1e3;
    if units < low as f64 || units > high as f64 {
        let [low, high] = [low, high].map(|units| ratio_text(Ratio::from_units(units)));
        return Err(format!("{value:.6} is outside of {low} to {high}, which a configuration takes"));
    }
    Ok(format!("\"{}\"", ratio_text(Ratio::from_units(units as i64))))
}

/// What the simulated venue can do is fill a touch always or never; which is nearer must be beyond doubt.
fn limit_fill(estimate: Option<Estimate>, count: usize) -> Result<String, String> {
    let touched = estimate.ok_or_else(|| too_few(count))?;
    if touched.low > 0.5 {
        return Ok("\"touch\"".to_owned());
    }
    if touched.high < 0.5 {
        return Ok("\"through\"".to_owned());
    }
    Err("neither always nor never is clearly nearer, and `through` is the careful one".to_owned())
}

/// No order reached the venue before it was sent, and no report was known before it was made.
fn clock_ahead(seen: &Observations) -> Option<[f64; 2]> {
    let least = |spans: &Spans| spans.iter().copied().min_by(f64::total_cmp);
    let (at_most, behind) = (least(&seen.travelling)?, least(&seen.response)?);
    Some([-behind, at_most + seen.order_step.nanos()])
}

fn remarks(seen: &Observations, clock_ahead: Option<[f64; 2]>) -> Vec<String> {
    let ms = |nanos: f64| format!("{:.3} ms", nanos / 1e6);
    let mut remarks = Vec::new();
    if let Some([low, high]) = clock_ahead {
        let away = if low > 0.0 || high < 0.0 { "; so they do differ" } else { "" };
        remarks.push(format!(
            "the venue's clock is from {} to {} ahead of ours by what these orders show{away}: entry is too long and \
             response too short by as much, their sum is sound",
            ms(low),
            ms(high)
        ));
    }
    let mut say = |count: usize, what: &str| {
        if count > 0 {
            remarks.push(format!("{count} {what}"));
        }
    };
    say(seen.clock_steps, "times the wall clock was set, which the times above do not know of");
    say(seen.unanswered, "orders that nobody answered for at some time are left out of the times");
    say(
        seen.without_price,
        "market orders traded where nobody knows how the market stood, and have no slippage there",
    );
    say(
        seen.unvalued_fees,
        "trades were charged in a coin that no market of the run values, and are left out of the fees",
    );
    if seen.spread.is_empty() && !seen.slippage.is_empty() {
        remarks.push("no run reads quotes: half the spread is part of the slippage".to_owned());
    }
    if seen.slippage.is_empty() && !seen.from_decision.is_empty() {
        remarks.push("no run reads trades or quotes: slippage is measured from the decision".to_owned());
    }
    remarks
}
