//! Which datasets a run reads: one length of bars, and found again by what they hold.

use crate::configuration::SMA_CROSS;
use crate::folder::Folder;

#[test]
fn two_bar_lengths_of_one_instrument_are_refused_with_both_named() {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS);
    folder.text("synth --dataset minutes --seed 3 --bars 600 --interval 1m");
    folder.text("synth --dataset hours --seed 4 --bars 600 --interval 1h");
    for order in ["--dataset minutes --dataset hours", "--dataset hours --dataset minutes"] {
        let said = folder.refusal(&format!("backtest c.toml --run a {order}"));
        assert!(said.contains("last 1m") && said.contains("last 1h") && said.contains("--dataset"), "{said}");
    }
    folder.text("backtest c.toml --run a --dataset hours");
}

#[test]
fn a_run_finds_its_data_by_content_whatever_the_order_and_the_spelling() {
    let folder = Folder::new();
    folder.write("c.toml", SMA_CROSS);
    for (name, seed) in [("first", 3), ("second", 4), ("third", 5)] {
        folder.text(&format!("synth --dataset {name} --seed {seed} --bars 600 --interval 1h"));
    }
    // The same folder twice is one dataset.
    folder.text("backtest c.toml --run a --dataset second --dataset ./second/../second");
    for given in [
        "--dataset first --dataset second",
        "--dataset second --dataset first",
        "--dataset third --dataset ./first --dataset first/../second --dataset second",
    ] {
        assert!(folder.text(&format!("replay a --check {given}")).starts_with("same"), "{given}");
    }
    let said = folder.refusal("replay a --check --dataset first --dataset third");
    assert!(said.contains("synthetic:SYNUSD:bars") && said.contains("other records"), "{said}");
    let said = folder.refusal("replay a --check --dataset nowhere");
    assert!(said.contains("synthetic:SYNUSD:bars: not in nowhere"), "{said}");
}
