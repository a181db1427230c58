//! Training sets and the scores of 72 genomes on them.

use engine_core::indicator::Candle;
use engine_core::regime::Regime;
use strategies_legacy::fitness::score;
use strategies_legacy::specialist::{Genome, PUBLISHED};
use strategies_legacy::training::{TrainingRow, labels, training_set};

use super::{bitcoin, json, near, number, regime, table};

const TRAINED: [Regime; 3] = [Regime::Volatile, Regime::Trending, Regime::Ranging];

fn sets(history: &[Candle]) -> Vec<(Regime, Vec<TrainingRow>)> {
    let labels = labels(history);
    TRAINED.map(|regime| (regime, training_set(history, &labels, regime))).into()
}

#[test]
fn every_row_of_the_training_sets_is_reproduced() {
    let Some((times, history)) = bitcoin() else { return };
    for (regime, ours) in sets(&history) {
        let golden = table(&format!("golden_train_{}.csv", regime.name())).unwrap();
        assert_eq!(ours.len(), golden.len(), "{regime:?}");
        for (ours, row) in ours.iter().zip(&golden) {
            assert_eq!(times[ours.bar], row["time"]);
            near(ours.close, number(&row["close"]).unwrap(), 1e-15, "close");
            let atr = number(&row["atr"]);
            assert_eq!(ours.atr.is_some(), atr.is_some(), "{}", row["time"]);
            near(ours.atr.unwrap_or(0.0), atr.unwrap_or(0.0), 1e-9, "atr");
            near(ours.daily_return.unwrap(), number(&row["returns"]).unwrap(), 1e-9, "returns");
            near(ours.signal, number(&row["prediction"]).unwrap(), 1e-9, "prediction");
        }
    }
}

#[test]
fn the_72_golden_genomes_score_as_they_did() {
    let (Some((_, history)), Some(golden)) = (bitcoin(), json("golden_fitness.json")) else { return };
    let sets = sets(&history);
    let golden = golden.as_array().unwrap();
    assert_eq!(golden.len(), 72);
    let mut without_number = 0;
    for case in golden {
        let wanted = regime(case["regime"].as_str().unwrap());
        let (_, rows) = sets.iter().find(|(regime, _)| Some(*regime) == wanted).unwrap();
        let genes: Vec<f64> =
            case["genome"].as_array().unwrap().iter().map(|gene| gene.as_f64().unwrap()).collect();
        let ours = score(&Genome::from(<[f64; 8]>::try_from(genes).unwrap()), rows);
        let metrics = &case["metrics"];
        assert_eq!(metrics["num_trades"], ours.trades, "{}", case["name"]);
        let figures = [
            ("fitness", ours.fitness),
            ("total_return", ours.total_return),
            ("sharpe_ratio", ours.sharpe_ratio),
            ("win_rate", ours.win_rate),
            ("max_drawdown", ours.max_drawdown),
            ("avg_trade_return", ours.avg_trade_return),
            ("profit_factor", ours.profit_factor),
        ];
        for (name, ours) in figures {
            let what = format!("{} {} {name}", case["regime"], case["name"]);
            match metrics[name].as_f64() {
                Some(golden) => near(ours, golden, 1e-9, &what),
                None => assert!(ours.is_nan(), "{what}: {ours} is a number"),
            }
        }
        without_number += usize::from(ours.fitness.is_nan());
    }
    assert_eq!(without_number, 3, "the three volatile genomes with an entry threshold of nothing");
}

#[test]
fn the_published_specialists_are_the_stored_vectors() {
    let Some(stored) = json("genomes.json") else { return };
    let files = [
        ("outputs/conductor_enhanced_volatile_20251108_111639.json", PUBLISHED.volatile),
        ("outputs/conductor_enhanced_trending_20251108_114301.json", PUBLISHED.trending),
        ("outputs/conductor_enhanced_ranging_20251108_141359.json", PUBLISHED.ranging),
    ];
    for (file, ours) in files {
        // The JSON reader may be off by the last bit.
        for (ours, stored) in genes(&ours).into_iter().zip(genes(&genome(&stored, file))) {
            near(ours, stored, 1e-15, file);
        }
    }
}

fn genes(genome: &Genome) -> [f64; 8] {
    [
        genome.stop_loss,
        genome.take_profit,
        genome.position_size,
        genome.entry_threshold,
        genome.exit_threshold,
        genome.max_hold_time,
        genome.volatility_scaling,
        genome.momentum_weight,
    ]
}

/// The vector stored as `file`.
pub(super) fn genome(stored: &serde_json::Value, file: &str) -> Genome {
    let all = stored["genomes"].as_array().unwrap();
    let one = all.iter().find(|genome| genome["source_file"] == file).unwrap();
    let genes: Vec<f64> =
        one["genome"].as_array().unwrap().iter().map(|gene| gene.as_f64().unwrap()).collect();
    Genome::from(<[f64; 8]>::try_from(genes).unwrap())
}
