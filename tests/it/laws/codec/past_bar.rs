//! Bars, and bars of the past, of any kind.

use super::*;

pub(super) fn past_bar() -> impl Strategy<Value = Input> {
    let sources = prop::sample::select(vec![HistorySource::Venue, HistorySource::Dataset]);
    let bar = update().prop_filter_map("a bar", |update| match update {
        MarketUpdate::Bar(bar) | MarketUpdate::SignalBar(bar) => Some(bar),
        MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::Open(_) => None,
    });
    (bar, sources).prop_map(|(bar, source)| Input::History(Box::new(PastBar { bar, source })))
}

pub(super) fn bar() -> impl Strategy<Value = Bar> {
    let prices = (price(), price(), price(), price());
    (instrument(), at(), at(), prices, qty(), any::<u32>()).prop_map(
        |(instrument, open_at, close_at, (open, high, low, close), volume, trades)| Bar {
            instrument,
            open_at,
            close_at,
            open,
            high,
            low,
            close,
            volume,
            trades,
        },
    )
}
