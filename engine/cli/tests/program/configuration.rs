//! Configurations that several tests share.

/// Half of equity in a crossing of averages, closed at the end; tables may be added.
pub(crate) const SMA_CROSS: &str = "\
[run]
capital = \"10000\"
end = \"flatten\"
[risk]
drawdown_max = 1
[strategy]
name = \"sma-cross\"
fast = 5
slow = 20
size = { equity_share = \"50%\" }
";

/// The same, short as well, with fees; tables may be added.
pub(crate) const SMA_CROSS_LONG_SHORT: &str = "\
[run]
capital = \"10000\"
end = \"flatten\"
[costs]
taker_fee = \"0.1%\"
[risk]
drawdown_max = 1
[strategy]
name = \"sma-cross\"
fast = 5
slow = 20
direction = \"long-short\"
size = { equity_share = \"50%\" }
";

/// The default ensemble in a cash account, with fees; tables may be added.
pub(crate) const ENSEMBLE: &str = "\
[run]
capital = \"100000\"
[costs]
taker_fee = \"0.1%\"
[risk]
account = \"cash\"
drawdown_max = 1
[strategy]
name = \"rg-ens12\"
";
