//! Faults of data, of any kind.

use super::*;

fn traded() -> impl Strategy<Value = NumberedTrade> {
    let trade = update().prop_filter_map("a trade", |update| match update {
        MarketUpdate::Trade(trade) => Some(trade),
        MarketUpdate::Quote(_)
        | MarketUpdate::Open(_)
        | MarketUpdate::Bar(_)
        | MarketUpdate::SignalBar(_) => None,
    });
    (any::<u64>(), trade).prop_map(|(number, trade)| NumberedTrade { number, trade })
}

fn silent() -> impl Strategy<Value = SilentStream> {
    let streams = vec![StreamKind::Trades, StreamKind::Quotes, StreamKind::Bars];
    (prop::sample::select(streams), at()).prop_map(|(stream, since)| SilentStream { stream, since })
}

fn finding() -> impl Strategy<Value = DataFinding> {
    let crossed = update().prop_filter_map("a quote", |update| match update {
        MarketUpdate::Quote(quote) => Some(DataFinding::Crossed(quote)),
        MarketUpdate::Trade(_)
        | MarketUpdate::Open(_)
        | MarketUpdate::Bar(_)
        | MarketUpdate::SignalBar(_) => None,
    });
    let withheld = (traded(), price(), ratio())
        .prop_map(|(what, reference, collar)| DataFinding::Withheld(OutOfCollar { what, reference, collar }));
    let by = prop::sample::select(vec![Confirmation::Trades, Confirmation::Quote]);
    let released = (any::<u64>(), any::<u32>(), by)
        .prop_map(|(first, count, by)| DataFinding::Released(ReleasedTrades { first, count, by }));
    let repeated = (any::<u64>(), any::<u64>(), any::<u64>())
        .prop_map(|(first, last, count)| DataFinding::Repeated(RepeatedTrades { first, last, count }));
    let fate = prop::sample::select(vec![HoleFate::Asked, HoleFate::Stays]);
    let missing = (any::<Option<u64>>(), any::<u64>(), fate)
        .prop_map(|(after, before, fate)| DataFinding::Missing(MissingTrades { after, before, fate }));
    prop_oneof![
        crossed,
        withheld,
        released,
        traded().prop_map(DataFinding::Discarded),
        repeated,
        missing,
        silent().prop_map(DataFinding::Stale),
        silent().prop_map(DataFinding::Spoke),
        any::<u64>().prop_map(|count| DataFinding::Conflated(ConflatedQuotes { count })),
        (bar(), bar()).prop_map(|(told, built)| DataFinding::Contradicted(ContradictedBar { told, built })),
    ]
}

pub(in crate::laws) fn data_fault() -> impl Strategy<Value = Input> {
    (instrument(), finding())
        .prop_map(|(instrument, finding)| Input::DataFault(Box::new(DataFault { instrument, finding })))
}
