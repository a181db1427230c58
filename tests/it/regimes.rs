//! The two-axis detector reproduces its reference implementation on every bar of daily Bitcoin.

use engine_core::indicator::Candle;
use engine_core::regime::two_axis::{TwoAxisDetector, TwoAxisMeasures};
use engine_core::regime::{RegimeDetector, RegimeReading};
use system_tests::shared;

/// The reference writes ten digits.
const TOLERANCE: f64 = 1e-9;

/// The fields of each row after the header.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

fn number(field: &str) -> f64 {
    field.parse().unwrap()
}

fn assert_close(found: f64, expected: &str, what: &str) {
    let expected = number(expected);
    assert!((found - expected).abs() <= TOLERANCE * expected.abs(), "{what}: {found}, expected {expected}");
}

fn assert_row(row: &[&str], reading: Option<RegimeReading>, measures: Option<&TwoAxisMeasures>) {
    let [date, _, _, detected, ratio, efficiency, drift] = row else { panic!("seven fields") };
    let Some(reading) = reading else {
        assert_eq!((*detected, *ratio), ("0", ""), "{date}");
        return;
    };
    let measures = measures.unwrap();
    assert_eq!(reading.raw.index(), detected.parse::<usize>().unwrap(), "{date}");
    assert_close(measures.volatility_ratio, ratio, date);
    assert_close(measures.efficiency, efficiency, date);
    assert_close(measures.drift, drift, date);
    assert_eq!(reading.volatility_ratio.get().to_bits(), measures.volatility_ratio.to_bits());
}

#[test]
fn every_row_of_the_reference_is_reproduced() {
    let (Some(input), Some(golden)) =
        (shared("data/seed/btc_1d.csv"), shared("data/models/golden_regime_btc_seed.csv"))
    else {
        return;
    };
    let (input, golden) = (std::fs::read_to_string(input).unwrap(), std::fs::read_to_string(golden).unwrap());
    let (bars, expected) = (rows(&input), rows(&golden));
    // The reference leaves out the last, possibly unfinished, day.
    assert_eq!((bars.len(), expected.len()), (4_056, 4_055));
    let mut detector = TwoAxisDetector::default();
    let mut read = 0;
    for (bar, row) in bars.iter().zip(&expected) {
        assert_eq!(bar[0].get(..10).unwrap(), row[0]);
        let reading = detector.learn(&Candle::at(number(bar[4])));
        read += usize::from(reading.is_some());
        assert_row(row, reading, detector.measures());
    }
    assert_eq!(read, 4_055 - 199);
}

#[test]
fn hysteresis_calms_the_label_without_losing_it() {
    let Some(input) = shared("data/seed/btc_1d.csv") else { return };
    let input = std::fs::read_to_string(input).unwrap();
    let mut detector = TwoAxisDetector::default();
    let readings = rows(&input).into_iter().filter_map(|bar| detector.learn(&Candle::at(number(bar[4]))));
    let readings: Vec<RegimeReading> = readings.collect();
    let years = readings.len() as f64 / 365.0;
    let raw = readings.windows(2).filter(|pair| pair[0].raw != pair[1].raw).count() as f64 / years;
    let slow = readings.windows(2).filter(|pair| pair[0].regime != pair[1].regime).count() as f64 / years;
    let same = readings.iter().filter(|reading| reading.raw == reading.regime).count();
    println!("{raw:.1} changes a year raw, {slow:.1} with hysteresis, {same} of {} alike", readings.len());
    assert!((50.0..60.0).contains(&raw) && (38.0..46.0).contains(&slow), "{raw} raw, {slow} with hysteresis");
    assert!(same as f64 / readings.len() as f64 > 0.9);
}
