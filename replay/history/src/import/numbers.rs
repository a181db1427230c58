//! Numbers of a row in fixed point: exact where they must be, counted where they are rounded.

use engine_core::num::{divide_half_even, parse_decimal, power_of_ten};
use journal_store::series::Fidelity;

use super::decimals::Demands;
use super::digits::{DECIMALS_MAX, Digits};
use super::moment::shown;
use super::row::{EmptyVolume, VolumeUnit};

/// What happens to a number with more digits than the decimals show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It does not fit; only what binary arithmetic left behind its 15th digit is taken off.
    Exactly,
    /// It does not fit, unless it is written with more digits than a double keeps: then it is rounded.
    Short,
    /// It is rounded, because the operator stated the decimals.
    Rounded,
}

/// How numbers of one kind are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) decimals: u8,
    pub(crate) keep: Keep,
}

/// How the volumes of bars are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Volumes {
    pub(crate) unit: VolumeUnit,
    pub(crate) empty: EmptyVolume,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Price,
    Qty,
}

/// What a survey remembers: what numbers need, and the last price for volumes in money.
#[derive(Debug, Clone, Default)]
struct Survey {
    demands: Demands,
    last_price: f64,
}

/// Reads the numbers of a row at fixed decimals and counts what it rounds.
#[derive(Debug, Clone)]
pub(crate) struct NumberParser {
    price: Kept,
    qty: Kept,
    volumes: Volumes,
    empty_volumes: u64,
    fidelity: Fidelity,
    misfit: bool,
    survey: Option<Survey>,
    row: u64,
}

impl NumberParser {
    pub(crate) fn new(price: Kept, qty: Kept, volumes: Volumes) -> Self {
        let fidelity = Fidelity::default();
        Self { price, qty, volumes, empty_volumes: 0, fidelity, misfit: false, survey: None, row: 0 }
    }

    /// A parser that only finds out what the numbers need.
    pub(crate) fn surveying(volumes: Volumes) -> Self {
        let kept = Kept { decimals: 0, keep: Keep::Rounded };
        Self { survey: Some(Survey::default()), ..Self::new(kept, kept, volumes) }
    }

    /// What the numbers of the file called `file` need, as far as a survey saw them.
    pub(crate) fn demands(&self, file: &str) -> Demands {
        self.survey.as_ref().map(|survey| survey.demands.clone()).unwrap_or_default().named(file)
    }

    /// Says which row the next numbers stand in.
    pub(crate) const fn at_row(&mut self, row: u64) {
        self.row = row;
    }

    /// What was rounded so far.
    pub(crate) const fn fidelity(&self) -> Fidelity {
        self.fidelity
    }

    /// Counts a row that was received before its venue's time.
    pub(crate) const fn note_early(&mut self) {
        self.fidelity.early_records += 1;
    }

    /// How many volumes were empty and counted as zero.
    pub(crate) const fn empty_volumes(&self) -> u64 {
        self.empty_volumes
    }

    /// Whether the last number was refused because other decimals would keep it.
    pub(crate) const fn misfit(&self) -> bool {
        self.misfit
    }

    /// A price: more than zero.
    pub(crate) fn price(&mut self, text: &[u8], name: &str) -> Result<i64, String> {
        let units = self.units(text, name, Kind::Price)?;
        if units > 0 {
            return Ok(units);
        }
        let tiny = units == 0 && Digits::read(text).is_some_and(|number| number.estimate() > 0.0);
        let reason = if tiny { "rounds to zero; raise --price-decimals" } else { "must be more than zero" };
        Err(format!("{name} {} {reason}", shown(text)))
    }

    /// A quantity: zero or more.
    pub(crate) fn qty(&mut self, text: &[u8], name: &str) -> Result<i64, String> {
        let units = self.units(text, name, Kind::Qty)?;
        if units < 0 {
            return Err(format!("{name} {} must not be negative", shown(text)));
        }
        Ok(units)
    }

    /// The volume of a bar that closed at `close` price units: a quantity, or money over the close.
    pub(crate) fn volume(&mut self, text: &[u8], close: i64) -> Result<i64, String> {
        if text.is_empty() && self.volumes.empty == EmptyVolume::Zero {
            self.empty_volumes += 1;
            return Ok(0);
        }
        match self.volumes.unit {
            VolumeUnit::Base => self.qty(text, "volume"),
            VolumeUnit::Quote => self.quote_volume(text, close),
        }
    }

    /// Money over the close, half to even; that this rounds is no loss of digits of the file.
    fn quote_volume(&mut self, text: &[u8], close: i64) -> Result<i64, String> {
        let Some(number) = Digits::read(text) else { return self.qty(text, "volume") };
        if number.estimate() < 0.0 {
            return Err(format!("volume {} must not be negative", shown(text)));
        }
        if let Some(Survey { demands, last_price }) = &mut self.survey {
            demands.qty.take_size(number.estimate() / *last_price, "volume", text, self.row);
            return Ok(0);
        }
        let qty_decimals = self.qty.decimals;
        // As many decimals as fit: volumes in money are larger than any quantity.
        let money = (0..=qty_decimals).rev().find_map(|decimals| Some((number.at(decimals)?, decimals)));
        let qty = money.and_then(|(money, decimals)| {
            let up = power_of_ten(self.price.decimals + qty_decimals - decimals)?;
            let qty = divide_half_even(i128::from(money).checked_mul(up)?, i128::from(close))?;
            i64::try_from(qty).ok()
        });
        qty.ok_or_else(|| {
            self.misfit = self.qty.keep != Keep::Rounded;
            let remedy = "lower --qty-decimals if it is right";
            format!("volume {} over the close is too large at {qty_decimals} decimals; {remedy}", shown(text))
        })
    }

    fn units(&mut self, text: &[u8], name: &str, kind: Kind) -> Result<i64, String> {
        if let Some(units) = self.surveyed(text, name, kind) {
            return Ok(units);
        }
        let decimals = self.kept(kind).decimals;
        match parse_decimal(text, decimals) {
            Ok(parsed) if !parsed.rounded => Ok(parsed.units),
            Ok(_) | Err(_) => self.unusual(text, name, kind),
        }
    }

    const fn kept(&self, kind: Kind) -> Kept {
        match kind {
            Kind::Price => self.price,
            Kind::Qty => self.qty,
        }
    }

    /// Takes a sound number into the survey, where there is one.
    fn surveyed(&mut self, text: &[u8], name: &str, kind: Kind) -> Option<i64> {
        let Survey { demands, last_price } = self.survey.as_mut()?;
        let number = Digits::read(text)?;
        let size = number.estimate();
        match kind {
            Kind::Price if size > 0.0 => {
                *last_price = size;
                demands.price.take(&number, name, text, self.row);
                Some(1)
            }
            Kind::Qty if size >= 0.0 => {
                demands.qty.take(&number, name, text, self.row);
                Some(0)
            }
            Kind::Price | Kind::Qty => None,
        }
    }

    /// A number that is none, does not fit or loses digits.
    #[cold]
    fn unusual(&mut self, text: &[u8], name: &str, kind: Kind) -> Result<i64, String> {
        let Some(number) = Digits::read(text) else { return Err(no_number(text, name)) };
        let Kept { decimals, keep } = self.kept(kind);
        let Some(units) = number.at(decimals) else {
            self.misfit = keep != Keep::Rounded && number.decimals_max().is_some();
            return Err(too_large(&number, text, name, kind, self.kept(kind)));
        };
        let short = number.without_dust();
        if number.is_written_in_full() && short.decimals() <= u32::from(decimals) {
            let units = short.at(decimals).unwrap_or(units);
            self.fidelity.dusted_numbers += 1;
            self.note_error(number.error_atto(units, decimals));
            return Ok(units);
        }
        if keep == Keep::Exactly || keep == Keep::Short && !number.is_written_in_full() {
            self.misfit = true;
            return Err(too_fine(&short, text, name, kind, decimals));
        }
        match kind {
            Kind::Price => self.fidelity.rounded_prices += 1,
            Kind::Qty => self.fidelity.rounded_quantities += 1,
        }
        self.note_error(number.error_atto(units, decimals));
        Ok(units)
    }

    fn note_error(&mut self, atto: u64) {
        let largest = &mut self.fidelity.relative_error_max_atto;
        *largest = atto.max(*largest);
    }
}

fn option(kind: Kind) -> &'static str {
    match kind {
        Kind::Price => "--price-decimals",
        Kind::Qty => "--qty-decimals",
    }
}

/// Says why `text` is no number, and what it looks like instead.
fn no_number(text: &[u8], name: &str) -> String {
    let comma = text.iter().filter(|byte| **byte == b',').count();
    let digits = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'-' | b'+');
    if text.is_empty() {
        let hint = if name == "volume" { "; say --empty-volume zero if nothing was traded then" } else { "" };
        return format!("{name} is empty{hint}");
    }
    if comma > 0 && text.iter().all(digits) {
        return format!(
            "{name} {} has a comma; write numbers with a decimal point and nothing between thousands",
            shown(text)
        );
    }
    format!("{name} {} is not a finite number", shown(text))
}

fn too_large(number: &Digits, text: &[u8], name: &str, kind: Kind, kept: Kept) -> String {
    let Kept { decimals, keep } = kept;
    let Some(most) = number.decimals_max() else {
        return format!("{name} {} is too large for 64 bits even without decimals", shown(text));
    };
    let remedy = match keep {
        Keep::Rounded => format!("lower {} to {most} if it is right", option(kind)),
        Keep::Exactly | Keep::Short => {
            "the series is stored so: import all files into a new dataset, which then keeps fewer".to_owned()
        }
    };
    format!("{name} {} is too large at {decimals} decimals; {remedy}", shown(text))
}

fn too_fine(number: &Digits, text: &[u8], name: &str, kind: Kind, decimals: u8) -> String {
    let needed = number.decimals();
    if needed > u32::from(DECIMALS_MAX) {
        let option = option(kind);
        return format!(
            "{name} {} has {needed} decimals; at most {DECIMALS_MAX} are kept, round it with {option}",
            shown(text)
        );
    }
    format!(
        "{name} {} has {needed} decimals but the series is stored with {decimals}; import all files into a new dataset, \
         which then keeps them, or round with {} {decimals}",
        shown(text),
        option(kind)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parser(price: u8, qty: u8, keep: Keep, unit: VolumeUnit) -> NumberParser {
        let volumes = Volumes { unit, ..Volumes::default() };
        NumberParser::new(Kept { decimals: price, keep }, Kept { decimals: qty, keep }, volumes)
    }

    #[test]
    fn prices_and_quantities_that_cannot_be_are_refused() {
        let mut numbers = parser(8, 8, Keep::Rounded, VolumeUnit::Base);
        for text in
            ["", "NaN", "nan", "inf", "-inf", "-1", "0", "0.0", "1e300", "1,5", "0.000000001", "100000000000"]
        {
            assert!(numbers.price(text.as_bytes(), "price").is_err(), "{text}");
        }
        for text in ["", "NaN", "-0.1", "1e99"] {
            assert!(numbers.qty(text.as_bytes(), "qty").is_err(), "{text}");
        }
        assert_eq!(numbers.qty(b"0", "qty"), Ok(0));
        let raise = numbers.price(b"0.000000001", "price").unwrap_err();
        assert!(raise.contains("raise --price-decimals"), "{raise}");
        let lower = numbers.qty(b"102989795103", "volume").unwrap_err();
        assert!(lower.contains("lower --qty-decimals to 7") && !lower.contains("--volume-in"), "{lower}");
        assert!(!numbers.misfit(), "the operator stated the decimals");
    }

    #[test]
    fn lost_digits_are_counted_with_their_weight() {
        let mut numbers = parser(8, 8, Keep::Rounded, VolumeUnit::Base);
        assert_eq!(numbers.price(b"0.09946999000000001", "price"), Ok(9_946_999));
        numbers.price(b"1.10000000000", "price").unwrap();
        let dust = numbers.fidelity();
        assert_eq!((dust.rounded(), dust.dusted_numbers), (0, 1));
        assert!(dust.relative_error_max_atto < 1_000, "{}", dust.relative_error_max_atto);
        assert_eq!(numbers.price(b"0.0000000149", "price"), Ok(1));
        let lossy = numbers.fidelity();
        assert_eq!((lossy.rounded_prices, lossy.rounded_quantities), (1, 0));
        assert_eq!(lossy.relative_error_max(), "3.3e-1");
    }

    #[test]
    fn what_must_be_exact_is_no_loss_but_a_misfit() {
        let mut numbers = parser(8, 8, Keep::Exactly, VolumeUnit::Base);
        assert_eq!(numbers.price(b"0.09946999000000001", "price"), Ok(9_946_999));
        for (text, exactly, short) in [
            ("0.0000000149", true, true),
            ("0.123456789012345678", true, false),
            ("102989795103", true, true),
        ] {
            for (keep, misfit) in [(Keep::Exactly, exactly), (Keep::Short, short)] {
                let mut numbers = parser(8, 8, keep, VolumeUnit::Base);
                assert_eq!(numbers.qty(text.as_bytes(), "qty").is_err(), misfit, "{text} {keep:?}");
                assert_eq!(numbers.misfit(), misfit, "{text} {keep:?}");
            }
        }
        numbers.price(b"x", "price").unwrap_err();
        assert!(!numbers.misfit(), "no decimals make a number of it");
    }

    #[test]
    fn a_volume_in_money_becomes_a_quantity_at_the_close() {
        let mut numbers = parser(8, 10, Keep::Exactly, VolumeUnit::Quote);
        let close = numbers.price(b"400", "close").unwrap();
        assert_eq!(numbers.volume(b"21056800", close), Ok(526_420_000_000_000));
        assert_eq!(numbers.volume(b"0", close), Ok(0));
        // More money than 64 bits hold at ten decimals, and a repeating quotient rounded half to even.
        let close = numbers.price(b"46339.76", "close").unwrap();
        assert_eq!(numbers.volume(b"350967941479", close), Ok(75_737_971_340_162_314));
        assert_eq!(numbers.fidelity().rounded(), 0);
        for text in ["-1", "x", "", "1e300"] {
            assert!(numbers.volume(text.as_bytes(), close).is_err(), "{text}");
        }
        assert!(numbers.volume(b"9e18", 1).unwrap_err().contains("lower --qty-decimals"));
    }
}
