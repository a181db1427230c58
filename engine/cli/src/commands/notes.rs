//! Notes that several commands give beside their answers.

use std::path::{Path, PathBuf};

use journal_store::dataset::unfinished_imports;
use journal_store::run::RunReader;

use crate::output::terminal::Terminal;
use engine_application::config::RunSettings;
use engine_application::wiring::datasets::named_twice;
use engine_application::wiring::signing::Signing;

/// Says that a run was not closed as planned, and how far it came; and what of it was dropped.
pub(in crate::commands) fn note_run_state(terminal: Terminal, reader: &RunReader) {
    if let Some(dropped) = reader.dropped() {
        terminal.note(&format!("{}: {dropped}", reader.dir().display()));
    }
    if let Some(caution) = reader.state().caution() {
        terminal.note(&format!("{}: {caution}", reader.dir().display()));
    }
}

/// Says why a run will not be signed, when it will not.
pub(in crate::commands) fn note_unsigned(terminal: Terminal, signing: &Signing) {
    if let Some(reason) = &signing.unsigned {
        terminal.note(&format!("the run will not be signed: {reason}"));
    }
}

/// Says which imports into the dataset in `dir` were cut, until they are repeated and come to their end.
pub fn note_cut_imports(terminal: Terminal, dir: &Path) {
    for series in unfinished_imports(dir) {
        terminal.note(&format!(
            "warning: {}: an import of {series} was cut, or is under way; what it did not finish is not read: repeat the \
             same import",
            dir.display()
        ));
    }
}

/// Says which datasets were named twice in different words, each being read once, and which imports were cut into those
/// that the configuration names.
pub(in crate::commands) fn note_datasets(terminal: Terminal, settings: &RunSettings, given: &[PathBuf]) {
    let named = settings.data.iter().filter_map(|data| data.dataset.as_deref());
    named.for_each(|dataset| note_cut_imports(terminal, dataset));
    for (one, other) in named_twice(settings, given) {
        let (one, other) = (one.display(), other.display());
        terminal.note(&format!("{one} and {other} are one dataset; it is read once"));
    }
}
