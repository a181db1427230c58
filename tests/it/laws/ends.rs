//! Bars that end at a moment of their own are learned then: none before, and nothing of the next bar before that.

use std::collections::BTreeMap;

use engine_core::market::MarketUpdate;
use engine_core::time::Timestamp;
use proptest::prelude::*;
use replay_history::market_source::MarketSource;
use replay_simulation::config::FillModel;
use replay_simulation::series_feed::{OpenDatasets, open};

use super::{cases, law, market};

proptest! {
    #![proptest_config(law())]

    #[test]
    fn no_bar_is_seen_before_its_end(
        case in cases(&[FillModel::NextOpen, FillModel::SameClose]), page_bytes in 1_024_usize..8_192,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut config = case.config();
        let items = case.items();
        config.feeds = market::store(&items, dir.path(), page_bytes);
        let mut source = open(&config, &mut OpenDatasets::default()).unwrap().source;
        let mut ends: BTreeMap<_, Timestamp> = BTreeMap::new();
        let (mut seen, mut now) = (Vec::new(), Timestamp::MIN);
        while let Some(item) = source.next().unwrap() {
            prop_assert!(item.at >= now, "time goes forward");
            now = item.at;
            let end = ends.entry(item.update.instrument()).or_insert(Timestamp::MIN);
            match item.update {
                MarketUpdate::Open(bar) => prop_assert!(bar.open_at >= *end && item.at >= *end),
                MarketUpdate::Bar(bar) => {
                    prop_assert!(item.at >= bar.close_at && bar.open_at >= *end);
                    *end = bar.close_at;
                }
                MarketUpdate::Trade(_) | MarketUpdate::Quote(_) | MarketUpdate::SignalBar(_) => {
                    prop_assert!(false, "only bars were stored");
                }
            }
            seen.push(item);
        }
        // What was stored is what is read, each bar with the end it was given.
        prop_assert_eq!(seen, items);
    }
}
