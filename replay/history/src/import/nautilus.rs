//! Columns of nautilus_trader's catalogue: fixed-point numbers as whole ones.
//!
//! Eight bytes, or a whole number of 64 bits, count thousand-millionths; sixteen bytes count 10⁻¹⁶. The precision
//! in the file's notes only says how many of these digits matter: the rest are zeros.

use parquet::basic::Type as Physical;
use parquet::record::Field;
use parquet::schema::types::Type;

/// What a column of a catalogue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fixed {
    /// Not a fixed-point number.
    Plain,
    /// A number with this many decimals.
    Decimals(u32),
    /// Who took liquidity: 0 nobody, 1 the buyer, 2 the seller.
    Aggressor,
}

/// The columns that hold prices and quantities, and what we call them.
const NAMES: [(&str, &str); 18] = [
    ("open", "open"),
    ("high", "high"),
    ("low", "low"),
    ("close", "close"),
    ("volume", "volume"),
    ("price", "price"),
    ("size", "size"),
    ("bid_price", "bid_price"),
    ("ask_price", "ask_price"),
    ("bid_size", "bid_size"),
    ("ask_size", "ask_size"),
    ("bid", "bid"),
    ("ask", "ask"),
    ("trade_id", "trade_id"),
    ("aggressor_side", "side"),
    ("ts_event", "time_ns"),
    ("ts_init", "local_time_ns"),
    ("instrument_id", "instrument"),
];

/// The columns of a file of nautilus_trader with our names, or `None` when `schema` is of another source.
pub(crate) fn columns(schema: &Type) -> Option<Vec<(String, Fixed)>> {
    let fields = schema.get_fields();
    let has = |name: &str| fields.iter().any(|field| field.name() == name);
    let prices = has("open") || has("price") || has("bid_price") || has("bid");
    if !(has("ts_event") && has("ts_init") && prices) {
        return None;
    }
    let bars = has("open");
    let columns = fields.iter().map(|field| {
        let name = NAMES.iter().find(|(theirs, _)| *theirs == field.name()).map(|(_, ours)| *ours);
        // A bar is not received at one moment: what is noted as its initialisation is no lag.
        let name = name.filter(|ours| !(bars && *ours == "local_time_ns"));
        let name = name.map_or_else(|| format!("other {}", field.name()), str::to_owned);
        let fixed = fixed(field, &name);
        (name, fixed)
    });
    Some(columns.collect())
}

fn fixed(field: &Type, name: &str) -> Fixed {
    if name == "side" {
        return Fixed::Aggressor;
    }
    let number = !matches!(name, "trade_id" | "time_ns" | "local_time_ns" | "instrument")
        && !name.starts_with("other ");
    if !number || !field.is_primitive() {
        return Fixed::Plain;
    }
    match (field.get_physical_type(), type_length(field)) {
        (Physical::FIXED_LEN_BYTE_ARRAY, 16) => Fixed::Decimals(16),
        (Physical::FIXED_LEN_BYTE_ARRAY, 8) | (Physical::INT64, _) => Fixed::Decimals(9),
        _ => Fixed::Plain,
    }
}

fn type_length(field: &Type) -> i32 {
    match field {
        Type::PrimitiveType { type_length, .. } => *type_length,
        Type::GroupType { .. } => 0,
    }
}

/// The text of `field` where it is one of these numbers.
pub(crate) fn cell(field: &Field, fixed: Fixed) -> Option<String> {
    match (fixed, field) {
        (Fixed::Aggressor, side) => Some(match side.to_string().as_str() {
            "1" => "buy".to_owned(),
            "2" => "sell".to_owned(),
            "0" => String::new(),
            other => other.to_owned(),
        }),
        (Fixed::Decimals(decimals), Field::Long(units)) => Some(decimal(i128::from(*units), decimals)),
        (Fixed::Decimals(decimals), Field::ULong(units)) => Some(decimal(i128::from(*units), decimals)),
        (Fixed::Decimals(decimals), Field::Bytes(bytes)) => {
            let bytes = bytes.data();
            let short = bytes.try_into().ok().map(i64::from_le_bytes).map(i128::from);
            let units = short.or_else(|| bytes.try_into().ok().map(i128::from_le_bytes));
            units.map(|units| decimal(units, decimals))
        }
        _ => None,
    }
}

fn decimal(units: i128, decimals: u32) -> String {
    let scale = 10_u128.pow(decimals);
    let (whole, rest) = (units.unsigned_abs() / scale, units.unsigned_abs() % scale);
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{rest:0width$}", width = decimals as usize);
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{digits}") }
}
