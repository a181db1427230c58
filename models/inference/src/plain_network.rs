//! A network that is no conductor: one row of numbers in, one row of numbers out.

use engine_core::conductor::InferenceSetup;

use crate::library::Library;
use crate::model::{Model, ModelError};
use crate::session::{OnnxSession, Provider, SessionError};

/// Opens the network of `model` on the CPU and tries it on the middle of its training ranges.
///
/// # Errors
/// [`ModelError`] when the library refuses it, its shapes are not those of its card, or it answers what is no number.
pub fn try_out(model: &Model, library: &Library) -> Result<InferenceSetup, ModelError> {
    let unsound = |reason: String| ModelError::Unsound { path: model.path.clone(), reason };
    let session = OnnxSession::open(library, &model.bytes, Provider::Cpu);
    let mut session = session.map_err(|error| match error {
        SessionError::Rejected(reason) | SessionError::NoCuda(reason) => {
            ModelError::Rejected { path: model.path.clone(), reason }
        }
    })?;
    let outputs = session.outputs();
    let [output] = outputs.as_slice() else {
        return Err(unsound(format!("it has {} outputs, its card is that of one", outputs.len())));
    };
    let wanted = i64::try_from(model.card.answers.len()).unwrap_or(i64::MAX);
    if output.shape.as_deref() != Some(&[1, wanted]) {
        return Err(unsound(format!("its output is {output}, its card names {wanted} answers")));
    }
    let middle =
        |feature: &crate::card::TrainedFeature| f64::midpoint(feature.min.get(), feature.max.get()) as f32;
    let mut answer = [(output.name.as_str(), Vec::new())];
    session.run(model.card.features.iter().map(middle), &mut answer).map_err(unsound)?;
    let [(_, values)] = &answer;
    if let Some(place) = values.iter().position(|value| !value.is_finite()) {
        return Err(unsound(format!(
            "answer {place} to the middle of its training ranges is no finite number"
        )));
    }
    Ok(InferenceSetup {
        model: Some(model.hash.0),
        wanted: Provider::Cpu.name().to_owned(),
        running: session.running().to_owned(),
        reason: String::new(),
        library: library.name(),
    })
}
