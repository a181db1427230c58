//! A recorded run read from Rust: its events one by one, and the state as it was at the end.
//!
//!     cargo run -p engine-cli --example read_run -- RUN

use std::path::Path;

use engine_application::wiring::recording::Recording;
use engine_application::wiring::state_at::state_at;
use engine_core::envelope::Seq;
use engine_core::event::{Event, Execution, Input};
use replay_replayer::fold::Until;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run = std::env::args().nth(1).ok_or("name the folder of a run")?;
    let recording = Recording::open(Path::new(&run))?;
    let mut fills = 0_u64;
    for envelope in recording.reader.envelopes(Seq::FIRST)? {
        let envelope = envelope?;
        if let Event::Input(Input::Execution(report)) = &envelope.event
            && let Execution::Filled(fill) = &report.execution
        {
            fills += 1;
            println!("{} fill {fills}: {fill:?}", envelope.at.nanos());
        }
    }
    // Needs the datasets where the run noted them; name others in the list.
    let end = state_at(&recording, Until::End, &[])?;
    println!("{fills} fills; equity at the end {:?}", end.state.equity());
    Ok(())
}
