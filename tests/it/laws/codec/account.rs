//! What is learned of accounts, of any size and in any letters.

use engine_core::asset::{Asset, AssetAmount, AssetPair};
use engine_core::epoch::Epoch;
use engine_core::num::Amount;

use super::*;

fn asset() -> impl Strategy<Value = Asset> {
    ".{0,12}".prop_map(|name| Asset::new(&name))
}

fn amount() -> impl Strategy<Value = Amount> {
    any::<i128>().prop_map(Amount::from_units)
}

fn held() -> impl Strategy<Value = AssetAmount> {
    (asset(), amount()).prop_map(|(asset, amount)| AssetAmount { asset, amount })
}

fn difference() -> impl Strategy<Value = BalanceDifference> {
    (asset(), amount(), amount()).prop_map(|(asset, ours, venue)| BalanceDifference { asset, ours, venue })
}

fn event() -> impl Strategy<Value = AccountEvent> {
    let pair = (asset(), asset()).prop_map(|(base, quote)| AssetPair { base, quote });
    let begun = (any::<u16>(), prop::collection::vec(pair, 0..4))
        .prop_map(|(epoch, pairs)| AccountEvent::Begun(AccountBeginning { epoch: Epoch::new(epoch), pairs }));
    let stated = (at(), prop::collection::vec(held(), 0..4))
        .prop_map(|(venue_at, balances)| AccountEvent::Stated(AccountStatement { venue_at, balances }));
    let charged = (order_id(), any::<u128>(), held()).prop_map(|(order, trade, charge)| {
        AccountEvent::Charged(FeeCharge { order, trade: TradeId::new(trade), charge })
    });
    let moved = (at(), held(), ".{0,40}")
        .prop_map(|(venue_at, moved, words)| AccountEvent::Moved(AssetTransfer { venue_at, moved, words }));
    let traded =
        (prop::option::of(instrument()), any::<u128>(), ".{0,40}", at(), prop::collection::vec(held(), 0..4))
            .prop_map(|(instrument, trade, order, venue_at, moved)| {
                let trade = TradeId::new(trade);
                AccountEvent::Traded(ForeignTrade { instrument, trade, order, venue_at, moved })
            });
    let order = (".{0,40}", side(), prop::option::of(price()), qty())
        .prop_map(|(name, side, price, left)| ForeignOrder { name, side, price, left });
    let foreign = (instrument(), prop::collection::vec(order, 0..4))
        .prop_map(|(instrument, orders)| AccountEvent::Foreign(ForeignOrders { instrument, orders }));
    let sent =
        (order_id(), at()).prop_map(|(order, wire_at)| AccountEvent::Sent(OrderSent { order, wire_at }));
    let named =
        (order_id(), ".{0,40}").prop_map(|(order, name)| AccountEvent::Named(VenueOrder { order, name }));
    let accepted = (".{0,12}", ".{0,40}", prop::collection::vec(difference(), 0..4)).prop_map(
        |(by, reason, differences)| AccountEvent::Accepted(AccountAcceptance { by, reason, differences }),
    );
    prop_oneof![
        begun,
        stated,
        charged,
        moved,
        traded,
        accepted,
        sent,
        order_id().prop_map(AccountEvent::Unanswered),
        named,
        order_id().prop_map(AccountEvent::NeverPlaced),
        (order_id(), ".{0,40}")
            .prop_map(|(order, words)| AccountEvent::Explained(OrderWords { order, words })),
        foreign,
        (at(), ".{0,40}").prop_map(|(until, words)| AccountEvent::Paused(VenuePause { until, words })),
    ]
}

pub(super) fn account() -> impl Strategy<Value = Input> {
    event().prop_map(|event| Input::Account(Box::new(event)))
}

pub(super) fn output() -> impl Strategy<Value = Output> {
    let differs = prop::collection::vec(difference(), 0..4)
        .prop_map(|assets| Output::AccountDiffers(Box::new(AccountDifference { assets })));
    let fates = vec![OrderFate::Placed, OrderFate::Ended, OrderFate::NeverPlaced];
    let resolved = (order_id(), prop::sample::select(fates))
        .prop_map(|(order, fate)| Output::OrderResolved(OrderResolution { order, fate }));
    let postponed = intent().prop_map(|intent| Output::Postponed(Box::new(intent)));
    prop_oneof![differs, Just(Output::AccountAgrees), resolved, postponed]
}
