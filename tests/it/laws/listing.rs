//! Neither the names of instruments nor the order they are listed in change any figure.
//!
//! Instruments share one account, so at one moment who comes first may get the last of the cash. Who that is follows
//! from the data alone.

use engine_core::instrument::InstrumentId;
use proptest::prelude::*;
use replay_simulation::config::FillModel;
use serde_json::Value;
use system_tests::{Played, play};

use super::law;
use super::market::{self, Move};

/// A run over several instruments, all of it in words.
#[derive(Debug, Clone)]
struct Listed {
    instruments: u16,
    moves: Vec<Move>,
    fill: &'static str,
    policy: &'static str,
    share: &'static str,
    account: &'static str,
    end: &'static str,
}

const POLICIES: [&str; 6] = [
    "name = \"sma-cross\"\nfast = 1\nslow = 3\ndirection = \"DIRECTION\"\nstop_loss = \"1%\"\ntake_profit = \"2%\"",
    "name = \"ema-cross\"\nfast = 2\nslow = 4\ndirection = \"DIRECTION\"",
    "name = \"donchian\"\nentry = 3\nexit = 2\ndirection = \"DIRECTION\"\nstop_loss = \"2%\"",
    "name = \"random\"\nprobability = \"40%\"\ndirection = \"DIRECTION\"",
    "name = \"buy-and-hold\"",
    "name = \"limit-dip\"\noffset = \"0.1%\"\nhold = 2",
];

fn listed() -> impl Strategy<Value = Listed> {
    let market = (2_u16..=4).prop_flat_map(|count| (Just(count), market::moves(count, 40..160)));
    let words = (
        prop::sample::select(vec!["next-open", "same-close"]),
        prop::sample::select(POLICIES.to_vec()),
        prop::sample::select(vec!["20%", "45%", "70%"]),
        prop::sample::select(vec!["cash", "margin"]),
        prop::sample::select(vec!["keep", "flatten"]),
    );
    (market, words).prop_map(|((instruments, moves), (fill, policy, share, account, end))| Listed {
        instruments,
        moves,
        fill,
        policy,
        share,
        account,
        end,
    })
}

impl Listed {
    fn toml(&self, symbols: &[String]) -> String {
        let direction = if self.account == "cash" { "long-only" } else { "long-short" };
        let data: String =
            symbols.iter().map(|symbol| format!("[[data]]\nsymbol = \"{symbol}\"\n")).collect();
        format!(
            "[run]\ncapital = \"1000\"\nfill = \"{}\"\nend = \"{}\"\n{data}[costs]\ntaker_fee = \"0.1%\"\n\
             slippage = \"5bps\"\n[risk]\naccount = \"{}\"\ndrawdown_max = \"30%\"\norders_per_minute_max = 6\n\
             price_collar = 1\n[strategy]\n{}\nsize = {{ equity_share = \"{}\" }}\n",
            self.fill,
            self.end,
            self.account,
            self.policy.replace("DIRECTION", direction),
            self.share,
        )
    }

    /// Plays with the symbol of each instrument by its number, listed in this order.
    fn play(&self, symbol: impl Fn(u16) -> String, order: &[u16]) -> Played {
        let model = if self.fill == "next-open" { FillModel::NextOpen } else { FillModel::SameClose };
        let items = market::items(model, &self.moves, 0);
        let dir = tempfile::tempdir().unwrap();
        let named = |id: InstrumentId| symbol(u16::try_from(id.index()).unwrap());
        let _ = market::store_as(&items, dir.path(), 4_096, &named);
        let present =
            |number: &&u16| items.iter().any(|item| item.update.instrument() == InstrumentId::new(**number));
        let symbols: Vec<String> = order.iter().filter(present).map(|number| symbol(*number)).collect();
        play(&self.toml(&symbols), &[dir.path()])
    }
}

/// Every figure of a run, the parts of its instruments in an order of their own and without their names.
fn figures(played: &Played) -> Value {
    let mut document = serde_json::to_value(&played.statistics).unwrap();
    let parts = document["instruments"].as_array_mut().unwrap();
    parts.iter_mut().for_each(|part| part["instrument"] = Value::Null);
    parts.sort_by_key(ToString::to_string);
    document
}

proptest! {
    #![proptest_config(law())]

    #[test]
    fn neither_names_nor_the_order_of_a_list_change_a_figure(
        listed in listed(), turn in any::<prop::sample::Index>(), backward in any::<bool>(),
    ) {
        let count = listed.instruments;
        let order: Vec<u16> = (0..count).collect();
        let first = listed.play(|number| format!("X{number}"), &order);
        let turn = u16::try_from(turn.index(usize::from(count))).unwrap();
        let place = |number: u16| {
            let turned = (number + turn) % count;
            if backward { count - 1 - turned } else { turned }
        };
        let mut other_order = order;
        other_order.sort_by_key(|number| place(*number));
        let second = listed.play(|number| format!("{}Y", char::from(b'A' + u8::try_from(place(number)).unwrap())), &other_order);
        prop_assert_eq!(figures(&first), figures(&second));
        prop_assert_eq!(&first.counts, &second.counts);
        prop_assert_eq!(first.core.state().equity(), second.core.state().equity());
        prop_assert_eq!(format!("{:?}", first.trades), format!("{:?}", second.trades));
    }
}
