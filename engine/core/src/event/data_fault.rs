//! What was found wrong in the data of venues, before any of it became a market record.

use crate::instrument::InstrumentId;
use crate::market::{Bar, Quote, Trade};
use crate::num::{Price, Ratio};
use crate::time::Timestamp;

recorded! {
    /// Something wrong in the data of one instrument. It moves no mark and makes no order: what is withheld is not told.
    #[derive(Copy)]
    struct DataFault {
        /// Whose data.
        pub instrument: InstrumentId,
        /// What was found.
        pub finding: DataFinding,
    }
}

recorded! {
    /// What is wrong with data, or no longer is.
    #[derive(Copy)]
    enum DataFinding {
        /// A quote whose bid is not below its ask. It is not told, and those like it right behind it are not named.
        Crossed(Quote),
        /// A trade far from those before it waits for others, or for a quote, that say the same.
        Withheld(OutOfCollar),
        /// Trades that waited are told next: others, or a quote, said the same.
        Released(ReleasedTrades),
        /// A trade that waited is not told: those behind it came back, or are missing.
        Discarded(NumberedTrade),
        /// Trades that a connection told again, or too late, were passed over.
        Repeated(RepeatedTrades),
        /// Trades are missing by their numbers.
        Missing(MissingTrades),
        /// A stream is silent for far longer than it ever is, while its connection lives.
        Stale(SilentStream),
        /// It speaks again.
        Spoke(SilentStream),
        /// The loop fell behind, and newer quotes took the place of ones that waited.
        Conflated(ConflatedQuotes),
        /// A bar that the venue streams is another than its trades make, all of which were told. It is told as the venue says.
        Contradicted(ContradictedBar),
    }
}

impl DataFinding {
    /// Whether something is wrong; else something that was is over.
    #[must_use]
    pub const fn is_wrong(self) -> bool {
        match self {
            Self::Crossed(_)
            | Self::Withheld(_)
            | Self::Discarded(_)
            | Self::Repeated(_)
            | Self::Missing(_)
            | Self::Stale(_)
            | Self::Conflated(_)
            | Self::Contradicted(_) => true,
            Self::Released(_) | Self::Spoke(_) => false,
        }
    }

    /// What is found, in one word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crossed(_) => "crossed",
            Self::Withheld(_) => "withheld",
            Self::Released(_) => "released",
            Self::Discarded(_) => "discarded",
            Self::Repeated(_) => "repeated",
            Self::Missing(_) => "missing",
            Self::Stale(_) => "stale",
            Self::Spoke(_) => "spoke",
            Self::Conflated(_) => "conflated",
            Self::Contradicted(_) => "contradicted",
        }
    }
}

recorded! {
    /// A trade and its number.
    #[derive(Copy)]
    struct NumberedTrade {
        /// The venue's number of it; the first where it stands for several.
        pub number: u64,
        /// The trade.
        pub trade: Trade,
    }
}

recorded! {
    /// A trade outside the collar.
    #[derive(Copy)]
    struct OutOfCollar {
        /// The trade.
        pub what: NumberedTrade,
        /// The price of the trade told last.
        pub reference: Price,
        /// How far from that a trade may be, as the natural logarithm of their ratio.
        pub collar: Ratio,
    }
}

recorded! {
    /// Trades that waited and are told.
    #[derive(Copy)]
    struct ReleasedTrades {
        /// The number of the first.
        pub first: u64,
        /// How many.
        pub count: u32,
        /// What said the same.
        pub by: Confirmation,
    }
}

recorded! {
    /// What confirmed trades that waited.
    #[derive(Copy)]
    enum Confirmation {
        /// Three trades more.
        Trades,
        /// The best bid and ask.
        Quote,
    }
}

recorded! {
    /// Trades passed over because they, or later ones, had been told.
    #[derive(Copy)]
    struct RepeatedTrades {
        /// The number of the first that came.
        pub first: u64,
        /// The number of the last that came.
        pub last: u64,
        /// How many came.
        pub count: u64,
    }
}

recorded! {
    /// A hole in the numbers of trades.
    #[derive(Copy)]
    struct MissingTrades {
        /// The number of the last trade before it, where it is known.
        pub after: Option<u64>,
        /// The number of the first trade behind it.
        pub before: u64,
        /// What becomes of it.
        pub fate: HoleFate,
    }
}

recorded! {
    /// What becomes of a hole.
    #[derive(Copy)]
    enum HoleFate {
        /// The venue is asked for what is missing; what came behind it waits.
        Asked,
        /// Nobody can tell what is missing.
        Stays,
    }
}

recorded! {
    /// A stream that is, or was, silent.
    #[derive(Copy)]
    struct SilentStream {
        /// Which stream of the instrument.
        pub stream: StreamKind,
        /// When it spoke last before.
        pub since: Timestamp,
    }
}

recorded! {
    /// Quotes that were never told, each because a newer one of its instrument had come before its turn.
    #[derive(Copy)]
    struct ConflatedQuotes {
        /// How many, since the last such word.
        pub count: u64,
    }
}

recorded! {
    /// Two bars of one span.
    #[derive(Copy)]
    struct ContradictedBar {
        /// The venue's.
        pub told: Bar,
        /// What its trades make.
        pub built: Bar,
    }
}

recorded! {
    /// What a stream of market data holds.
    #[derive(Copy, PartialOrd, Ord)]
    enum StreamKind {
        /// Every trade.
        Trades,
        /// The best bid and ask.
        Quotes,
        /// Bars.
        Bars,
    }
}
