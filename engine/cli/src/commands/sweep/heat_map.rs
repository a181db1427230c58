//! The runs of two keys as a map of shades.

use engine_research::sweep::Swept;

use super::Figure;
use super::words::plain;

/// From the worst to the best.
const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];

/// A map of `figure` over the two keys that vary, the darkest where it is best; nothing when not exactly two do.
pub(super) fn heat_map(swept: &[Swept], figure: Figure) -> String {
    let keys: Vec<&String> = swept.first().map(|swept| swept.values.keys().collect()).unwrap_or_default();
    let values = |key: &String| {
        let mut found: Vec<String> = Vec::new();
        for value in swept.iter().filter_map(|swept| swept.values.get(key)).map(plain) {
            if !found.contains(&value) {
                found.push(value);
            }
        }
        found
    };
    let varying: Vec<(&String, Vec<String>)> =
        keys.into_iter().map(|key| (key, values(key))).filter(|(_, values)| values.len() > 1).collect();
    let [(down, rows), (across, columns)] = varying.as_slice() else { return String::new() };
    let at = |row: &str, column: &str| {
        let here = |key: &String, value: &str, swept: &Swept| {
            swept.values.get(key).map(plain).as_deref() == Some(value)
        };
        let found = swept.iter().find(|swept| here(down, row, swept) && here(across, column, swept));
        found.and_then(|swept| figure.of(swept))
    };
    let found: Vec<f64> =
        rows.iter().flat_map(|row| columns.iter().filter_map(|column| at(row, column))).collect();
    let low = found.iter().copied().fold(f64::INFINITY, f64::min);
    let high = found.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let wide = rows.iter().map(|row| row.chars().count()).max().unwrap_or_default();
    let mut text = format!("\n{}: {down} down, {across} across, the darkest is best\n", figure.label());
    let heads: String = columns.iter().map(|column| format!(" {column:>10}")).collect();
    text.push_str(&format!("{:>wide$}{heads}\n", ""));
    for row in rows {
        text.push_str(&format!("{row:>wide$}"));
        for column in columns {
            text.push_str(&match at(row, column) {
                Some(value) => format!(" {}{value:>8.2}", shade(value, low, high).repeat(2)),
                None => format!(" {:>10}", "n/a"),
            });
        }
        text.push('\n');
    }
    text
}

/// The shade of `value` between the worst and the best; the darkest where all are equal.
fn shade(value: f64, low: f64, high: f64) -> &'static str {
    let steps = SHADES.len();
    let place =
        if high > low { (value - low) / (high - low) * (steps - 1) as f64 } else { (steps - 1) as f64 };
    // From 0 to the last: what is not a number falls to the first.
    SHADES
        .iter()
        .enumerate()
        .take_while(|(step, _)| *step as f64 <= place.round())
        .last()
        .map_or(" ", |(_, shade)| shade)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_best_is_darkest_and_the_worst_is_blank() {
        assert_eq!(shade(1.0, 1.0, 3.0), " ");
        assert_eq!(shade(2.0, 1.0, 3.0), "▒");
        assert_eq!(shade(3.0, 1.0, 3.0), "█");
        assert_eq!(shade(3.0, 3.0, 3.0), "█");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_better_value_is_never_lighter(one in -9.0_f64..9.0, other in -9.0_f64..9.0) {
            let place = |value| SHADES.iter().position(|named| *named == shade(value, -9.0, 9.0));
            prop_assert_eq!(one.max(other), if place(one) > place(other) { one } else if place(one) < place(other) { other } else { one.max(other) });
        }
    }
}
