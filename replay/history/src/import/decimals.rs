//! How many decimals a series keeps: what its numbers need, and what fits beside each other.
//!
//! Eight of price and eight of quantity, unless the numbers show more digits or are too large for them. A number
//! of at most 15 significant digits keeps every one of them or the files are refused; one written with more comes
//! out of binary arithmetic, is taken at 15 digits, and gets as many decimals as there is room for.

use super::DEFAULT_DECIMALS;
use super::digits::{DECIMALS_MAX, Digits};
use super::moment::shown;

/// Where a number stands that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Witness {
    what: String,
    text: String,
    row: u64,
    file: String,
}

impl Witness {
    fn shown(&self) -> String {
        format!("{} {} in {}, row {}", self.what, self.text, self.file, self.row)
    }
}

/// What the numbers of one kind, prices or quantities, need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Demand {
    /// Decimals that numbers of at most 15 digits show.
    exact: u8,
    exact_by: Option<Witness>,
    /// Decimals that longer numbers show at 15 digits.
    full: u8,
    /// The most decimals at which the largest number fits; `None` when it fits at none.
    most: Option<u8>,
    most_by: Option<Witness>,
}

impl Default for Demand {
    fn default() -> Self {
        Self { exact: 0, exact_by: None, full: 0, most: Some(DECIMALS_MAX), most_by: None }
    }
}

impl Demand {
    /// Takes in the number of `text`, called `what`, in `row`.
    pub(crate) fn take(&mut self, number: &Digits, what: &str, text: &[u8], row: u64) {
        let witness = || {
            let (what, text) = (what.to_owned(), shown(text).trim_matches('"').to_owned());
            Some(Witness { what, text, row, file: String::new() })
        };
        // More decimals than 18 are as impossible as 19.
        let needed = number.without_dust().decimals().min(u32::from(DECIMALS_MAX) + 1) as u8;
        if number.is_written_in_full() {
            self.full = self.full.max(needed);
        } else if needed > self.exact {
            (self.exact, self.exact_by) = (needed, witness());
        }
        let most = number.decimals_max();
        if most < self.most {
            (self.most, self.most_by) = (most, witness());
        }
    }

    /// Takes in a quantity that is computed, whose digits say nothing and whose size does.
    pub(crate) fn take_size(&mut self, size: f64, what: &str, text: &[u8], row: u64) {
        let number = Digits::read(format!("{size:.0}").as_bytes());
        if let Some(number) = number {
            self.take(&number, what, text, row);
        }
    }

    /// Names the file of the numbers taken in.
    pub(crate) fn named(mut self, file: &str) -> Self {
        for witness in [&mut self.exact_by, &mut self.most_by].into_iter().flatten() {
            file.clone_into(&mut witness.file);
        }
        self
    }

    /// What the numbers of two files need.
    pub(crate) fn and(self, other: Self) -> Self {
        let (exact, exact_by) = if other.exact > self.exact {
            (other.exact, other.exact_by)
        } else {
            (self.exact, self.exact_by)
        };
        let (most, most_by) =
            if other.most < self.most { (other.most, other.most_by) } else { (self.most, self.most_by) };
        Self { exact, exact_by, full: self.full.max(other.full), most, most_by }
    }
}

/// What prices and quantities need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Demands {
    pub(crate) price: Demand,
    pub(crate) qty: Demand,
}

impl Demands {
    pub(crate) fn named(self, file: &str) -> Self {
        Self { price: self.price.named(file), qty: self.qty.named(file) }
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self { price: self.price.and(other.price), qty: self.qty.and(other.qty) }
    }
}

/// Decimals of price and quantity as the operator states them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) price: Option<u8>,
    pub(crate) qty: Option<u8>,
}

/// The decimals of price and quantity for numbers with these `demands`.
///
/// # Errors
/// A sentence naming the numbers that no choice keeps, and the options that would.
pub(crate) fn choose(demands: &Demands, stated: Stated) -> Result<(u8, u8), String> {
    let Demands { price, qty } = demands;
    if let (Some(price), Some(qty)) = (stated.price, stated.qty) {
        return Ok((price, qty));
    }
    let room = |taken: Option<u8>| DECIMALS_MAX - taken.unwrap_or(0).min(DECIMALS_MAX);
    let qty_range = Range::of(qty, stated.qty, room(stated.price), "quantities", "qty")?;
    // Prices that a program computed take what quantities leave, never what they usually have.
    let left = DECIMALS_MAX - qty_range.least.max(qty_range.most.min(DEFAULT_DECIMALS));
    let price_range = Range::of(price, stated.price, room(stated.qty), "prices", "price")?;
    let price_most = price_range.most.min(price_range.least.max(DEFAULT_DECIMALS).max(price.full.min(left)));
    for price in (price_range.least..=price_most).rev() {
        let most = qty_range.most.min(DECIMALS_MAX - price);
        if most >= qty_range.least {
            return Ok((price, most));
        }
    }
    let words = |demand: &Demand, name: &str| {
        let by = demand.exact_by.as_ref().map_or_else(|| name.to_owned(), Witness::shown);
        format!("{by} has {} decimals", demand.exact)
    };
    let (price_left, qty_left) = (DECIMALS_MAX - qty_range.least, DECIMALS_MAX - price_range.least);
    Err(format!(
        "{} and {}; together more than {DECIMALS_MAX}, which no exact amount of money holds; round one of them \
         with --price-decimals {price_left} or --qty-decimals {qty_left}",
        words(price, "a price"),
        words(qty, "a quantity"),
    ))
}

/// The decimals that are possible for one kind of number.
#[derive(Debug, Clone, Copy)]
struct Range {
    least: u8,
    most: u8,
}

impl Range {
    fn of(demand: &Demand, stated: Option<u8>, room: u8, names: &str, option: &str) -> Result<Self, String> {
        if let Some(stated) = stated {
            return Ok(Self { least: stated, most: stated });
        }
        let size = |demand: &Demand| demand.most_by.as_ref().map_or_else(String::new, Witness::shown);
        let Some(most) = demand.most else {
            return Err(format!("{} is too large for 64 bits even without decimals", size(demand)));
        };
        if demand.exact > room || demand.exact > most {
            let digits = demand.exact_by.as_ref().map_or_else(String::new, Witness::shown);
            let reason = if demand.exact > most {
                format!("{} leaves room for {most}", size(demand))
            } else {
                format!("{names} can have {room}")
            };
            return Err(format!(
                "{digits} has {} decimals, but {reason}; round with --{option}-decimals {}",
                demand.exact,
                most.min(room),
            ));
        }
        let wished = demand.exact.max(demand.full).max(DEFAULT_DECIMALS);
        Ok(Self { least: demand.exact, most: wished.min(most).min(room) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(texts: &[&str]) -> Demand {
        let mut demand = Demand::default();
        for (row, text) in texts.iter().enumerate() {
            demand.take(&Digits::read(text.as_bytes()).unwrap(), "number", text.as_bytes(), row as u64 + 2);
        }
        demand.named("a.csv")
    }

    fn chosen(prices: &[&str], quantities: &[&str]) -> Result<(u8, u8), String> {
        choose(&Demands { price: demand(prices), qty: demand(quantities) }, Stated::default())
    }

    #[test]
    fn eight_and_eight_unless_the_numbers_say_otherwise() {
        assert_eq!(chosen(&["46856.17"], &["0.00012345"]), Ok((8, 8)));
        assert_eq!(chosen(&["0.7"], &["102989795103"]), Ok((8, 7)));
        assert_eq!(chosen(&["0.0000000123"], &["30000000000000"]), Ok((10, 5)));
        assert_eq!(chosen(&["0.000000000123"], &["12"]), Ok((12, 6)));
        // Quantities of nine decimals: there is room for them beside eight.
        assert_eq!(chosen(&["2"], &["0.123456789"]), Ok((8, 9)));
        assert_eq!(chosen(&["2.5"], &["0.123456789012"]), Ok((6, 12)));
        // Without dust both are short.
        assert_eq!(chosen(&["0.09946999000000001"], &["0.30000000000000004"]), Ok((8, 8)));
        // Computed in doubles: what room there is, and eight decimals of quantity stay.
        assert_eq!(chosen(&["1.2345678901234567"], &["1"]), Ok((10, 8)));
        assert_eq!(chosen(&["1"], &["0.12345678901234567"]), Ok((8, 10)));
    }

    #[test]
    fn what_no_choice_keeps_is_refused_with_the_number_and_the_option() {
        let refused = chosen(&["0.000000000123"], &["0.1234567"]).unwrap_err();
        for part in [
            "0.000000000123 in a.csv, row 2 has 12",
            "0.1234567 in a.csv",
            "--price-decimals 11",
            "--qty-decimals 6",
        ] {
            assert!(refused.contains(part), "{part}: {refused}");
        }
        let refused = chosen(&["1"], &["5e18", "0.5"]).unwrap_err();
        assert!(refused.contains("5e18 in a.csv, row 2 leaves room for 0"), "{refused}");
        assert!(refused.contains("--qty-decimals 0"), "{refused}");
        let refused = chosen(&["1"], &["1e30"]).unwrap_err();
        assert!(refused.contains("1e30") && refused.contains("even without decimals"), "{refused}");
    }

    #[test]
    fn what_the_operator_states_is_taken_and_the_other_finds_its_place() {
        let demands = Demands { price: demand(&["0.125"]), qty: demand(&["12"]) };
        let choose = |price, qty| choose(&demands, Stated { price, qty });
        assert_eq!(choose(Some(2), None), Ok((2, 8)));
        assert_eq!(choose(None, Some(12)), Ok((6, 12)));
        assert_eq!(choose(Some(1), Some(1)), Ok((1, 1)));
        assert!(choose(None, Some(16)).unwrap_err().contains("0.125"));
    }
}
