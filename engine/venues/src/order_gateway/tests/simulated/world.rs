//! Core, gateway, network and venue in virtual time.

use super::*;

pub(super) struct World {
    pub(super) random: Random,
    pub(super) faults: Faults,
    pub(super) now: Timestamp,
    pub(super) core: Core,
    pub(super) gate: RiskGate,
    pub(super) gateway: OrderGateway,
    pub(super) epoch: u16,
    /// As the log of a run's orders knows it: up to the statement before the last of a process.
    pub(super) known_to: Option<Timestamp>,
    stated_at: Option<Timestamp>,
    pub(super) venue: Venue,
    pub(super) connection: u64,
    pub(super) connect_at: Option<Timestamp>,
    pub(super) underway: BinaryHeap<Delivery>,
    pub(super) sent: u64,
    pub(super) met: Met,
}

pub(super) fn core() -> Core {
    let config = CoreConfig {
        instruments: vec![market().rules],
        capital: Money::from_units(1_000_000 * 10_i128.pow(18)),
        bars: None,
        mark: MarkRule::Newest,
        timing: Timing::Immediate,
        wait_bars_max: 1,
        limits: RiskLimits::default(),
        watch: None,
    };
    Core::new(config, Box::new(Idle))
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| {
            random.below(2);
        });
        let faults = Faults::drawn(&mut random);
        let venue = Venue { btc: 10_i128.pow(20), usdt: 5_000_000 * 10_i128.pow(18), ..Venue::default() };
        let mut world = Self {
            random,
            faults,
            now: at(100_000),
            core: core(),
            gate: RiskGate::new(RiskLimits { orders_per_minute_max: 1_000, ..RiskLimits::default() }),
            gateway: OrderGateway::new(beginning(Vec::new(), None), vec![market()]),
            epoch: 1,
            known_to: None,
            stated_at: None,
            venue,
            connection: 0,
            connect_at: Some(at(100_000)),
            underway: BinaryHeap::new(),
            sent: 0,
            met: Met::default(),
        };
        let price = Price::from_units(6_400_000);
        let trade = Trade {
            instrument: InstrumentId::new(0),
            venue_at: world.now,
            price,
            qty: Qty::from_units(1),
            aggressor: Aggressor::Buyer,
        };
        world.input(Input::Market(MarketUpdate::Trade(trade)));
        world.begin(None);
        world
    }

    pub(super) fn input(&mut self, input: Input) {
        if std::env::var_os("GATEWAY_TRACE").is_some() {
            println!("{} {input:?}", self.now.nanos() / 1_000_000);
        }
        let step = self.core.step(self.now, input);
        for output in step.outputs {
            match output {
                Output::AccountDiffers(_) => self.met.differed += 1,
                Output::OrderResolved(_) => self.met.resolved += 1,
                Output::TradingHalted(reason) => panic!("halted: {reason:?}"),
                _ => {}
            }
        }
    }

    /// A process begins: with what the record says of the orders.
    pub(super) fn begin(&mut self, since: Option<Timestamp>) {
        self.stated_at = None;
        let state = self.core.state();
        let standing = |open: &engine_core::order::OpenOrder| {
            let placed = state.account()?.placed(open.order.id)?;
            let (epoch, name) = (placed.epoch, placed.name.clone());
            Some(StandingOrder { order: open.order.clone(), epoch, name, filled: open.filled })
        };
        let orders = state.open_orders().filter_map(standing).collect();
        let epoch = Epoch::new(self.epoch);
        let begun = AccountBeginning { epoch, pairs: vec![market().pair] };
        self.gateway = OrderGateway::new(
            RouteBeginning { run: run_id(), epoch, orders, since, paused_until: None },
            vec![market()],
        );
        self.input(Input::Account(Box::new(AccountEvent::Begun(begun))));
    }

    pub(super) fn travel(&mut self, what: Underway) {
        let late = match &what {
            Underway::Answer(..) => self.random.chance(self.faults.answer_late),
            Underway::Told(_) => self.random.chance(self.faults.told_late),
            Underway::Request(..) => self.random.chance(self.faults.request_late),
        };
        self.met.late += u64::from(late);
        let most = if matches!(what, Underway::Request(..)) { 5_000 } else { 30_000 };
        let delay = if late { self.random.below(most) } else { 1 + self.random.below(40) };
        self.sent += 1;
        let at = self.now.plus(Span::from_nanos(i64::try_from(delay).unwrap() * 1_000_000));
        self.underway.push(Delivery { at, number: self.sent, connection: self.connection, what });
    }

    pub(super) fn tell(&mut self, messages: Vec<AccountMessage>) {
        for message in messages {
            if self.random.chance(self.faults.told_twice) {
                self.travel(Underway::Told(message.clone()));
            }
            self.travel(Underway::Told(message));
        }
    }

    /// Hands on what the gateway wants: requests to the venue, inputs to the core.
    pub(super) fn pump(&mut self) {
        while let Some((number, request)) = self.gateway.take_request(self.now) {
            if std::env::var_os("GATEWAY_TRACE").is_some() {
                println!("{} asks {number} {request:?}", self.now.nanos() / 1_000_000);
            }
            self.gateway.sent(self.now, number);
            if !self.random.chance(self.faults.request_lost) {
                self.travel(Underway::Request(number, request));
            }
        }
        while let Some(input) = self.gateway.take_input() {
            match &input {
                Input::Account(event) => match **event {
                    AccountEvent::Stated(_) => {
                        self.known_to = self.known_to.max(self.stated_at).or(Some(self.now));
                        self.stated_at = Some(self.now);
                    }
                    AccountEvent::Unanswered(_) => self.met.unanswered += 1,
                    AccountEvent::NeverPlaced(_) => self.met.never_placed += 1,
                    AccountEvent::Traded(_) => self.met.foreign += 1,
                    _ => {}
                },
                Input::Operator(_) => panic!("{:?}", self.gateway.take_notice()),
                _ => {}
            }
            self.input(input);
        }
    }

    pub(super) fn deliver(&mut self, delivery: Delivery) {
        let is_heard = delivery.connection == self.connection && self.connect_at.is_none();
        match delivery.what {
            // What was sent arrives although its connection is gone by then.
            Underway::Request(number, request) => {
                if self.random.chance(self.faults.busy) {
                    let answer = OrderAnswer::bare(Outcome::Unknown(words("busy")));
                    return self.travel(Underway::Answer(number, answer));
                }
                let (answer, stream) = self.venue.ask(self.now, &request, &mut self.random);
                if is_heard && !self.random.chance(self.faults.answer_lost) {
                    self.travel(Underway::Answer(number, answer));
                }
                // What happens to the account is told on whatever connection there is.
                if self.connect_at.is_none() {
                    self.tell(stream);
                }
            }
            Underway::Answer(number, answer) if is_heard && std::env::var_os("GATEWAY_TRACE").is_some() => {
                println!(
                    "{} answer {number} {:?} {}",
                    self.now.nanos() / 1_000_000,
                    answer.outcome,
                    answer.messages.len()
                );
                self.gateway.answered(self.now, number, answer);
            }
            Underway::Answer(number, answer) if is_heard => self.gateway.answered(self.now, number, answer),
            Underway::Told(message) if is_heard => self.gateway.told(self.now, message),
            Underway::Answer(..) | Underway::Told(_) => {}
        }
    }

    pub(super) fn cut(&mut self) {
        self.gateway.disconnected(self.now);
        let wait = i64::try_from(self.random.below(5_000)).unwrap();
        self.connect_at = Some(self.now.plus(Span::from_nanos(wait * 1_000_000)));
    }

    pub(super) fn run_until(&mut self, end: Timestamp, is_busy: bool) {
        while self.now < end {
            self.now = self.now.plus(Span::from_nanos(10_000_000));
            if self.connect_at.is_some_and(|connect_at| connect_at <= self.now) {
                self.connect_at = None;
                self.connection += 1;
                self.gateway.connected(self.now);
            }
            while self.underway.peek().is_some_and(|next| next.at <= self.now) {
                let Some(delivery) = self.underway.pop() else { break };
                self.deliver(delivery);
                self.pump();
            }
            if is_busy {
                self.happen();
            }
            self.gateway.tick(self.now);
            self.pump();
            self.ask_again();
            self.pump();
        }
    }

    /// Everything is known, and the same on both sides.
    pub(super) fn judge(&self, seed: u64) {
        let state = self.core.state();
        assert_eq!(state.unanswered().count(), 0, "seed {seed}: an order is still in doubt");
        assert_eq!(state.impossible(), None, "seed {seed}");
        let books = state.account().unwrap();
        assert_eq!(books.standing(), AccountStanding::Agrees, "seed {seed}: {:?}", books.differences());
        let held = |name: &str| books.balance(&Asset::new(name)).units();
        assert_eq!((held("BTC"), held("USDT")), (self.venue.btc, self.venue.usdt), "seed {seed}");
        let mut placed = BTreeSet::new();
        let mut traded = 0_i128;
        for order in &self.venue.orders {
            let Ok(id) = order.client_id.parse::<ClientId>() else { continue };
            assert!(placed.insert(id.order()), "seed {seed}: order {:?} stands twice", id.order());
            let works = !order.status.is_final();
            assert_eq!(state.open_order(id.order()).is_some(), works, "seed {seed}: {order:?}");
            traded += order.filled;
        }
        let turnover = state.ledger().turnover();
        assert_eq!(turnover, Money::from_units(traded * PRICE * 10_i128.pow(10)), "seed {seed}");
        for open in state.open_orders() {
            assert!(
                placed.contains(&open.order.id),
                "seed {seed}: order {:?} is not at the venue",
                open.order.id
            );
        }
        assert_eq!(state.equity_from_books(), Some(state.equity()), "seed {seed}");
    }
}
