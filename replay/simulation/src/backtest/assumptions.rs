//! What a backtest takes for granted, in sentences for its reports.

use engine_core::bars::BarRule;
use engine_core::num::Ratio;
use engine_core::risk::{Account, HaltAction};

use super::counts::RunCounts;
use crate::config::{BacktestConfig, Depth, EndOfData, FillModel, LimitAtOpen, LimitFill};

/// Every assumption of a run under `config`, one sentence each, the optimistic ones first.
#[must_use]
pub fn sentences(config: &BacktestConfig) -> Vec<String> {
    let mut said = vec![fill(config.fill).to_owned()];
    said.extend(beside_ticks(config).map(str::to_owned));
    match config.fill {
        FillModel::NextOpen | FillModel::SameClose => said.extend(on_bars(config)),
        FillModel::AtSignal | FillModel::Trades | FillModel::Quotes => said.extend(on_ticks(config)),
    }
    let costs = config.costs;
    said.push(format!(
        "Fees are {} of notional for makers and {} for takers; slippage of {} is added to fills that take \
         liquidity, apart from fees.",
        percent(costs.maker_fee.units()),
        percent(costs.taker_fee.units()),
        percent(costs.slippage.units())
    ));
    said.extend(config.bars.map(|rule| built(rule).to_owned()));
    said.push(
        "The venue's minimum notional is asked of entries only: stops, targets and closes fill below it too."
            .to_owned(),
    );
    said.push(impact(config));
    said.push("Funding, borrowing and interest are not charged.".to_owned());
    said.push(account(config).to_owned());
    said.push(end(config.end).to_owned());
    let halt = match config.limits.halt_action {
        HaltAction::Flatten => "and closes every position",
        HaltAction::Hold => "and keeps positions",
    };
    let drawdown_max = config.limits.drawdown_max;
    said.push(match drawdown_max >= Ratio::ONE {
        true => format!("No fall of equity halts trading before all of it is gone; that halts it {halt}."),
        false => {
            let drawdown = percent(drawdown_max.units());
            format!("A fall of {drawdown} from the equity peak halts trading {halt}.")
        }
    });
    said
}

/// What a run traded on although it cannot have been, one sentence each; nothing for sound data.
#[must_use]
pub fn violations(counts: &RunCounts) -> Vec<String> {
    let found = [
        (counts.impossible_bars, "bars whose open or close lies outside low and high"),
        (counts.crossed_quotes, "quotes whose bid is above the ask"),
    ];
    let found = found.into_iter().filter(|(count, _)| *count > 0);
    let sentence = |(count, what)| {
        format!(
            "IMPOSSIBLE DATA: the run traded on {count} {what}, as they are; `engine data check` names the first."
        )
    };
    found.map(sentence).collect()
}

const fn fill(model: FillModel) -> &'static str {
    match model {
        FillModel::NextOpen => {
            "Decisions at a bar's close are ordered and filled at the open of the instrument's next bar."
        }
        FillModel::SameClose => {
            "OPTIMISTIC: orders fill at the close that gave the signal, a price already past when it is known."
        }
        FillModel::AtSignal => {
            "OPTIMISTIC: orders fill at the trade that gave the signal, a price already past when it is known."
        }
        FillModel::Trades => "Orders fill only against trades later than their arrival at the venue.",
        FillModel::Quotes => "Orders fill only against quotes later than their arrival at the venue.",
    }
}

/// What bars are in a run that fills by ticks.
fn beside_ticks(config: &BacktestConfig) -> Option<&'static str> {
    let bars = config.feeds.iter().any(|feed| feed.series.ends_with(":bars"));
    let is_by_ticks = matches!(config.fill, FillModel::Trades | FillModel::Quotes);
    let said = "Bars are decided on once they are closed; they fill nothing and move no mark.";
    (bars && is_by_ticks).then_some(said)
}

const fn built(rule: BarRule) -> &'static str {
    match rule {
        BarRule::Time(_) => {
            "Bars are built from trades; one that began before the first trade of the data is partial and not \
             announced."
        }
        BarRule::Ticks(_) => "Bars are built from trades, each of the same number of them.",
        BarRule::Volume(_) => {
            "Bars are built from trades; a trade is never split, so a bar may hold more than its volume."
        }
    }
}

fn on_bars(config: &BacktestConfig) -> Vec<String> {
    let limit = match config.venue.limit_fill {
        LimitFill::Through => "A resting limit order fills when the bar trades through its price.",
        LimitFill::Touch => "OPTIMISTIC: a resting limit order fills when the bar touches its price.",
    };
    let at_open = match config.venue.limit_at_open {
        LimitAtOpen::Limit => {
            "A resting limit order that the open jumps over fills at its limit, as a maker; a stop set from it \
             counts in that bar."
        }
        LimitAtOpen::Open => {
            "OPTIMISTIC: a resting limit order that the open jumps over fills at the open, better than its \
             limit, as in the opening auction of a market with sessions."
        }
    };
    let mut said = vec![
        "Inside a bar the worst order of events is assumed: a stop that the open jumps over fills at the open, \
         stops come before limits unless the way to them leads past the limit, no order fills at a price its \
         path has left, and an exit born inside a bar can lose there but not win."
            .to_owned(),
        limit.to_owned(),
        at_open.to_owned(),
        "A bar has room for any order size: bars do not say how much traded at which price.".to_owned(),
        "Orders fill in bars without volume too, where nobody traded.".to_owned(),
        "Latency is not modelled on bars.".to_owned(),
        spread(config),
    ];
    if config.fill == FillModel::SameClose && config.instruments.len() > 1 {
        said.push(
            "Bars that end at one moment are told one after the other: an order for an instrument whose bar of the \
             moment comes later fills at the close of that bar, but was sized and checked at the close before, so it \
             may come to more or less than its share."
                .to_owned(),
        );
    }
    if config.fill == FillModel::NextOpen {
        let bars = config.wait_bars_max;
        said.push(format!(
            "An order decided at a close is dropped when the next open comes more than {bars} bar lengths later; one \
             that only reduces is not."
        ));
    }
    said
}

fn on_ticks(config: &BacktestConfig) -> Vec<String> {
    let limit = match config.venue.limit_fill {
        LimitFill::Through => "A resting limit order fills when the market trades through its price.",
        LimitFill::Touch => "OPTIMISTIC: a resting limit order fills when the market touches its price.",
    };
    let depth = match config.venue.depth {
        Depth::Traded => "One trade or quote fills no more than its own size.",
        Depth::Unlimited => "OPTIMISTIC: one trade or quote fills an order of any size.",
    };
    let mut said = vec![limit.to_owned(), depth.to_owned()];
    if config.fill == FillModel::AtSignal {
        said.push("OPTIMISTIC: an order fills in full at once, whatever the size of the trade.".to_owned());
        said.push("Latency is not modelled under at-signal.".to_owned());
    } else {
        let latency = config.latency;
        said.push(format!(
            "Market data takes {} where it does not say, orders {} to arrive and reports {} to return.",
            latency.feed, latency.entry, latency.response
        ));
        said.push("A report is never known before the market record that caused it.".to_owned());
    }
    said.push(spread(config));
    said
}

fn impact(config: &BacktestConfig) -> String {
    match &config.impact {
        None => "Our orders do not move the market, and nobody reacts to them.".to_owned(),
        Some(model) => {
            let max = percent(model.max().units());
            format!(
                "The size of a taking order costs it up to {max} beside slippage, by the impact model of the \
                 configuration. The next price is the market's again, and nobody reacts to our orders."
            )
        }
    }
}

fn spread(config: &BacktestConfig) -> String {
    let spread = percent(config.costs.spread.units());
    format!("Without quotes a taker pays half a spread of {spread} around the last price.")
}

const fn account(config: &BacktestConfig) -> &'static str {
    match config.limits.account {
        Account::Cash => "The account is a cash account: no shorts, no borrowing.",
        Account::Margin => {
            "The account is a margin account with linear contracts settled in one currency; shorts are \
             possible and liquidation by the venue is not modelled."
        }
    }
}

const fn end(end: EndOfData) -> &'static str {
    match end {
        EndOfData::Keep => "Positions open at the end stay open and are valued at the last price.",
        EndOfData::Flatten => "Positions open at the end are closed at the last price.",
        EndOfData::FlattenAtLastOpen => {
            "OPTIMISTIC: positions open at the end are closed at the open of the last bar, which looks back."
        }
    }
}

fn percent(parts_per_billion: i64) -> String {
    let units = i128::from(parts_per_billion);
    format!("{} %", engine_core::num::Decimal { units, decimals: 7 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim_venue::scenario_tests::config;

    #[test]
    fn an_order_sized_before_the_bar_of_its_moment_is_told_where_there_can_be_one() {
        let told = |fill, instruments: usize| {
            let one = config(fill);
            let instruments = vec![one.instruments[0].clone(); instruments];
            let said = sentences(&BacktestConfig { instruments, ..one });
            said.iter().any(|sentence| sentence.contains("sized and checked at the close before"))
        };
        assert!(told(FillModel::SameClose, 2));
        assert!(!told(FillModel::SameClose, 1) && !told(FillModel::NextOpen, 2));
    }
}
