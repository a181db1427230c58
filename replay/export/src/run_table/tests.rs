//! What is written comes back, in every format.

use std::fs::File;
use std::io::{Seek as _, SeekFrom};

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use proptest::prelude::*;

use super::*;

fn instrument(price_decimals: u8, qty_decimals: u8) -> Instrument {
    Instrument {
        venue: "v".into(),
        symbol: "A,B".into(),
        price_decimals,
        qty_decimals,
        tick: Price::from_units(1),
        lot: Qty::from_units(1),
        notional_min: Money::ZERO,
    }
}

fn written(table: RunTable, format: ExportFormat, rows: &[Vec<Cell>]) -> Result<Vec<u8>, ExportError> {
    let mut bytes = Vec::new();
    let rules = [instrument(2, 8), instrument(6, 3)];
    let mut writer = RunTableWriter::new(table, format, &rules, &mut bytes)?;
    rows.iter().try_for_each(|row| writer.row(row.clone()))?;
    assert_eq!(writer.finish()?, rows.len() as u64);
    Ok(bytes)
}

fn reader(bytes: &[u8]) -> SerializedFileReader<File> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    SerializedFileReader::new(file).unwrap()
}

fn equity(at: i64, units: i128) -> Vec<Cell> {
    let money = || Cell::money(Money::from_units(units));
    vec![Cell::Moment(Timestamp::from_nanos(at)), money(), money(), Cell::Absent, money(), money()]
}

#[test]
fn words_with_commas_and_quotes_are_quoted() {
    assert_eq!(csv_cell(&Cell::text("a,\"b\"\n")), "\"a,\"\"b\"\"\n\"");
    assert_eq!(csv_cell(&Cell::text("plain words")), "plain words");
    assert_eq!((csv_cell(&Cell::Absent), csv_cell(&Cell::Float(f64::NAN))), (String::new(), String::new()));
}

#[test]
fn a_number_of_more_digits_than_parquet_holds_is_refused() {
    let most = 10_i128.pow(38) - 1;
    assert!(written(RunTable::Equity, ExportFormat::Parquet, &[equity(1, most)]).is_ok());
    let refused = written(RunTable::Equity, ExportFormat::Parquet, &[equity(1, most + 1)]);
    assert!(matches!(refused, Err(ExportError::TooManyDigits { column: "equity", .. })), "{refused:?}");
}

#[test]
fn prices_of_instruments_with_other_decimals_share_one_scale() {
    let mut row = vec![Cell::Moment(Timestamp::from_nanos(1)), Cell::text("v:x")];
    let rules = instrument(2, 8);
    row.extend([
        Cell::qty(&rules, Qty::from_units(5)),
        Cell::Absent,
        Cell::price(&rules, Price::from_units(-125)),
    ]);
    row.extend([
        Cell::Absent,
        Cell::Absent,
        Cell::Absent,
        Cell::Absent,
        Cell::Absent,
        Cell::Count(3),
        Cell::Absent,
    ]);
    let bytes = written(RunTable::Positions, ExportFormat::Parquet, &[row]).unwrap();
    let reader = reader(&bytes);
    let read = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let texts: Vec<String> = read.get_column_iter().map(|(_, field)| field.to_string()).collect();
    assert_eq!((texts[2].as_str(), texts[4].as_str(), texts[10].as_str()), ("0.00000005", "-1.250000", "3"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_exact_number_comes_back_to_the_last_digit(
        rows in prop::collection::vec((any::<i64>(), -(10_i128.pow(38) - 1)..10_i128.pow(38)), 1..8),
    ) {
        let cells: Vec<Vec<Cell>> = rows.iter().map(|(at, units)| equity(*at, *units)).collect();
        let bytes = written(RunTable::Equity, ExportFormat::Parquet, &cells).unwrap();
        let reader = reader(&bytes);
        for (read, (at, units)) in reader.get_row_iter(None).unwrap().zip(&rows) {
            let fields: Vec<Field> = read.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect();
            let Field::Decimal(decimal) = &fields[1] else { panic!("{:?}", fields[1]) };
            let back = i128::from_be_bytes(decimal.data().try_into().unwrap());
            prop_assert_eq!((back, decimal.scale()), (*units, 18));
            prop_assert_eq!(&fields[3], &Field::Null);
            // The reader shows moments of nanoseconds as plain numbers.
            prop_assert!(fields[0].to_string().contains(&at.to_string()), "{:?}", fields[0]);
        }
        for format in [ExportFormat::Csv, ExportFormat::Jsonl] {
            let text = String::from_utf8(written(RunTable::Equity, format, &cells).unwrap()).unwrap();
            for (line, (_, units)) in text.lines().skip(usize::from(format == ExportFormat::Csv)).zip(&rows) {
                let number = Decimal { units: *units, decimals: MONEY_DECIMALS }.to_string();
                prop_assert!(line.contains(&number), "{line} {number}");
            }
        }
    }
}
