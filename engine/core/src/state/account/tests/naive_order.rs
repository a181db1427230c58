//! Random reports on one order, against a model that keeps a list of what it was told and nothing else.

use super::*;

/// What the reports say when all of them are looked at together.
#[derive(Debug, Default)]
struct Told {
    trades: BTreeMap<u128, i128>,
    accepted: bool,
    rejected: bool,
    ended: bool,
    impossible: bool,
}

const ORDERED: i128 = 40;

impl Told {
    fn traded(&self) -> i128 {
        self.trades.values().sum()
    }

    fn learn(&mut self, execution: &Execution) {
        let is_full = self.traded() == ORDERED;
        match execution {
            Execution::Accepted => {
                self.impossible |= self.rejected;
                self.accepted |= !self.rejected;
            }
            Execution::Triggered => {
                self.impossible |= self.rejected;
                self.accepted |= !self.rejected;
            }
            Execution::Rejected(_) if self.rejected => {}
            Execution::Rejected(_) => {
                let is_known = self.accepted || self.ended || !self.trades.is_empty();
                self.impossible |= is_known;
                self.rejected |= !is_known;
            }
            Execution::Filled(fill) if self.trades.contains_key(&fill.trade.number()) => {}
            Execution::Filled(fill) => {
                let has_room = self.traded() + fill.qty.units() <= ORDERED;
                self.impossible |= !has_room || self.rejected;
                if has_room {
                    self.trades.insert(fill.trade.number(), fill.qty.units());
                }
            }
            Execution::Cancelled | Execution::Expired => {
                self.impossible |= self.rejected || is_full && !self.ended;
                self.ended |= !(self.rejected || is_full);
            }
            Execution::Amended(_) => {}
        }
    }

    fn works(&self) -> bool {
        !(self.rejected || self.ended || self.traded() == ORDERED)
    }
}

/// How many sequences are tried.
const SEQUENCES: u64 = 1_000_000;

#[test]
fn an_order_is_what_all_that_was_told_of_it_says() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |end: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % end
    };
    let mut fresh = begun(1_000);
    tell(&mut fresh, stated(&[]));
    let order = submit(&mut fresh, COIN, Side::Buy, ORDERED);
    let (mut halted, mut late) = (0, 0);
    for sequence in 0..SEQUENCES {
        let (mut state, mut told) = (fresh.clone(), Told::default());
        let mut reports = Vec::new();
        for _ in 0..=below(8) {
            let execution = match below(12) {
                0 | 1 => Execution::Accepted,
                2 => Execution::Triggered,
                3 => Execution::Cancelled,
                4 => Execution::Expired,
                5 if below(3) == 0 => Execution::Rejected(RejectReason::NoLiquidity),
                // Of one trade a venue says one quantity.
                _ => {
                    let trade = below(6);
                    fill(
                        u128::from(trade),
                        10_000,
                        i128::from([10, 10, 20, 30, 5, 40][usize::try_from(trade).unwrap()]),
                        0,
                    )
                }
            };
            reports.push(execution);
            report(&mut state, order, execution);
            let was_over = !told.works();
            told.learn(&execution);
            late += u64::from(was_over && !told.impossible);
            assert_eq!(state.impossible().is_some(), told.impossible, "sequence {sequence}: {reports:?}");
            assert_eq!(
                state.ledger().position(COIN).qty.units(),
                told.traded(),
                "sequence {sequence}: {reports:?}"
            );
            assert_eq!(state.open_order_count() == 1, told.works(), "sequence {sequence}: {reports:?}");
            if told.impossible {
                halted += 1;
                break;
            }
        }
    }
    assert!(halted > SEQUENCES / 20 && late > SEQUENCES / 20, "{halted} halted, {late} late");
}
