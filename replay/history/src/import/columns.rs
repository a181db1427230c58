//! What the columns of a file mean: by their names, or as the operator says.

use std::str::FromStr;

use super::moment::TimeUnit;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The moment of the row.
    Time,
    /// The last moment of a bar, beside its first.
    CloseTime,
    /// The moment the row was received.
    LocalTime,
    /// First price of a bar.
    Open,
    /// Highest price of a bar.
    High,
    /// Lowest price of a bar.
    Low,
    /// Last price of a bar.
    Close,
    /// Quantity traded within a bar.
    Volume,
    /// Number of trades within a bar.
    Trades,
    /// Price of a trade.
    Price,
    /// Quantity of a trade.
    Qty,
    /// Side of the taker of a trade.
    Side,
    /// Whether the buyer of a trade was the maker.
    BuyerMaker,
    /// The venue's number of a trade.
    Id,
    /// Best price to sell at.
    Bid,
    /// Quantity bid for.
    BidQty,
    /// Best price to buy at.
    Ask,
    /// Quantity offered.
    AskQty,
    /// Name of the instrument.
    Symbol,
}

const ROLES: [(Role, &str); 19] = [
    (Role::Time, "time"),
    (Role::CloseTime, "close_time"),
    (Role::LocalTime, "local_time"),
    (Role::Open, "open"),
    (Role::High, "high"),
    (Role::Low, "low"),
    (Role::Close, "close"),
    (Role::Volume, "volume"),
    (Role::Trades, "trades"),
    (Role::Price, "price"),
    (Role::Qty, "qty"),
    (Role::Side, "side"),
    (Role::BuyerMaker, "buyer_maker"),
    (Role::Id, "id"),
    (Role::Bid, "bid"),
    (Role::BidQty, "bid_qty"),
    (Role::Ask, "ask"),
    (Role::AskQty, "ask_qty"),
    (Role::Symbol, "symbol"),
];

impl Role {
    /// Its name in `--columns` and in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        ROLES.iter().find(|(role, _)| *role == self).map_or("", |(_, name)| name)
    }
}

/// Roles of columns that all matter, in their order.
pub(crate) const fn in_places<const N: usize>(roles: [Role; N]) -> [Option<Role>; N] {
    let mut places = [None; N];
    let mut index = 0;
    while index < N {
        places[index] = Some(roles[index]);
        index += 1;
    }
    places
}

/// Which column plays which role.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Columns([Option<u16>; ROLES.len()]);

impl Columns {
    pub(crate) fn get(&self, role: Role) -> Option<usize> {
        self.0.get(role as usize).copied().flatten().map(usize::from)
    }

    pub(crate) fn set(&mut self, role: Role, column: Option<usize>) {
        if let Some(place) = self.0.get_mut(role as usize) {
            *place = column.and_then(|column| u16::try_from(column).ok());
        }
    }

    /// Columns in the order of `roles`; `None` stands for a column that does not matter.
    pub(crate) fn in_order(roles: &[Option<Role>]) -> Self {
        let mut columns = Self::default();
        for (index, role) in roles.iter().enumerate() {
            if let Some(role) = role {
                columns.set(*role, Some(index));
            }
        }
        columns
    }

    /// The roles of `wanted` that no column plays, by name.
    pub(crate) fn missing(&self, wanted: &[Role]) -> Vec<&'static str> {
        wanted.iter().filter(|role| self.get(**role).is_none()).map(|role| role.name()).collect()
    }
}

/// A column as the operator names it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ColumnName {
    Number(usize),
    Header(String),
}

/// The operator's own naming of columns: `time=ts:ns,price=2,qty=3`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnMap {
    entries: Vec<(Role, ColumnName, Option<TimeUnit>)>,
}

impl FromStr for ColumnMap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut entries = Vec::new();
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            entries.push(entry(part.trim())?);
        }
        Ok(Self { entries })
    }
}

fn entry(part: &str) -> Result<(Role, ColumnName, Option<TimeUnit>), String> {
    let explain = || format!("--columns {part:?}: write NAME=COLUMN or time=COLUMN:ns|us|ms|s");
    let (name, column) = part.split_once('=').ok_or_else(explain)?;
    let role = ROLES.iter().find(|(_, known)| *known == name.trim()).map(|(role, _)| *role);
    let role = role.ok_or_else(|| {
        let known: Vec<&str> = ROLES.iter().map(|(_, name)| *name).collect();
        format!("--columns {part:?}: {name:?} is not one of {}", known.join(", "))
    })?;
    let (column, unit) = match column.rsplit_once(':') {
        Some((column, suffix)) => (column, Some(TimeUnit::from_suffix(suffix.trim()).ok_or_else(explain)?)),
        None => (column, None),
    };
    if unit.is_some() && !matches!(role, Role::Time | Role::CloseTime | Role::LocalTime) {
        return Err(explain());
    }
    let column = match column.trim().parse::<usize>() {
        Ok(0) => return Err(format!("--columns {part:?}: columns are counted from 1")),
        Ok(number) => ColumnName::Number(number - 1),
        Err(_) => ColumnName::Header(column.trim().to_owned()),
    };
    Ok((role, column, unit))
}

impl ColumnMap {
    /// Whether the operator named nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the operator named the column of `role`.
    pub(crate) fn names(&self, role: Role) -> bool {
        self.entries.iter().any(|(named, _, _)| *named == role)
    }

    /// Lays the operator's choice over `columns` of a file with these `headers` (empty when it has none) and
    /// `width` columns; answers the unit given for the time.
    ///
    /// # Errors
    /// A sentence naming the column that does not exist.
    pub(crate) fn lay_over(
        &self,
        columns: &mut Columns,
        headers: &[String],
        width: usize,
    ) -> Result<Option<TimeUnit>, String> {
        let mut time_unit = None;
        for (role, column, unit) in &self.entries {
            let index = match column {
                ColumnName::Number(number) => Some(*number).filter(|number| *number < width),
                ColumnName::Header(name) => {
                    headers.iter().position(|header| header.eq_ignore_ascii_case(name))
                }
            };
            let index = index.ok_or_else(|| match column {
                ColumnName::Number(number) => {
                    format!("there is no column {}; the file has {width}", number + 1)
                }
                ColumnName::Header(name) if headers.is_empty() => {
                    format!("the file has no header, so column {name:?} must be given by its number")
                }
                ColumnName::Header(name) => {
                    format!("there is no column {name:?}; the header has {}", headers.join(", "))
                }
            })?;
            columns.set(*role, Some(index));
            if matches!(role, Role::Time) {
                time_unit = *unit;
            }
        }
        Ok(time_unit)
    }
}

/// What the name in a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) role: Role,
    pub(crate) unit: Option<TimeUnit>,
}

/// The role of a column called `header`, if the name is a known one.
pub(crate) fn named(header: &str) -> Option<Named> {
    // OKX writes each name twice, in English and after a stroke in Chinese.
    let header = if header.is_ascii() { header } else { header.split('/').next().unwrap_or(header) };
    let lower: String = header
        .trim()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    let name = lower.trim_matches('_');
    if let Some(role) = plain_role(name) {
        return Some(Named { role, unit: None });
    }
    let (base, suffix) = name.rsplit_once('_')?;
    let unit = TimeUnit::from_suffix(suffix)?;
    moment_role(base).map(|role| Named { role, unit: Some(unit) })
}

fn moment_role(name: &str) -> Option<Role> {
    match name {
        "time" | "timestamp" | "ts" | "t" | "date" | "datetime" | "unix" | "epoch" | "open_time"
        | "opentime" | "open_date" | "start_time" | "trade_time" | "transact_time" | "exchange_time"
        | "exchange_timestamp" | "unix_timestamp" | "start" | "starttime" | "start_at" | "created_time"
        | "transaction_time" | "event_time" => Some(Role::Time),
        "close_time" | "closetime" | "end_time" => Some(Role::CloseTime),
        "local_timestamp" | "local_time" | "receive_time" => Some(Role::LocalTime),
        _ => None,
    }
}

fn plain_role(name: &str) -> Option<Role> {
    let role = match name {
        "" => Role::Time,
        "open" | "o" | "openprice" => Role::Open,
        "high" | "h" | "highprice" => Role::High,
        "low" | "l" | "lowprice" => Role::Low,
        "close" | "c" | "closeprice" => Role::Close,
        "volume" | "vol" | "v" | "base_volume" => Role::Volume,
        "trades" | "count" | "number_of_trades" | "num_trades" | "trade_count" | "tradecount" => Role::Trades,
        "price" | "p" | "px" | "trade_price" => Role::Price,
        "qty" | "quantity" | "size" | "amount" | "q" | "trade_qty" => Role::Qty,
        "side" | "taker_side" | "aggressor" => Role::Side,
        "is_buyer_maker" | "buyer_maker" | "isbuyermaker" | "m" => Role::BuyerMaker,
        "id" | "trade_id" | "agg_trade_id" | "a" | "trdmatchid" => Role::Id,
        "bid" | "bid_price" | "best_bid" | "best_bid_price" | "bids_0_price" | "bids_0__price" => Role::Bid,
        "bid_qty" | "bid_amount" | "bid_size" | "best_bid_qty" | "bids_0_amount" | "bids_0__amount" => {
            Role::BidQty
        }
        "ask" | "ask_price" | "best_ask" | "best_ask_price" | "asks_0_price" | "asks_0__price" => Role::Ask,
        "ask_qty" | "ask_amount" | "ask_size" | "best_ask_qty" | "asks_0_amount" | "asks_0__amount" => {
            Role::AskQty
        }
        "symbol" | "instrument" | "instrument_name" | "instid" | "pair" | "ticker" => Role::Symbol,
        _ if name.starts_with("volume_") => Role::Volume,
        _ => return moment_role(name),
    };
    Some(role)
}

/// The columns that a header names, and the unit its time column states.
pub(crate) fn from_header(headers: &[String]) -> (Columns, Option<TimeUnit>) {
    let mut columns = Columns::default();
    let mut units: [Option<TimeUnit>; 2] = [None, None];
    for (index, header) in headers.iter().enumerate() {
        let Some(Named { role, unit }) = named(header) else { continue };
        if columns.get(role).is_some() {
            continue;
        }
        columns.set(role, Some(index));
        if role == Role::Time {
            units[0] = unit;
        } else if role == Role::CloseTime {
            units[1] = unit;
        }
    }
    let [time, close] = units;
    (columns, if columns.get(Role::Time).is_some() { time } else { close })
}

/// The first two columns whose names both say that they hold the same price or quantity.
pub(crate) fn doubled(headers: &[String]) -> Option<(Role, &str, &str)> {
    let sought =
        [Role::Open, Role::High, Role::Low, Role::Close, Role::Price, Role::Qty, Role::Bid, Role::Ask];
    sought.into_iter().find_map(|role| {
        let plays = |header: &&String| named(header).is_some_and(|known| known.role == role);
        let mut players = headers.iter().filter(plays);
        Some((role, players.next()?.as_str(), players.next()?.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn headers_name_roles_and_units() {
        let (columns, unit) = from_header(&headers("open_time_ms,Open,HIGH,low,Close,volume_usd,count"));
        assert_eq!(unit, Some(TimeUnit::Millis));
        let roles = [Role::Time, Role::Open, Role::High, Role::Low, Role::Close, Role::Volume, Role::Trades];
        let places: Vec<_> = roles.iter().map(|role| columns.get(*role)).collect();
        assert_eq!(places, (0..7).map(Some).collect::<Vec<_>>());
        let (columns, unit) =
            from_header(&headers("exchange,symbol,timestamp,local_timestamp,id,side,price,amount"));
        assert_eq!((columns.get(Role::Time), columns.get(Role::LocalTime)), (Some(2), Some(3)));
        assert_eq!((columns.get(Role::Qty), unit), (Some(7), None));
    }

    #[test]
    fn the_operator_names_columns_by_header_or_number() {
        let map: ColumnMap = "time=When:us, price=2,qty=3".parse().unwrap();
        let mut columns = Columns::default();
        let unit = map.lay_over(&mut columns, &headers("when,cost,pieces"), 3);
        assert_eq!(unit, Ok(Some(TimeUnit::Micros)));
        assert_eq!((columns.get(Role::Time), columns.get(Role::Qty)), (Some(0), Some(2)));
        assert!(map.lay_over(&mut columns, &[], 3).unwrap_err().contains("by its number"));
        assert!(map.lay_over(&mut columns, &headers("when,cost"), 2).unwrap_err().contains("no column 3"));
    }

    #[test]
    fn a_wrong_mapping_says_what_to_write() {
        for wrong in ["time", "when=1", "time=1:days", "price=2:ms", "price=0"] {
            assert!(wrong.parse::<ColumnMap>().is_err(), "{wrong}");
        }
    }
}
