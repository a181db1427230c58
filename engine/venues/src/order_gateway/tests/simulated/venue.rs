//! A venue that keeps its orders, trades and balances, and answers at once.

use super::*;

/// An order as the venue has it; quantities in units of 10⁻⁸.
#[derive(Debug, Clone)]
pub(super) struct VenueSideOrder {
    pub(super) client_id: String,
    pub(super) side: Side,
    pub(super) qty: i128,
    pub(super) filled: i128,
    pub(super) status: OrderStatus,
}

#[derive(Debug, Clone)]
pub(super) struct VenueSideTrade {
    pub(super) order: usize,
    pub(super) qty: i128,
    pub(super) at: Timestamp,
}

/// A venue that fills at 64 000, and charges a thousandth of what is received.
#[derive(Debug, Default)]
pub(super) struct Venue {
    pub(super) orders: Vec<VenueSideOrder>,
    pub(super) trades: Vec<VenueSideTrade>,
    /// In 10⁻¹⁸.
    pub(super) btc: i128,
    pub(super) usdt: i128,
}

pub(super) const PRICE: i128 = 64_000;

pub(super) fn coin(units: i128) -> Decimal {
    Decimal { units, decimals: 8 }
}

impl Venue {
    pub(super) fn report(&self, place: usize, trade: Option<usize>) -> OrderReport {
        let order = &self.orders[place];
        OrderReport {
            client_id: Some(order.client_id.clone()),
            symbol: Some("BTCUSDT".into()),
            side: Some(order.side),
            qty: Some(coin(order.qty)),
            filled_qty: Some(coin(order.filled)),
            last_fill: trade.map(|trade| self.fill(trade)),
            ..OrderReport::of(place.to_string(), order.status, "word")
        }
    }

    pub(super) fn fill(&self, trade: usize) -> VenueFill {
        let VenueSideTrade { order, qty, .. } = self.trades[trade];
        let fee = match self.orders[order].side {
            // A thousandth of a unit is finer than the run counts.
            Side::Buy => Fee { amount: Decimal { units: qty, decimals: 11 }, asset: Some("BTC".into()) },
            Side::Sell => {
                Fee { amount: Decimal { units: qty * PRICE, decimals: 11 }, asset: Some("USDT".into()) }
            }
        };
        let price = Decimal { units: PRICE, decimals: 0 };
        VenueFill {
            trade_id: (trade + 1).to_string(),
            price,
            qty: coin(qty),
            fees: vec![fee],
            liquidity: None,
        }
    }

    /// Fills so much of an order; answers the number of the trade.
    pub(super) fn trade(&mut self, now: Timestamp, place: usize, qty: i128) -> usize {
        let order = &mut self.orders[place];
        order.filled += qty;
        order.status = match order.filled == order.qty {
            true => OrderStatus::Filled,
            false if order.status == OrderStatus::Working => OrderStatus::PartiallyFilled,
            false => order.status,
        };
        let (coins, money) = (qty * 10_i128.pow(10), qty * PRICE * 10_i128.pow(10));
        match order.side {
            Side::Buy => (self.btc, self.usdt) = (self.btc + coins - coins / 1_000, self.usdt - money),
            Side::Sell => (self.btc, self.usdt) = (self.btc - coins, self.usdt + money - money / 1_000),
        }
        self.trades.push(VenueSideTrade { order: place, qty, at: now });
        self.trades.len() - 1
    }

    pub(super) fn find(&self, name: &OrderName) -> Option<usize> {
        match name {
            OrderName::Client(id) => self.orders.iter().rposition(|order| order.client_id == *id),
            OrderName::Venue(id) => id.parse().ok(),
        }
    }

    pub(super) fn told_fill(&self, trade: usize) -> AccountMessage {
        let VenueSideTrade { order, at, .. } = self.trades[trade];
        AccountMessage::Fill(FillReport {
            order_id: order.to_string(),
            symbol: "BTCUSDT".into(),
            side: self.orders[order].side,
            fill: self.fill(trade),
            venue_at: at,
        })
    }

    /// Does what is asked; answers it, and what the stream tells of it.
    pub(super) fn ask(
        &mut self,
        now: Timestamp,
        request: &OrderRequest,
        random: &mut Random,
    ) -> (OrderAnswer, Vec<AccountMessage>) {
        let done = |messages| OrderAnswer { outcome: Outcome::Answered, messages, next_page: None };
        match request {
            OrderRequest::Place(new) => self.place(now, new, random),
            OrderRequest::Cancel { order, .. } => match self.find(order) {
                Some(place) if !self.orders[place].status.is_final() => {
                    self.orders[place].status = OrderStatus::Cancelled;
                    let report = told(self.report(place, None));
                    (done(vec![report.clone()]), vec![report])
                }
                Some(_) | None => {
                    (OrderAnswer::bare(Outcome::NotOpen(words("Unknown order sent."))), Vec::new())
                }
            },
            OrderRequest::Query { order, .. } => match self.find(order) {
                Some(place) => (done(vec![told(self.report(place, None))]), Vec::new()),
                None => (OrderAnswer::bare(Outcome::NotFound(words("Order does not exist."))), Vec::new()),
            },
            OrderRequest::OpenOrders { .. } => {
                let open = (0..self.orders.len()).filter(|place| !self.orders[*place].status.is_final());
                (done(open.map(|place| told(self.report(place, None))).collect()), Vec::new())
            }
            OrderRequest::Fills { since, .. } => {
                let is_asked = |trade: &VenueSideTrade| match since {
                    FillsSince::Order(name) => trade.order.to_string() == *name,
                    FillsSince::Moment(from) => trade.at >= *from,
                    FillsSince::Trade(_) => true,
                };
                let numbers = (0..self.trades.len()).filter(|number| is_asked(&self.trades[*number]));
                (done(numbers.map(|number| self.told_fill(number)).collect()), Vec::new())
            }
            OrderRequest::Balances => {
                let held = |asset: &str, units| Balance {
                    asset: asset.into(),
                    free: Decimal { units, decimals: 18 },
                    locked: None,
                };
                let balances = vec![held("BTC", self.btc), held("USDT", self.usdt)];
                let snapshot = AccountSnapshot { balances, may_trade: None, venue_at: Some(now) };
                (done(vec![AccountMessage::Snapshot(snapshot)]), Vec::new())
            }
            OrderRequest::Permissions | OrderRequest::CancelAll { .. } => panic!("nobody asks for it here"),
        }
    }

    pub(super) fn place(
        &mut self,
        now: Timestamp,
        new: &crate::order_request::NewOrder,
        random: &mut Random,
    ) -> (OrderAnswer, Vec<AccountMessage>) {
        let stands = |order: &VenueSideOrder| order.client_id == new.client_id && !order.status.is_final();
        if self.orders.iter().any(stands) {
            return (OrderAnswer::bare(Outcome::Alive(words("Duplicate order sent."))), Vec::new());
        }
        let qty = new.qty.units * 10_i128.pow(u32::from(8 - new.qty.decimals));
        let (client_id, status) = (new.client_id.clone(), OrderStatus::Working);
        self.orders.push(VenueSideOrder { client_id, side: new.side, qty, filled: 0, status });
        let place = self.orders.len() - 1;
        let mut stream = vec![told(self.report(place, None))];
        let at_once = match new.kind {
            NewOrderKind::Market => qty,
            _ if random.chance(300) => qty / 3,
            _ => 0,
        };
        let mut messages = Vec::new();
        if at_once > 0 {
            let trade = self.trade(now, place, at_once);
            stream.push(told(self.report(place, Some(trade))));
            stream
                .push(AccountMessage::BalanceChange(BalanceChange { balances: Vec::new(), venue_at: None }));
            messages.push(self.told_fill(trade));
        }
        messages.push(told(self.report(place, None)));
        (OrderAnswer { outcome: Outcome::Answered, messages, next_page: None }, stream)
    }
}
