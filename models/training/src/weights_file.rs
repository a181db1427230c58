//! Files of named tensors, as other frameworks keep weights: JSON, and safetensors of 32-bit floats.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::error::TrainError;

/// A tensor and its name.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Its name, as in `trunk.0.weight`.
    pub name: String,
    /// Its sizes, the outermost first.
    pub shape: Vec<usize>,
    /// Its numbers, row by row.
    pub values: Vec<f32>,
}

/// The tensors in the file at `path`, in the order of their names.
///
/// JSON is an object from name to nested arrays, or to `{"shape": [..], "data": [..]}`, where `data` is flat, row by row, or
/// nested exactly as `shape` says.
///
/// # Errors
/// [`TrainError`] naming what cannot be read, or a number that is not finite.
pub fn read(path: &Path) -> Result<Vec<NamedTensor>, TrainError> {
    let bytes = std::fs::read(path).map_err(TrainError::io("read", path))?;
    let bad = |reason: String| TrainError::BadInput { path: path.to_owned(), reason };
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let mut tensors = if is_json { of_json(&bytes) } else { of_safetensors(&bytes) }.map_err(bad)?;
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    let broken = tensors.iter().find(|tensor| tensor.values.iter().any(|value| !value.is_finite()));
    match broken {
        Some(tensor) => Err(bad(format!("{} holds a number that is not finite", tensor.name))),
        None if tensors.is_empty() => Err(bad("it holds no tensors".to_owned())),
        None => Ok(tensors),
    }
}

fn of_safetensors(bytes: &[u8]) -> Result<Vec<NamedTensor>, String> {
    let refused = |error| format!("it is neither JSON nor safetensors, or was cut off: {error}");
    let file = SafeTensors::deserialize(bytes).map_err(refused)?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("{name} holds {:?}; save it as 32-bit floats", view.dtype()));
        }
        let number = |bytes: &[u8]| bytes.try_into().map_or(f32::NAN, f32::from_le_bytes);
        let values = view.data().chunks_exact(4).map(number).collect();
        tensors.push(NamedTensor { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    Ok(tensors)
}

fn of_json(bytes: &[u8]) -> Result<Vec<NamedTensor>, String> {
    let document: serde_json::Map<String, Value> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let tensors = document.into_iter().map(|(name, value)| tensor(&name, &value));
    tensors.collect()
}

fn tensor(name: &str, value: &Value) -> Result<NamedTensor, String> {
    let (mut nested, mut values) = (Vec::new(), Vec::new());
    let (sizes, data) = match (value.get("shape"), value.get("data")) {
        (Some(sizes), Some(data)) => (Some(sizes), data),
        (None, _) | (_, None) => (None, value),
    };
    gather(data, 0, &mut nested, &mut values).map_err(|reason| format!("{name}: {reason}"))?;
    let Some(sizes) = sizes else {
        return Ok(NamedTensor { name: name.to_owned(), shape: nested, values });
    };
    let shape: Vec<usize> =
        serde_json::from_value(sizes.clone()).map_err(|error| format!("{name}: shape: {error}"))?;
    let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    if count != Some(values.len()) {
        return Err(format!("{name}: its shape {shape:?} is not that of {} numbers", values.len()));
    }
    if nested.len() != 1 && nested != shape {
        return Err(format!(
            "{name}: its data is nested as {nested:?}, its shape is {shape:?}; write the data flat, or nested as the shape says"
        ));
    }
    Ok(NamedTensor { name: name.to_owned(), shape, values })
}

/// Adds the numbers in `value` to `values`; `shape` gets the sizes of its arrays, which are the same all through it.
fn gather(value: &Value, depth: usize, shape: &mut Vec<usize>, values: &mut Vec<f32>) -> Result<(), String> {
    match value {
        Value::Number(_) if depth != shape.len() => Err("its rows are not of one length".to_owned()),
        Value::Number(number) => {
            values.push(number.as_f64().unwrap_or(f64::NAN) as f32);
            Ok(())
        }
        Value::Array(items) if depth < 8 => {
            match shape.get(depth) {
                None if values.is_empty() => shape.push(items.len()),
                Some(size) if *size == items.len() => {}
                None | Some(_) => return Err("its rows are not of one length".to_owned()),
            }
            items.iter().try_for_each(|item| gather(item, depth + 1, shape, values))
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => {
            Err("expected numbers in nested arrays".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<NamedTensor, String> {
        of_json(text.as_bytes()).map(|mut tensors| tensors.remove(0))
    }

    #[test]
    fn data_is_flat_or_nested_exactly_as_its_shape_says() {
        let wanted = NamedTensor {
            name: "a".to_owned(),
            shape: vec![2, 3],
            values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        };
        for text in [
            r#"{"a": {"shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]}}"#,
            r#"{"a": {"shape": [2, 3], "data": [[1, 2, 3], [4, 5, 6]]}}"#,
            r#"{"a": [[1, 2, 3], [4, 5, 6]]}"#,
        ] {
            assert_eq!(read_one(text).as_ref(), Ok(&wanted), "{text}");
        }
        let said = read_one(r#"{"a": {"shape": [3, 2], "data": [[1, 2, 3], [4, 5, 6]]}}"#).unwrap_err();
        assert!(said.contains("nested as [2, 3], its shape is [3, 2]"), "{said}");
        for text in [
            r#"{"a": {"shape": [2, 2, 1], "data": [[1, 2], [3, 4]]}}"#,
            r#"{"a": {"shape": [1], "data": 1}}"#,
            r#"{"a": {"shape": [2, 2], "data": [[[1], [2]], [3, 4]]}}"#,
            r#"{"a": [[[1], [2]], [3, 4]]}"#,
            r#"{"a": [1, [2], 3]}"#,
            r#"{"a": [[], 1]}"#,
        ] {
            assert!(read_one(text).is_err(), "{text}");
        }
    }
}
