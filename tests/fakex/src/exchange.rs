//! The venue itself: its markets, its clients, and what it publishes to whom.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::clock::{VirtualClock, wall_ns};
use crate::disorder::Disorder;
use crate::fault::Schedule;
use crate::interval::Interval;
use crate::link::{Link, Pace};
use crate::log::{Entry, Log};
use crate::market::Market;
use crate::market::book::BookChange;
use crate::market::symbol::{Happening, SymbolMarket};
use crate::market::trade::Trade;
use crate::payload::{binance, coinbase, kraken};
use crate::recorded::Replayed;
use crate::settings::{Dialect, Settings};
use crate::stream::{Channel, Gathered, Publication, Stream, View, Windows};
use crate::trading::Trading;

/// Time of the venue between two pushes of a bar that forms.
const BAR_PUSH_MS: u32 = 2_000;
/// Time of the venue over which Coinbase gathers trades.
const TRADE_BATCH_MS: u32 = 250;

/// Steps of the market that one request makes at most; the rest is made in turn.
const CATCH_UP_STEPS: usize = 1_024;

/// The state of a venue.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) log: Arc<Log>,
    pub(crate) market: Market,
    pub(crate) disorder: Disorder,
    pub(crate) schedule: Schedule,
    pub(crate) pace: Rc<Pace>,
    pub(crate) links: BTreeMap<u64, Link>,
    /// The order side, where there is an account.
    pub(crate) trading: Option<Trading>,
    /// A recording that is sent in the place of the market.
    pub(crate) replayed: Option<Replayed>,
    interest: BTreeMap<Stream, Vec<u64>>,
    windows: Windows,
    views: BTreeMap<Stream, View>,
    /// The venue's time of what it does now.
    pub(crate) now_ns: i64,
    pub(crate) messages: u64,
    links_opened: u64,
}

impl Exchange {
    pub(crate) fn new(settings: Settings, clock: Arc<VirtualClock>, log: Arc<Log>, market: Market) -> Self {
        let origin_ns = clock.origin_ns();
        Self {
            schedule: Schedule::new(settings.plan.clone(), origin_ns),
            disorder: Disorder::new(settings.seed),
            settings,
            clock,
            log,
            market,
            pace: Rc::new(Pace::default()),
            links: BTreeMap::new(),
            trading: None,
            replayed: None,
            interest: BTreeMap::new(),
            windows: Windows::default(),
            views: BTreeMap::new(),
            now_ns: origin_ns,
            messages: 0,
            links_opened: 0,
        }
    }

    /// Plays the bars before the origin: they are history that REST can tell and nobody was sent.
    pub(crate) fn play_past(&mut self) {
        let origin_ns = self.clock.origin_ns();
        while self.market.due_ns().is_some_and(|due_ns| due_ns < origin_ns) {
            let Some((symbol, _, happenings)) = self.market.step() else { break };
            for happening in happenings {
                self.record(symbol, &happening);
            }
        }
        for symbol in 0..self.market.symbols.len() {
            for happening in self.market.symbols[symbol].begin_live(origin_ns) {
                self.record(symbol, &happening);
            }
        }
    }

    /// Publishes what is due, so that an answer is never older than what was published before it.
    pub(crate) fn catch_up(&mut self) {
        let now_ns = self.clock.now_ns();
        let mut steps = 0;
        while steps < CATCH_UP_STEPS && self.step(now_ns) {
            steps += 1;
        }
    }

    pub(crate) fn speed(&self) -> u32 {
        self.clock.speed()
    }

    /// The clients that have half of what may wait for them waiting.
    pub(crate) fn crowded(&self) -> Vec<u64> {
        let is_crowded = |link: &Link| link.outbox.capacity() < link.outbox.max_capacity() / 2;
        self.links.iter().filter(|(_, link)| is_crowded(link)).map(|(id, _)| *id).collect()
    }

    /// When something happens next.
    pub(crate) fn due_ns(&self) -> Option<i64> {
        let recorded = self.replayed.as_ref().and_then(Replayed::due_ns);
        let dues = [self.market.due_ns(), self.windows.due_ns(), self.schedule.due_ns(), recorded];
        dues.into_iter().flatten().min()
    }

    /// Does what happens next, if it happens until `until_ns`; windows close before the market moves on.
    pub(crate) fn step(&mut self, until_ns: i64) -> bool {
        self.listen_to_recording();
        let Some(due_ns) = self.due_ns().filter(|due_ns| *due_ns <= until_ns) else {
            self.now_ns = self.now_ns.max(until_ns);
            return false;
        };
        self.now_ns = self.now_ns.max(due_ns);
        for fault in self.schedule.take_due(due_ns, self.messages) {
            // A plan may name a market that this exchange does not play.
            if let Err(what) = self.set_off(&fault) {
                self.note(Entry::Fault {
                    fault: serde_json::json!({ "not_set_off": fault.to_json(), "why": what }),
                });
            }
        }
        if self.replayed.as_ref().and_then(Replayed::due_ns) == Some(due_ns) {
            self.tell_recorded();
        } else if self.windows.due_ns() == Some(due_ns) {
            for (stream, gathered) in self.windows.take_due(due_ns) {
                self.flush(stream, gathered);
            }
        } else if self.market.due_ns() == Some(due_ns)
            && let Some((symbol, _, happenings)) = self.market.step()
        {
            let trade = happenings.iter().find_map(Happening::trade);
            for happening in happenings {
                self.record(symbol, &happening);
                self.publish_happening(symbol, happening);
            }
            if let Some(trade) = trade {
                self.follow_trade(symbol, &trade);
            }
        }
        true
    }

    fn record(&self, symbol: usize, happening: &Happening) {
        let name = self.market.symbols[symbol].instrument.name.clone();
        match happening {
            Happening::Traded(trade) => self.note(Entry::Trade { symbol: name, trade: *trade }),
            Happening::BarClosed(interval, bar) if bar.trades > 0 => {
                self.note(Entry::Bar { symbol: name, interval: interval.name().to_owned(), bar: *bar });
            }
            Happening::BarClosed(..) | Happening::BookChanged(_) => {}
        }
    }

    pub(crate) fn note(&self, entry: Entry) {
        self.log.add(wall_ns(), self.now_ns, entry);
    }

    fn publish_happening(&mut self, symbol: usize, happening: Happening) {
        match happening {
            Happening::Traded(trade) => self.publish_trade(symbol, trade),
            Happening::BookChanged(change) => self.publish_change(symbol, &change),
            Happening::BarClosed(interval, bar) => {
                let stream = Stream { symbol, channel: Channel::Bars(interval) };
                self.windows.forget(stream);
                self.publish(stream, &Publication::Bar { bar, interval, closed: true });
            }
        }
    }

    fn publish_trade(&mut self, symbol: usize, trade: Trade) {
        for channel in [Channel::Trades, Channel::AggregateTrades] {
            let stream = Stream { symbol, channel };
            match self.settings.dialect {
                Dialect::Coinbase if self.interest.contains_key(&stream) => {
                    self.windows.add_trade(stream, trade, TRADE_BATCH_MS);
                }
                Dialect::Coinbase => {}
                Dialect::Binance | Dialect::Kraken => self.publish(stream, &Publication::Trades(&[trade])),
            }
        }
        for at in 0..self.settings.intervals.len() {
            let stream = Stream { symbol, channel: Channel::Bars(self.settings.intervals[at]) };
            if self.interest.contains_key(&stream) {
                self.windows.mark(stream, trade.time_ns, BAR_PUSH_MS);
            }
        }
    }

    fn publish_change(&mut self, symbol: usize, change: &BookChange) {
        if let Some(quote) = change.quote {
            let day = self.market.symbols[symbol].candles().forming(Interval::DAY, self.now_ns);
            let publication = Publication::Quote { quote, update_id: change.last_id, day };
            self.publish(Stream { symbol, channel: Channel::Quotes }, &publication);
        }
        let first = Stream { symbol, channel: Channel::Depth { every_ms: 0 } };
        let last = Stream { symbol, channel: Channel::Book { levels: u32::MAX } };
        let wanted: Vec<Stream> = self.interest.range(first..=last).map(|(stream, _)| *stream).collect();
        for stream in wanted {
            match stream.channel {
                Channel::Depth { every_ms } => self.windows.add_change(stream, change, every_ms),
                Channel::TopOfBook { every_ms, .. } => self.windows.mark(stream, change.time_ns, every_ms),
                Channel::Book { levels } => self.publish_view(stream, levels, change.time_ns),
                Channel::Trades | Channel::AggregateTrades | Channel::Quotes | Channel::Bars(_) => {}
            }
        }
    }

    fn publish_view(&mut self, stream: Stream, levels: u32, time_ns: i64) {
        let view = self.view(stream.symbol, levels);
        let before = self.views.remove(&stream).unwrap_or_default();
        let book = self.market.symbols[stream.symbol].book();
        let stands = |is_bid: bool, price: u64| {
            if is_bid {
                book.bids().any(|(at, _)| at == price)
            } else {
                book.asks().any(|(at, _)| at == price)
            }
        };
        let changed = view.since(&before, stands);
        if changed != View::default() {
            self.publish(stream, &Publication::Book { changed, view: &view, time_ns });
        }
        self.views.insert(stream, view);
    }

    /// The best levels of a market's book.
    pub(crate) fn view(&self, symbol: usize, levels: u32) -> View {
        let book = self.market.symbols[symbol].book();
        let levels = levels as usize;
        View { bids: book.bids().take(levels).collect(), asks: book.asks().take(levels).collect() }
    }

    fn flush(&mut self, stream: Stream, gathered: Gathered) {
        match (gathered, stream.channel) {
            (Gathered::Trades(trades), _) => self.publish(stream, &Publication::Trades(&trades)),
            (Gathered::Depth(diff), _) => self.publish(stream, &Publication::Depth(&diff)),
            (Gathered::State, Channel::Bars(interval)) => {
                let bar = self.market.symbols[stream.symbol].candles().forming(interval, self.now_ns);
                if let Some(bar) = bar {
                    self.publish(stream, &Publication::Bar { bar, interval, closed: false });
                }
            }
            (Gathered::State, Channel::TopOfBook { levels, .. }) => {
                let last_id = self.market.symbols[stream.symbol].book().last_id();
                let view = self.view(stream.symbol, levels);
                self.publish(stream, &Publication::Top { last_id, view });
            }
            (Gathered::State, _) => {}
        }
    }

    fn publish(&mut self, stream: Stream, publication: &Publication<'_>) {
        let Some(links) = self.interest.get(&stream).cloned() else { return };
        let instrument = &self.market.symbols[stream.symbol].instrument;
        let told_ns = self.told_ns();
        let body = match self.settings.dialect {
            Dialect::Binance => binance::body(instrument, publication, stream.channel, told_ns),
            Dialect::Coinbase => coinbase::body(instrument, publication),
            Dialect::Kraken => kraken::body(instrument, publication, told_ns),
        };
        for id in links {
            self.deliver(id, stream, &body);
        }
    }

    /// The time the venue says it is: its clock with the skew of faults.
    pub(crate) fn told_ns(&self) -> i64 {
        self.now_ns + self.disorder.skew_ns
    }

    pub(crate) fn attach(&mut self, link: Link, path: String) -> u64 {
        self.links_opened += 1;
        let id = self.links_opened;
        self.links.insert(id, link);
        self.note(Entry::Opened { connection: id, path });
        id
    }

    pub(crate) fn detach(&mut self, id: u64, why: &str) {
        if let Some(link) = self.links.remove(&id) {
            for stream in link.streams.keys() {
                self.lose_interest(id, *stream);
            }
            self.note(Entry::Closed { connection: id, why: why.to_owned() });
        }
    }

    /// Subscribes a client under the name the venue has for the stream.
    pub(crate) fn subscribe(&mut self, id: u64, stream: Stream, name: &str) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.subscribed = true;
        if link.streams.insert(stream, name.into()).is_some() {
            return;
        }
        self.interest.entry(stream).or_default().push(id);
        if let Channel::Book { levels } = stream.channel
            && !self.views.contains_key(&stream)
        {
            let view = self.view(stream.symbol, levels);
            self.views.insert(stream, view);
        }
    }

    pub(crate) fn unsubscribe(&mut self, id: u64, stream: Stream) {
        if let Some(link) = self.links.get_mut(&id) {
            link.streams.remove(&stream);
            self.lose_interest(id, stream);
        }
    }

    fn lose_interest(&mut self, id: u64, stream: Stream) {
        let Some(links) = self.interest.get_mut(&stream) else { return };
        links.retain(|other| *other != id);
        if links.is_empty() {
            self.interest.remove(&stream);
            self.windows.forget(stream);
            self.views.remove(&stream);
        }
    }

    /// The market of a name as any venue writes it.
    pub(crate) fn symbol(&self, is_named: impl Fn(&SymbolMarket) -> bool) -> Option<usize> {
        self.market.symbols.iter().position(is_named)
    }
}
