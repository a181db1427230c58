//! One envelope as bytes, the same whatever page it comes to lie in.
//!
//! ```text
//!   0  len      4   bytes of the body
//!   4  crc32    4   over seq and body: names the damaged event once the page's link has failed
//!   8  seq      8   number of the event
//!  16  body         moment, records read, cause and event in bincode
//! ```
//!
//! Events repeat each other, and every byte stored costs several times what compressing it does, so the frames of a
//! page are stored as one LZ4 block, and those of a run that records its market as columns under zstd:
//!
//! ```text
//!   0  frames_len   4   bytes of all frames; the highest bit is set for columns
//!   4  LZ4 block
//!
//!   4  columns_len  4   bytes of the columns
//!   8  zstd frame
//! ```

use bincode::error::EncodeError;
use engine_core::envelope::{Cause, Envelope, Seq};
use engine_core::event::Event;
use engine_core::time::Timestamp;

use crate::coding;

mod columns;

const HEAD: usize = 16;

/// Where an event stands: all that an envelope says besides the event itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameHeader {
    pub(crate) seq: Seq,
    pub(crate) at: Timestamp,
    pub(crate) records_read: u64,
    pub(crate) cause: Cause,
}

/// Appends the frame of an event to `out`; `event` writes itself as an [`Event`] does.
///
/// # Errors
/// What bincode says; it has no reason to say anything about events.
pub(crate) fn encode(
    standing: FrameHeader,
    event: &impl serde::Serialize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = out.len();
    let FrameHeader { seq, at, records_read, cause } = standing;
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&seq.number().to_le_bytes());
    coding::encode((at, records_read, cause, event), out)?;
    let len = u32::try_from(out.len().saturating_sub(start.saturating_add(HEAD))).unwrap_or(u32::MAX);
    let crc = crc32fast::hash(out.get(start.saturating_add(8)..).unwrap_or_default());
    put(out, start, &len.to_le_bytes());
    put(out, start.saturating_add(4), &crc.to_le_bytes());
    Ok(())
}

fn put<const N: usize>(out: &mut [u8], at: usize, value: &[u8; N]) {
    if let Some(place) = out.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
        *place = *value;
    }
}

/// Largest number of bytes of frames that a page can hold; a length beyond it is damage.
const FRAMES_MAX: usize = 256 << 20;

/// Set in the length of frames that are stored as columns; no page is so long.
const AS_COLUMNS: u32 = 1 << 31;

/// How hard columns are compressed: what a higher level gains on a page of a second is not worth its time.
const LEVEL: i32 = 3;

/// Appends `frames` as they are stored to `page`. They are tried as columns where the run records its market.
pub(crate) fn pack(frames: &[u8], records_market: bool, page: &mut Vec<u8>) {
    if !(records_market && pack_columns(frames, page).is_some()) {
        pack_block(frames, page);
    }
}

/// Appends nothing where it answers nothing.
fn pack_columns(frames: &[u8], page: &mut Vec<u8>) -> Option<()> {
    let len = u32::try_from(frames.len()).ok().filter(|len| len & AS_COLUMNS == 0)?;
    let columns = columns::folded(frames)?;
    let columns_len = u32::try_from(columns.len()).ok()?;
    let packed = zstd::bulk::compress(&columns, LEVEL).ok()?;
    page.extend_from_slice(&(len | AS_COLUMNS).to_le_bytes());
    page.extend_from_slice(&columns_len.to_le_bytes());
    page.extend_from_slice(&packed);
    Some(())
}

fn pack_block(frames: &[u8], page: &mut Vec<u8>) {
    let len = u32::try_from(frames.len()).unwrap_or(u32::MAX);
    page.extend_from_slice(&len.to_le_bytes());
    let start = page.len();
    page.resize(start.saturating_add(lz4_flex::block::get_maximum_output_size(frames.len())), 0);
    let room = page.get_mut(start..).unwrap_or_default();
    // The room is the most that compression can take, so it never runs out.
    let packed = lz4_flex::block::compress_into(frames, room).unwrap_or_default();
    page.truncate(start.saturating_add(packed));
}

/// The frames of a payload. Of a damaged one, what can be had: zeros stand behind the place where it ends.
pub(crate) fn unpack(payload: &[u8]) -> Vec<u8> {
    let Some((len, packed)) = payload.split_first_chunk::<4>() else { return Vec::new() };
    let len = u32::from_le_bytes(*len);
    if len & AS_COLUMNS != 0 {
        return unpack_columns(len & !AS_COLUMNS, packed).unwrap_or_default();
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > FRAMES_MAX {
        return Vec::new();
    }
    let mut frames = vec![0; len];
    // What fails here fails the checksums of the frames.
    let _ = lz4_flex::block::decompress_into(packed, &mut frames);
    frames
}

fn unpack_columns(len: u32, packed: &[u8]) -> Option<Vec<u8>> {
    let within = |len: u32| usize::try_from(len).ok().filter(|len| *len <= FRAMES_MAX);
    let (columns_len, packed) = packed.split_first_chunk::<4>()?;
    let (len, columns_len) = (within(len)?, within(u32::from_le_bytes(*columns_len))?);
    let columns = zstd::bulk::decompress(packed, columns_len).ok()?;
    let mut frames = columns::unfolded(&columns, len);
    frames.resize(len, 0);
    Some(frames)
}

/// The frames of a payload, each with what it claims to be.
#[derive(Debug, Clone)]
pub(crate) struct Frames<'a> {
    rest: &'a [u8],
}

/// One frame as it lies in a page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) seq: u64,
    pub(crate) is_sound: bool,
    /// The whole frame.
    pub(crate) bytes: &'a [u8],
    body: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(crate) const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    /// The next frame; `None` at the end or where no frame fits any more.
    fn next(&mut self) -> Option<Frame<'a>> {
        let (len, rest) = self.rest.split_first_chunk::<4>()?;
        let (crc, rest) = rest.split_first_chunk::<4>()?;
        let (seq, rest) = rest.split_first_chunk::<8>()?;
        let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
        let body = rest.get(..len)?;
        let (bytes, rest) = self.rest.split_at_checked(HEAD.checked_add(len)?)?;
        self.rest = rest;
        let is_sound = crc32fast::hash(bytes.get(8..)?) == u32::from_le_bytes(*crc);
        Some(Frame { seq: u64::from_le_bytes(*seq), is_sound, bytes, body })
    }
}

impl Frame<'_> {
    /// The envelope, decoded; `None` when the body is not that of an envelope.
    pub(crate) fn envelope(&self) -> Option<Envelope> {
        type Body = (Timestamp, u64, Cause, Event);
        let (at, records_read, cause, event): Body = coding::decode(self.body).ok()?;
        Some(Envelope { seq: Seq::new(self.seq), at, records_read, cause, event })
    }
}

#[cfg(test)]
mod tests {
    use engine_core::envelope::{Cause, RecordRef, Seq};
    use engine_core::event::{
        AccountEvent, ClockStep, ConflatedQuotes, ContradictedBar, DataFault, DataFinding, Event, HoleFate,
        Input, ListingChange, MissingTrades, SessionMark, SilentStream, StreamKind,
    };
    use engine_core::instrument::InstrumentId;
    use engine_core::listing::TradingStatus;
    use engine_core::market::{Bar, BarOpen, MarketUpdate};
    use engine_core::num::{Money, Price, Qty, Ratio};
    use engine_core::order::{Bracket, BracketStop, OrderId};
    use engine_core::time::{Span, Timestamp};
    use proptest::prelude::*;

    use super::*;

    fn encode(envelope: &Envelope, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Envelope { seq, at, records_read, cause, ref event } = *envelope;
        super::encode(FrameHeader { seq, at, records_read, cause }, event, out)
    }
    use crate::sample::Sampler;

    fn envelope(seed: u64) -> Envelope {
        let mut sampler = Sampler::new(seed);
        let event = if sampler.below(2) == 0 {
            Event::Input(sampler.input())
        } else {
            Event::Output(sampler.output())
        };
        let seq = Seq::new(1 + sampler.below(1 << 40));
        let cause = if sampler.below(2) == 0 {
            Cause::Event(seq)
        } else {
            Cause::Record(RecordRef { dataset: 3, seq: sampler.below(1 << 50) })
        };
        let at = Timestamp::from_nanos(sampler.below(1 << 62).cast_signed());
        Envelope { seq, at, records_read: sampler.below(1 << 50), cause, event }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn an_envelope_reads_back_as_it_was_written(seed in any::<u64>()) {
            let envelope = envelope(seed);
            let mut bytes = Vec::new();
            encode(&envelope, &mut bytes).unwrap();
            let frame = Frames::new(&bytes).next().unwrap();
            prop_assert!(frame.is_sound);
            prop_assert_eq!(frame.bytes, bytes.as_slice());
            prop_assert_eq!(frame.envelope(), Some(envelope.clone()));
            let mut behind_others = vec![9; 4_099];
            encode(&envelope, &mut behind_others).unwrap();
            prop_assert_eq!(behind_others.get(4_099..), Some(bytes.as_slice()), "a frame must not know its place");
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), seed in any::<u64>()) {
            for frame in Frames::new(&bytes) {
                let _ = frame.envelope();
            }
            let packed = { let mut page = Vec::new(); pack(&bytes, true, &mut page); page };
            let unpacked = unpack(&packed);
            prop_assert_eq!(unpacked.as_slice(), bytes.as_slice());
            let _ = unpack(&bytes);
            let mut damaged = Vec::new();
            encode(&envelope(seed), &mut damaged).unwrap();
            let place = usize::try_from(seed % damaged.len() as u64).unwrap();
            damaged[place] ^= 1 << (seed % 8);
            let found = Frames::new(&damaged).next();
            prop_assert!(found.is_none_or(|frame| !frame.is_sound), "damage passed the checksum");
            // A forger mends the checksum; what the body says is read all the same.
            let body = damaged.get(HEAD..).unwrap();
            let _ = Frame { seq: 1, is_sound: true, bytes: body, body }.envelope();
            let _ = Frame { seq: 1, is_sound: true, bytes: &bytes, body: &bytes }.envelope();
        }
    }

    /// New ones stand behind these.
    #[test]
    fn inputs_keep_the_numbers_they_were_given() {
        let bytes = |input: Input| {
            let mut bytes = Vec::new();
            coding::encode(Event::Input(input), &mut bytes).unwrap();
            bytes
        };
        assert_eq!(bytes(Input::Deadline), [0, 5]);
        assert_eq!(bytes(Input::Session(SessionMark::Resumed)), [0, 0, 3]);
        let open = BarOpen {
            instrument: InstrumentId::new(1),
            open_at: Timestamp::from_nanos(-1),
            open: Price::from_units(2),
        };
        assert_eq!(bytes(Input::Market(MarketUpdate::Open(open))), [0, 1, 2, 1, 1, 4]);
        let bar = Bar {
            instrument: open.instrument,
            open_at: open.open_at,
            close_at: open.open_at,
            open: open.open,
            high: open.open,
            low: open.open,
            close: open.open,
            volume: Qty::ZERO,
            trades: 3,
        };
        let signal = bytes(Input::Market(MarketUpdate::SignalBar(bar)));
        assert_eq!(signal, [0, 1, 4, 1, 1, 1, 4, 4, 4, 4, 0, 3]);
        let step = ClockStep { by: Span::from_nanos(-1), followed: Span::ZERO };
        assert_eq!(bytes(Input::Clock(step)), [0, 10, 1, 0]);
        let missing = MissingTrades { after: Some(5), before: 8, fate: HoleFate::Stays };
        let fault = |finding| Box::new(DataFault { instrument: open.instrument, finding });
        let missing = DataFinding::Missing(missing);
        assert_eq!(bytes(Input::DataFault(fault(missing))), [0, 11, 1, 5, 1, 5, 8, 1]);
        let silent = SilentStream { stream: StreamKind::Bars, since: open.open_at };
        assert_eq!(bytes(Input::DataFault(fault(DataFinding::Stale(silent)))), [0, 11, 1, 6, 2, 1]);
        assert_eq!(bytes(Input::DataFault(fault(DataFinding::Spoke(silent)))), [0, 11, 1, 7, 2, 1]);
        let conflated = DataFinding::Conflated(ConflatedQuotes { count: 9 });
        assert_eq!(bytes(Input::DataFault(fault(conflated))), [0, 11, 1, 8, 9]);
        let contradicted = DataFinding::Contradicted(ContradictedBar { told: bar, built: bar });
        let contradicted = bytes(Input::DataFault(fault(contradicted)));
        assert_eq!(contradicted, [[0, 11, 1, 9].as_slice(), &signal[3..], &signal[3..]].concat());
        let change = ListingChange {
            instrument: open.instrument,
            tick: Price::from_units(2),
            lot: Qty::from_units(3),
            notional_min: Money::from_units(4),
            status: TradingStatus::Delisted,
        };
        assert_eq!(bytes(Input::Listing(Box::new(change))), [0, 12, 1, 4, 6, 8, 4]);
        let unanswered = AccountEvent::Unanswered(OrderId::new(7));
        assert_eq!(bytes(Input::Account(Box::new(unanswered))), [0, 13, 7, 7]);
    }

    /// What is new behind what an optional price was.
    #[test]
    fn the_stop_of_a_bracket_has_the_bytes_of_an_optional_price_or_new_ones() {
        let bytes = |stop_loss| {
            let bracket = Bracket { stop_loss, take_profit: None };
            bincode::serde::encode_to_vec(bracket, bincode::config::standard()).unwrap()
        };
        let price = Price::from_units(3);
        let optional = |price: Option<Price>| {
            bincode::serde::encode_to_vec((price, None::<Price>), bincode::config::standard()).unwrap()
        };
        assert_eq!(bytes(BracketStop::None), optional(None));
        assert_eq!(bytes(BracketStop::At(price)), optional(Some(price)));
        assert_eq!(bytes(BracketStop::Trailing(Ratio::from_units(4))), [2, 8, 0]);
    }

    /// Whoever changes this on purpose changes the schema number too.
    #[test]
    fn events_have_the_bytes_they_always_had() {
        let mut bytes = Vec::new();
        (0..2_000).for_each(|seed| encode(&envelope(seed), &mut bytes).unwrap());
        let fingerprint = crate::chain::hex(blake3::hash(&bytes).as_bytes().get(..8).unwrap());
        assert_eq!((fingerprint.as_str(), bytes.len()), ("b5dd1d18b8e8aef1", 187_122));
    }
}
