//! What each verb does to the exchange when it is set off.

use std::time::Duration;

use tokio::time::Instant;

use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::decimal;
use crate::exchange::Exchange;
use crate::fault::{Drop, Fault};
use crate::frame;
use crate::instrument::Status;
use crate::link::Outgoing;
use crate::log::Entry;
use crate::market::symbol::SymbolMarket;
use crate::settings::Dialect;

/// Jumps add up to no more than ten years.
const SKEW_NS_MAX: i64 = 315_360_000_000_000_000;

impl Exchange {
    /// Sets a fault off and notes it; names that no market has are told.
    pub(crate) fn set_off(&mut self, fault: &Fault) -> Result<(), String> {
        let done = self.perform(fault);
        if done.is_ok() {
            self.note(Entry::Fault { fault: fault.to_json() });
        }
        done
    }

    fn perform(&mut self, fault: &Fault) -> Result<(), String> {
        let in_ms = |ms: &u64| (*ms > 0).then_some(Duration::from_millis(*ms));
        match fault {
            Fault::DropConn { how } => {
                self.each(|exchange, id| exchange.end(id, *how, 1001, "fault drop_conn"))
            }
            Fault::RefuseConnect { n } => self.disorder.refuse_connects = *n,
            Fault::Delay { ms } => self.pace.delay.set(Duration::from_millis(*ms)),
            Fault::SlowDrip { bytes_per_second } => self.pace.bytes_per_second.set(*bytes_per_second),
            Fault::Duplicate { p } => self.disorder.duplicate_ppm = Fault::ppm(*p),
            Fault::Reorder { window } => {
                self.disorder.reorders.extend(self.links.keys().map(|id| (*id, *window)));
            }
            Fault::Gap { stream, k } => self.disorder.leave_out(stream, *k),
            Fault::Freeze { stream } => drop(self.disorder.frozen.insert(stream.clone())),
            Fault::Thaw { stream } => drop(self.disorder.frozen.remove(stream)),
            Fault::Corrupt { p } => self.disorder.corrupt_ppm = Fault::ppm(*p),
            Fault::Huge { bytes } => self.each(|exchange, id| exchange.send(id, Outgoing::Huge(*bytes))),
            Fault::BadUtf8 {} => self.send_frame(Data::Text, b"{\"e\":\"\xff\xc3\x28\"}", "bad_utf8"),
            Fault::BinaryFrame {} => self.send_frame(Data::Binary, &[0, 1, 2, 0xfe, 0xff], "binary_frame"),
            Fault::Fragment { n } => self.pace.fragments.set(*n),
            Fault::Ping { payload } => self.each(|exchange, id| exchange.ping(id, payload.as_bytes())),
            Fault::NoPongKill { ms } => {
                self.disorder.pong_within = in_ms(ms);
                self.each(Self::demand_pong);
            }
            Fault::ServerShutdown { ms } => self.each(|exchange, id| exchange.announce_shutdown(id, *ms)),
            Fault::Expire24h { ms } => self.disorder.life = in_ms(ms),
            Fault::Http { status, retry_after, n } => {
                self.disorder.http = (*n > 0).then_some((*status, *retry_after, *n));
            }
            Fault::Ban { secs } => {
                self.disorder.banned_until = Some(Instant::now() + Duration::from_secs(u64::from(*secs)));
            }
            Fault::ClockSkew { ms } => self.disorder.skew_ns = ms * 1_000_000,
            Fault::ClockJump { ms } => {
                let skew_ns = self.disorder.skew_ns + ms * 1_000_000;
                if skew_ns.abs() > SKEW_NS_MAX {
                    return Err("the clock would be more than ten years off".to_owned());
                }
                self.disorder.skew_ns = skew_ns;
            }
            Fault::Halt { symbol } => self.named(symbol)?.instrument.status = Status::Halted,
            Fault::CancelOnly { symbol } => self.named(symbol)?.instrument.status = Status::CancelOnly,
            Fault::Delist { symbol } => {
                self.named(symbol)?.instrument.status = Status::Delisted;
                let named = |market: &SymbolMarket| market.instrument.is_named(symbol);
                if let Some(at) = self.symbol(named) {
                    self.expire_orders(at);
                }
            }
            Fault::Resume { symbol } => self.named(symbol)?.instrument.status = Status::Trading,
            Fault::FiltersChange { symbol, tick, step, min_notional } => {
                self.change_filters(symbol, tick, step, min_notional)?;
            }
            Fault::PriceSpike { symbol, percent } => self.named(symbol)?.spike_next(*percent),
            Fault::CrossBook { symbol } => self.named(symbol)?.cross_next(),
            Fault::Order(fault) => self.disturb_orders(fault)?,
        }
        Ok(())
    }

    fn each(&mut self, act: impl Fn(&mut Self, u64)) {
        let links: Vec<u64> = self.links.keys().copied().collect();
        links.into_iter().for_each(|id| act(self, id));
    }

    fn send_frame(&mut self, kind: Data, payload: &[u8], what: &str) {
        self.each(|exchange, id| {
            let bytes = frame::frame(OpCode::Data(kind), true, payload);
            exchange.send(id, Outgoing::Bytes { bytes, what: what.to_owned() });
        });
    }

    /// Pings a client and hangs up when no pong comes in time.
    pub(crate) fn demand_pong(&mut self, id: u64) {
        let within = self.disorder.pong_within.unwrap_or(self.settings.pong_within);
        let payload = (self.told_ns() / 1_000_000).to_string();
        if let Some(link) = self.links.get_mut(&id) {
            link.last_ping = Instant::now();
            link.pong_due.get_or_insert(Instant::now() + within);
        }
        self.ping(id, payload.as_bytes());
    }

    /// Says that the server goes down, where the venue says it, and hangs up after the grace.
    fn announce_shutdown(&mut self, id: u64, grace_ms: u64) {
        let told_ms = self.told_ns() / 1_000_000;
        let Some(link) = self.links.get_mut(&id) else { return };
        link.end_at = Some((Instant::now() + Duration::from_millis(grace_ms), "server shutdown"));
        let event = format!("{{\"e\":\"serverShutdown\",\"E\":{told_ms}}}");
        match self.settings.dialect {
            Dialect::Binance if link.login.is_some() => {
                self.answer(id, format!("{{\"event\":{event}}}"));
            }
            Dialect::Binance if link.combined => {
                self.answer(id, format!("{{\"stream\":\"!serverShutdown\",\"data\":{event}}}"));
            }
            Dialect::Binance => self.answer(id, event),
            Dialect::Kraken => self.answer(id, crate::kraken::session::status("maintenance")),
            Dialect::Coinbase => {}
        }
    }

    fn named(&mut self, name: &str) -> Result<&mut SymbolMarket, String> {
        let at = self.symbol(|symbol| symbol.instrument.is_named(name));
        let at = at.ok_or_else(|| format!("there is no market {name}"))?;
        Ok(&mut self.market.symbols[at])
    }

    fn change_filters(
        &mut self,
        name: &str,
        tick: &str,
        step: &str,
        min_notional: &str,
    ) -> Result<(), String> {
        let symbol = self.named(name)?;
        let read = |field: &str, text: &str, decimals: u32| {
            let units = decimal::units(text, decimals);
            let units = units.filter(|units| (1..=u64::MAX / 1_000_000).contains(units));
            units.ok_or_else(|| format!("{field} {text:?} is no number above zero with {decimals} decimals"))
        };
        let tick = read("tick", tick, symbol.instrument.price_decimals)?;
        let step = read("step", step, symbol.instrument.quantity_decimals)?;
        read("min_notional", min_notional, 8)?;
        min_notional.clone_into(&mut symbol.instrument.min_notional);
        symbol.change_filters(tick, step);
        Ok(())
    }
}

impl Exchange {
    /// What is due at a client by the wall: pings, heartbeats, and the ends of its life.
    pub(crate) fn attend(&mut self, id: u64, now: Instant) {
        let ping_every = self.settings.ping_every;
        let Some(link) = self.links.get_mut(&id) else { return };
        let silent = self.settings.dialect == Dialect::Coinbase && !link.subscribed;
        let ends = [
            link.pong_due.map(|due| (due, Drop::NoClose, "no pong in time")),
            self.disorder.life.map(|life| (link.opened + life, Drop::Fin, "24 hours are over")),
            link.end_at.map(|(at, why)| (at, Drop::Fin, why)),
            silent.then_some((
                link.opened + self.settings.subscribe_within,
                Drop::Fin,
                "no subscribe in time",
            )),
        ];
        if let Some((_, how, why)) = ends.into_iter().flatten().find(|(at, ..)| *at <= now) {
            return self.end(id, how, 1001, why);
        }
        let beats = link.heartbeats && now.duration_since(link.last_heartbeat) >= Duration::from_secs(1);
        if beats {
            link.last_heartbeat = now;
        }
        if now.duration_since(link.last_ping) >= ping_every {
            self.demand_pong(id);
        }
        if beats {
            match self.settings.dialect {
                Dialect::Coinbase => crate::coinbase::session::heartbeat(self, id),
                Dialect::Kraken => self.answer(id, "{\"channel\":\"heartbeat\"}".to_owned()),
                Dialect::Binance => {}
            }
        }
    }
}
