//! How long things took in a run on real time, as a person reads it.

use std::time::Duration;

use serde_json::Value;

/// What is measured, by its name in the document and in words.
const LEGS: [(&str, &str); 4] = [
    ("socket_to_loop", "socket to loop"),
    ("loop_to_order", "loop to order"),
    ("tick_to_durable", "tick to durable"),
    ("journal_sync", "journal fdatasync"),
];

/// One line for each figure that has been measured.
#[must_use]
pub fn latency_lines(document: &Value) -> String {
    let line = |(key, name): (&str, &str)| {
        let figure = &document[key];
        let span = |key: &str| span(figure[key].as_u64().unwrap_or_default());
        let count = figure["count"].as_u64().filter(|count| *count > 0)?;
        Some(format!(
            "  {name:<18} p50 {:>9}  p99 {:>9}  max {:>9}  of {count}\n",
            span("p50_ns"),
            span("p99_ns"),
            span("max_ns")
        ))
    };
    LEGS.into_iter().filter_map(line).collect()
}

/// To a tenth of a microsecond, or of a millisecond above one.
fn span(nanos: u64) -> String {
    let span = Duration::from_nanos(nanos);
    if span < Duration::from_millis(1) {
        format!("{:.1} µs", span.as_secs_f64() * 1e6)
    } else {
        format!("{:.1} ms", span.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_measured_has_a_line_and_nothing_else() {
        let figure = json!({ "count": 7, "p50_ns": 4_250, "p99_ns": 1_260_000, "max_ns": 2_000_000_000 });
        let lines = latency_lines(&json!({ "socket_to_loop": figure, "journal_sync": { "count": 0 } }));
        let expected = "  socket to loop     p50    4.2 µs  p99    1.3 ms  max 2000.0 ms  of 7\n";
        assert_eq!(lines, expected);
    }
}
