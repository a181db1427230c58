//! Strategies of a user: rules in the configuration and targets from a file, on synthetic markets.

use std::path::Path;

use engine_core::event::{Event, Output};
use engine_core::order::Reach;
use engine_core::time::Span;
use journal_store::memory_journal::MemoryJournal;
use replay_history::synth::{SynthRequest, SynthSize, synthesise};
use system_tests::{Played, play, play_into, resolved};

fn market(dir: &Path, seed: u64) {
    synthetic(dir, "ONE", seed, SynthSize::Bars(1_500, Span::DAY));
}

fn synthetic(dir: &Path, symbol: &str, seed: u64, size: SynthSize) {
    let (dataset, venue, symbol) = (dir.to_path_buf(), "synthetic".into(), symbol.into());
    synthesise(&SynthRequest { dataset, venue, symbol, seed, size }).unwrap();
}

fn toml(strategy: &str) -> String {
    format!(
        "[run]\ncapital = \"100000\"\n[costs]\ntaker_fee = \"0.1%\"\n[risk]\ndrawdown_max = 1\n[strategy]\n{strategy}\n"
    )
}

fn played(strategy: &str, dir: &Path) -> Played {
    play(&toml(strategy), &[dir])
}

/// Every closed trade: when, at what price, how much, at what fee; without the numbers of orders and reasons, which count on from a
/// trade that only one of two runs has.
fn trades(played: &Played) -> Vec<String> {
    let told = played.trades.iter().map(|trade| {
        let whole = format!("{trade:?}");
        whole.split(", entry_order").next().unwrap_or_default().to_owned()
    });
    told.collect()
}

const EMA_CROSS: &str = "name = \"ema-cross\"\nfast = 10\nslow = 30\nwarmup = 30\nsize = { units = \"1\" }";

#[test]
fn crosses_written_as_rules_make_the_trades_of_the_policy() {
    let mut compared = 0;
    for seed in 1..=6 {
        let dir = tempfile::tempdir().unwrap();
        market(dir.path(), seed);
        let policy = trades(&played(EMA_CROSS, dir.path()));
        let side = "name = \"rules\"\nsize = { units = \"1\" }\n\
                    enter_long = \"ema(10) > ema(30)\"\nexit_long = \"ema(10) < ema(30)\"";
        assert_eq!(trades(&played(side, dir.path())), policy, "seed {seed}");
        let cross = "name = \"rules\"\nsize = { units = \"1\" }\n\
                     enter_long = \"cross_up(ema(10), ema(30))\"\nexit_long = \"cross_down(ema(10), ema(30))\"";
        let cross = trades(&played(cross, dir.path()));
        // The policy also enters at its first decision where the fast average is above already: that is no cross.
        let began_above = policy.len() - cross.len();
        assert!(began_above <= 1, "seed {seed}: {} and {}", policy.len(), cross.len());
        assert_eq!(cross, policy[began_above..], "seed {seed}");
        compared += cross.len();
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn reversals_written_as_rules_make_the_fills_of_the_policy() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), 3);
    let policy = played(&format!("{EMA_CROSS}\ndirection = \"long-short\""), dir.path());
    let rules = "name = \"rules\"\nsize = { units = \"1\" }\n\
                 enter_long = \"ema(10) > ema(30)\"\nenter_short = \"ema(10) < ema(30)\"";
    let rules = played(rules, dir.path());
    assert!(policy.trades.len() > 10);
    assert_eq!(trades(&rules), trades(&policy));
    assert_eq!(rules.counts.fills, policy.counts.fills);
}

#[test]
fn a_position_that_a_stop_closed_is_entered_again_while_the_rule_is_true() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), 4);
    let rules = "name = \"rules\"\nenter_long = \"close > 0\"\nstop_loss = \"2%\"\nsize = { units = \"1\" }";
    let played = played(rules, dir.path());
    assert!(played.trades.len() > 20, "{}", played.trades.len());
    assert_eq!(played.counts.refusals.values().sum::<u64>(), 0, "{:?}", played.counts);
}

#[test]
fn a_stop_that_follows_is_a_setting_of_its_own_and_closes_at_another_price_than_one_that_stays() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), 4);
    let rules = |stop: &str| {
        let rules = "name = \"rules\"\nenter_long = \"close > 0\"\nsize = { units = \"1\" }";
        played(&format!("{rules}\n{stop} = \"2%\""), dir.path())
    };
    let [stays, follows] = [rules("stop_loss"), rules("trailing_stop")];
    assert!(follows.trades.len() > stays.trades.len(), "{} and {}", follows.trades.len(), stays.trades.len());
    assert_eq!(follows.counts.refusals.values().sum::<u64>(), 0, "{:?}", follows.counts);
}

/// Between two bars a stop may close the position, and a trade is no sample: nothing is entered before the next bar.
#[test]
fn rules_over_bars_made_of_trades_enter_when_a_bar_closes() {
    let mut entries = 0;
    for (seed, share) in (1..=8).zip(["0.02%", "0.03%", "0.05%", "0.08%"].into_iter().cycle()) {
        let dir = tempfile::tempdir().unwrap();
        synthetic(dir.path(), "ONE", seed, SynthSize::Ticks(40_000));
        let strategy = format!(
            "name = \"rules\"\nsource = \"bars\"\nenter_long = \"close > 0\"\nstop_loss = \"{share}\"\n\
             size = {{ units = \"0.01\" }}\n[bars]\ninterval = \"1m\""
        );
        let mut journal = MemoryJournal::default();
        let _ = play_into(&toml(&strategy), &[dir.path()], &mut journal);
        let mut closed_at = None;
        for envelope in journal.envelopes() {
            match envelope.event {
                Event::Output(Output::BarClosed(_)) => closed_at = Some(envelope.cause),
                Event::Output(Output::OrderSubmitted(submission)) => {
                    let order = submission.order;
                    if order.reach == Reach::Any && order.parent.is_none() {
                        assert_eq!(Some(envelope.cause), closed_at, "an entry in a step that closed no bar");
                        entries += 1;
                    }
                }
                Event::Input(_) | Event::Output(_) => {}
            }
        }
    }
    assert!(entries > 100, "{entries}");
}

/// All capital goes from one instrument to the other and back, whichever of them the run names first.
#[test]
fn capital_moves_between_instruments_in_either_order() {
    for symbols in [["ONE", "TWO"], ["TWO", "ONE"]] {
        let dir = tempfile::tempdir().unwrap();
        for (seed, symbol) in (7..).zip(["ONE", "TWO"]) {
            synthetic(dir.path(), symbol, seed, SynthSize::Bars(400, Span::DAY));
        }
        let file = dir.path().join("signals.csv");
        let mut text = "time,symbol,target\n".to_owned();
        for turn in 0..10_u64 {
            let at = 1_704_067_200 + (20 + turn * 20) * 86_400;
            let [one, two] = if turn % 2 == 0 { ["0.9", "0"] } else { ["0", "0.9"] };
            text.push_str(&format!("{at},ONE,{one}\n{at},TWO,{two}\n"));
        }
        std::fs::write(&file, &text).unwrap();
        let data: String =
            symbols.iter().map(|symbol| format!("[[data]]\nsymbol = \"{symbol}\"\n")).collect();
        let strategy = format!("name = \"signals\"\nfile = {:?}\n{data}", file.to_str().unwrap());
        let followed = played(&strategy, dir.path());
        assert_eq!(followed.counts.refusals.values().sum::<u64>(), 0, "{symbols:?}: {:?}", followed.counts);
        // One purchase, then a sale and a purchase for each turn after the first.
        assert_eq!(followed.counts.fills, 19, "{symbols:?}: {:?}", followed.counts);
    }
}

/// Half of equity is three lots and some change, and so is a little more than half: nothing is to be done, at once and
/// after the market has moved.
#[test]
fn a_target_that_is_met_within_a_lot_makes_no_order() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), 5);
    let file = dir.path().join("signals.csv");
    let text = |rows: &[(u64, &str)]| {
        let rows = rows.iter().map(|(day, target)| format!("{},{target}\n", 1_704_067_200 + day * 86_400));
        "time,target\n".to_owned() + &rows.collect::<String>()
    };
    let strategy = |lot: &str| {
        let data = format!("[instrument.ONE]\nlot = \"{lot}\"");
        format!("name = \"signals\"\nfile = {:?}\n{data}", file.to_str().unwrap())
    };
    for fill in ["next-open", "same-close"] {
        let follow = |rows: &[(u64, &str)], lot: &str| {
            std::fs::write(&file, text(rows)).unwrap();
            let toml = toml(&strategy(lot)).replace("[run]", &format!("[run]\nfill = \"{fill}\""));
            play(&toml, &[dir.path()])
        };
        let once = follow(&[(10, "0.5")], "0.3");
        let again = follow(&[(10, "0.5"), (11, "0.5000001")], "0.3");
        assert_eq!((once.counts.fills, again.counts.fills), (1, 1), "{:?}", again.counts);
        assert_eq!(again.counts.refusals.values().sum::<u64>(), 0, "{:?}", again.counts);
        let fine = follow(&[(10, "0.5"), (11, "0.7")], "0.3");
        assert_eq!((fine.counts.fills, fine.counts.refusals.len()), (2, 0), "{:?}", fine.counts);
    }
}

#[test]
fn a_refused_entry_is_not_repeated_while_its_rule_stays_true() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), 4);
    let rules = "name = \"rules\"\nenter_long = \"close > 0\"\nsize = { units = \"1000000\" }";
    let played = played(rules, dir.path());
    assert_eq!((played.counts.fills, played.counts.refusals.values().sum::<u64>()), (0, 1));
}

#[test]
fn targets_of_a_file_are_followed_and_a_changed_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path(), 5);
    let file = dir.path().join("signals.csv");
    let days = |day: u64| day * 86_400;
    // The synthetic market begins somewhere: its first record takes what is due by then.
    let probe = played("name = \"buy-and-hold\"", dir.path());
    let begin = u64::try_from(probe.core.state().now().nanos()).unwrap() / 1_000_000_000 - days(1_499);
    let rows = [(10, "0.5"), (20, "1"), (30, "0.25"), (31, "0.25"), (40, "-0.5"), (50, "0")];
    let mut text = "time,target\n".to_owned();
    for (day, target) in rows {
        text.push_str(&format!("{},{target}\n", begin + days(day)));
    }
    std::fs::write(&file, &text).unwrap();
    let strategy = format!("name = \"signals\"\nfile = \"{}\"", file.display());
    let followed = played(&strategy, dir.path());
    assert_eq!(followed.counts.refusals.values().sum::<u64>(), 0, "{:?}", followed.counts);
    // In, more, less, the same again, round in two orders, out.
    assert_eq!(followed.counts.fills, 6, "{:?}", followed.counts);
    assert!(followed.core.state().ledger().positions().iter().all(|position| position.qty.is_zero()));
    let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    assert!(followed.config.config_json.contains(&hash), "{}", followed.config.config_json);

    std::fs::write(&file, text.replace("0.25", "0.26")).unwrap();
    let mut datasets = replay_simulation::series_feed::OpenDatasets::default();
    let again: serde_json::Value = serde_json::from_str(&followed.config.config_json).unwrap();
    let settings = engine_application::config::RunSettings::read(again.as_object().unwrap()).unwrap();
    let refused = engine_application::config::policy_of(&settings, &followed.config.instruments);
    let said = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("it was changed") && said.contains(&hash), "{said}");
    // A new run takes the new content, under its own hash.
    let (config, _) = resolved(&toml(&strategy), &[dir.path()], &mut datasets);
    assert!(!config.config_json.contains(&hash));
}
