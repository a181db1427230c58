//! Fills out of what a venue only sums up: how much of an order has traded so far, at what average, for what fees.
//!
//! ```text
//! qty   = cumulative now − cumulative before
//! price = (average now × cumulative now − average before × cumulative before) / qty
//! fee   = fees now − fees before
//! ```
//!
//! Everything is exact. A venue rounds its averages, so a second fill often has no exact price: it is refused, nothing of it is
//! taken, and the trades themselves have to be asked for. A price that does come out is as good as the averages: one that is
//! finer than its instrument counts is refused where it becomes a price ([`decimal::price`](crate::decimal::price)).
//!
//! Source: `exchange-protocols` 1.2.3.

use engine_core::num::Decimal;

use crate::account_message::OrderReport;
use crate::exact_sum::{difference, product, quotient};

const ZERO: Decimal = Decimal { units: 0, decimals: 0 };

/// What has been taken of an order so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CumulativeOrder {
    qty: Decimal,
    average: Decimal,
    fees: Decimal,
}

/// One or several trades of an order since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CumulativeFill {
    /// How much.
    pub qty: Decimal,
    /// At what average price.
    pub price: Decimal,
    /// For what fees in the quote currency; negative is a rebate.
    pub fee: Decimal,
}

/// Why a report gives no fill.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CumulativeError {
    /// It does not say how much has traded, at what average or for what fees.
    #[error("the report of order {order_id} does not say its {field}")]
    Unsaid {
        /// The order.
        order_id: String,
        /// What is missing.
        field: &'static str,
    },
    /// Less has traded than before: it is older than what was taken.
    #[error("order {order_id} had traded {before} and now {now}; the report is older than what was taken")]
    Older {
        /// The order.
        order_id: String,
        /// What was taken.
        before: Decimal,
        /// What it says.
        now: Decimal,
    },
    /// The price of what traded is no number of up to 18 decimals, not positive, or too long to compute: ask for the trades.
    #[error(
        "{qty} of order {order_id} traded at a price that its averages do not give exactly; ask for its trades"
    )]
    Inexact {
        /// The order.
        order_id: String,
        /// How much has traded since.
        qty: Decimal,
    },
}

impl Default for CumulativeOrder {
    fn default() -> Self {
        Self { qty: ZERO, average: ZERO, fees: ZERO }
    }
}

impl CumulativeOrder {
    /// How much has been taken.
    #[must_use]
    pub const fn qty(&self) -> Decimal {
        self.qty
    }

    /// What has traded since the last report that was taken, if anything; a report told twice gives nothing.
    ///
    /// # Errors
    /// [`CumulativeError`]; then nothing of the report was taken.
    pub fn take(&mut self, report: &OrderReport) -> Result<Option<CumulativeFill>, CumulativeError> {
        let now = Self::of(report)?;
        let order_id = || report.order_id.clone();
        let traded = difference(now.qty, self.qty)
            .ok_or_else(|| CumulativeError::Inexact { order_id: order_id(), qty: now.qty })?;
        if traded.units < 0 {
            return Err(CumulativeError::Older { order_id: order_id(), before: self.qty, now: now.qty });
        }
        if traded.units == 0 {
            // Fees that come late are told with the next fill.
            return Ok(None);
        }
        let fill = self
            .fill(traded, &now)
            .ok_or_else(|| CumulativeError::Inexact { order_id: order_id(), qty: traded })?;
        *self = now;
        Ok(Some(fill))
    }

    /// Takes a report without a fill: its trades were asked for and are known.
    ///
    /// # Errors
    /// [`CumulativeError::Unsaid`].
    pub fn catch_up(&mut self, report: &OrderReport) -> Result<(), CumulativeError> {
        *self = Self::of(report)?;
        Ok(())
    }

    fn of(report: &OrderReport) -> Result<Self, CumulativeError> {
        let unsaid = |field| CumulativeError::Unsaid { order_id: report.order_id.clone(), field };
        let qty = report.filled_qty.ok_or_else(|| unsaid("cumulative quantity"))?;
        if qty.units == 0 {
            // Without a trade there is no average, whatever stands there.
            return Ok(Self { fees: report.total_fees.unwrap_or(ZERO), ..Self::default() });
        }
        let average = report.average_price.ok_or_else(|| unsaid("average price"))?;
        let fees = report.total_fees.ok_or_else(|| unsaid("total fees"))?;
        Ok(Self { qty, average, fees })
    }

    fn fill(&self, traded: Decimal, now: &Self) -> Option<CumulativeFill> {
        let price = if self.qty.units == 0 {
            now.average
        } else {
            let value = difference(product(now.average, now.qty)?, product(self.average, self.qty)?)?;
            quotient(value, traded)?
        };
        let fee = difference(now.fees, self.fees)?;
        Some(CumulativeFill { qty: traded, price, fee }).filter(|fill| fill.price.units > 0)
    }
}

#[cfg(test)]
mod tests;
