//! Every function a rule may call, with its arguments and its meaning.

/// A function that answers a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Function {
    /// Simple moving average.
    Sma,
    /// Exponential moving average.
    Ema,
    /// Exponential mean, adjusted for the missing past.
    EmaAdjusted,
    /// Wilder's smoothing.
    Wilder,
    /// Sample standard deviation.
    Stddev,
    /// Exponentially weighted variance.
    EmaVariance,
    /// Middle value.
    Median,
    /// Value below which a part of the values lie.
    Percentile,
    /// Largest value.
    Highest,
    /// Smallest value.
    Lowest,
    /// Relative strength index.
    Rsi,
    /// Efficiency ratio.
    EfficiencyRatio,
    /// Deviation of log returns.
    RealisedVolatility,
    /// Logarithmic growth over some samples.
    Tsmom,
    /// Logarithmic return of one sample.
    LogReturn,
    /// Crossover of exponential means in units of its usual size.
    Ewmac,
    /// True range.
    TrueRange,
    /// Average true range by Wilder.
    Atr,
    /// Plain average of the true range.
    AtrSimple,
    /// Average directional index.
    Adx,
    /// Positive directional indicator.
    PlusDi,
    /// Negative directional indicator.
    MinusDi,
    /// Upper edge of the Donchian channel.
    DonchianHigh,
    /// Lower edge of the Donchian channel.
    DonchianLow,
    /// Middle of the Donchian channel.
    DonchianMiddle,
    /// Size without sign.
    Abs,
    /// Smaller of two.
    Min,
    /// Larger of two.
    Max,
    /// Square root.
    Sqrt,
    /// Natural logarithm.
    Ln,
}

/// Which way one number passes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Cross {
    /// From below or equal to above.
    Up,
    /// From above or equal to below.
    Down,
}

/// What a call becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A number.
    Number(Function),
    /// A condition about two numbers.
    Cross(Cross),
    /// A number or condition as it was some samples ago.
    Lag,
}

/// The series a function takes before its whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// None: it reads whole samples.
    Samples,
    /// One, the close when it is left out.
    CloseWhenAbsent,
    /// One.
    One,
    /// Two.
    Two,
}

/// One function: how it is called and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Its name.
    pub name: &'static str,
    /// What a call becomes.
    pub call: Call,
    /// Its series.
    pub series: Series,
    /// Its whole numbers, each with its bounds.
    pub lengths: &'static [Length],
    /// What it answers, in one sentence.
    pub meaning: &'static str,
}

/// A whole number that a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// What it is called.
    pub name: &'static str,
    /// The smallest allowed.
    pub low: u32,
    /// The largest allowed.
    pub high: u32,
}

/// The most samples a function may look back on.
pub const SAMPLES_MAX: u32 = 10_000;

const fn samples(name: &'static str, low: u32) -> Length {
    Length { name, low, high: SAMPLES_MAX }
}

const N: &[Length] = &[samples("n", 1)];
const N_OF_TWO: &[Length] = &[samples("n", 2)];

const fn of(
    name: &'static str,
    function: Function,
    (series, lengths): (Series, &'static [Length]),
    meaning: &'static str,
) -> Signature {
    Signature { name, call: Call::Number(function), series, lengths, meaning }
}

const SERIES: Series = Series::CloseWhenAbsent;
const SAMPLES: Series = Series::Samples;

/// Every function, in the order of the reference.
pub const FUNCTIONS: [Signature; 33] = [
    of("sma", Function::Sma, (SERIES, N), "the mean of the last n values"),
    of(
        "ema",
        Function::Ema,
        (SERIES, N),
        "the exponential average that moves by 2 / (n + 1) of the distance to each value and begins at the first one",
    ),
    of(
        "ema_adjusted",
        Function::EmaAdjusted,
        (SERIES, N),
        "the same weights, as a true mean of the values there are",
    ),
    of(
        "wilder",
        Function::Wilder,
        (SERIES, N),
        "Wilder's smoothing: the mean of the first n values, then 1 / n of the distance to each next one",
    ),
    of("stddev", Function::Stddev, (SERIES, N_OF_TWO), "the sample standard deviation of the last n values"),
    of(
        "ema_variance",
        Function::EmaVariance,
        (SERIES, N_OF_TWO),
        "the exponentially weighted variance of span n",
    ),
    of("median", Function::Median, (SERIES, N), "the middle of the last n values"),
    of(
        "percentile",
        Function::Percentile,
        (SERIES, &[samples("n", 1), Length { name: "p", low: 0, high: 100 }]),
        "the value below which p per cent of the last n values lie, interpolated",
    ),
    of("highest", Function::Highest, (Series::One, N), "the largest of the last n values, this one included"),
    of("lowest", Function::Lowest, (Series::One, N), "the smallest of the last n values, this one included"),
    of(
        "rsi",
        Function::Rsi,
        (SERIES, N),
        "Wilder's relative strength index, 0 to 100; 50 where nothing moved",
    ),
    of(
        "efficiency_ratio",
        Function::EfficiencyRatio,
        (SERIES, N),
        "progress over path in the last n steps, 0 to 1",
    ),
    of(
        "realised_volatility",
        Function::RealisedVolatility,
        (SERIES, N_OF_TWO),
        "the standard deviation of the last n log returns, for one sample; times sqrt(365) for a year of daily bars",
    ),
    of("tsmom", Function::Tsmom, (SERIES, N), "ln of the value over the value n samples before"),
    of("log_return", Function::LogReturn, (SERIES, &[]), "ln of the value over the one before"),
    of(
        "ewmac",
        Function::Ewmac,
        (SERIES, &[samples("fast", 1), samples("slow", 1)]),
        "the crossover of exponential means of log prices, in units of its usual size",
    ),
    of(
        "true_range",
        Function::TrueRange,
        (SAMPLES, &[]),
        "high less low, the gap to the close before included",
    ),
    of("atr", Function::Atr, (SAMPLES, N), "the average true range with Wilder's smoothing"),
    of("atr_simple", Function::AtrSimple, (SAMPLES, N), "the plain mean of the last n true ranges"),
    of(
        "adx",
        Function::Adx,
        (SAMPLES, N),
        "Wilder's average directional index, 0 to 100; known after 2·n − 1 samples",
    ),
    of("plus_di", Function::PlusDi, (SAMPLES, N), "the positive directional indicator, 0 to 100"),
    of("minus_di", Function::MinusDi, (SAMPLES, N), "the negative directional indicator, 0 to 100"),
    of(
        "donchian_high",
        Function::DonchianHigh,
        (SAMPLES, N),
        "the highest high of the last n samples, this one included; [1] is the channel before it",
    ),
    of(
        "donchian_low",
        Function::DonchianLow,
        (SAMPLES, N),
        "the lowest low of the last n samples, this one included",
    ),
    of("donchian_middle", Function::DonchianMiddle, (SAMPLES, N), "half-way between the two"),
    of("abs", Function::Abs, (Series::One, &[]), "the size of x without its sign"),
    of("min", Function::Min, (Series::Two, &[]), "the smaller of x and y"),
    of("max", Function::Max, (Series::Two, &[]), "the larger of x and y"),
    of("sqrt", Function::Sqrt, (Series::One, &[]), "the square root; not known below 0"),
    of("ln", Function::Ln, (Series::One, &[]), "the natural logarithm; not known at or below 0"),
    Signature {
        name: "lag",
        call: Call::Lag,
        series: Series::One,
        lengths: N,
        meaning: "the number or condition x as it was n samples ago; x[n] is the same",
    },
    Signature {
        name: "cross_up",
        call: Call::Cross(Cross::Up),
        series: Series::Two,
        lengths: &[],
        meaning: "a condition: x is above y and was not at the sample before",
    },
    Signature {
        name: "cross_down",
        call: Call::Cross(Cross::Down),
        series: Series::Two,
        lengths: &[],
        meaning: "a condition: x is below y and was not at the sample before",
    },
];

impl Signature {
    /// How it is written, as in `sma(x = close, n)`.
    #[must_use]
    pub fn form(&self) -> String {
        let series: &[&str] = match self.series {
            Series::Samples => &[],
            Series::CloseWhenAbsent => &["x = close"],
            Series::One => &["x"],
            Series::Two => &["x", "y"],
        };
        let lengths = self.lengths.iter().map(|length| length.name);
        let arguments: Vec<&str> = series.iter().copied().chain(lengths).collect();
        format!("{}({})", self.name, arguments.join(", "))
    }

    /// The fewest and the most arguments it takes.
    #[must_use]
    pub const fn arguments(&self) -> (usize, usize) {
        let lengths = self.lengths.len();
        match self.series {
            Series::Samples => (lengths, lengths),
            Series::CloseWhenAbsent => (lengths, lengths + 1),
            Series::One => (lengths + 1, lengths + 1),
            Series::Two => (lengths + 2, lengths + 2),
        }
    }
}

impl Function {
    /// How it is called.
    #[must_use]
    pub fn signature(self) -> Option<&'static Signature> {
        FUNCTIONS.iter().find(|signature| signature.call == Call::Number(self))
    }
}

#[cfg(test)]
mod tests;
