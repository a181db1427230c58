//! The valid name nearest to a mistyped one.

/// The name of `valid` that is nearest to `given`, if any is near enough to be meant.
///
/// Near is an edit distance (swaps count once) of at most a third of the longer name, at least two.
#[must_use]
pub fn nearest_name<'a>(given: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    let scored =
        valid.into_iter().map(|name| (strsim::damerau_levenshtein(&given, &name.to_lowercase()), name));
    let (distance, name) = scored.min_by_key(|(distance, _)| *distance)?;
    let allowed = (given.chars().count().max(name.chars().count()) / 3).max(2);
    (distance <= allowed).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name_and_nonsense_finds_none() {
        let valid = ["ema-cross", "sma-cross", "donchian", "random"];
        assert_eq!(nearest_name("ema_cross", valid), Some("ema-cross"));
        assert_eq!(nearest_name("EMA-crsos", valid), Some("ema-cross"));
        assert_eq!(nearest_name("donchain", valid), Some("donchian"));
        assert_eq!(nearest_name("btcusdc", ["ETHUSDT", "BTCUSDT"]), Some("BTCUSDT"));
        assert_eq!(nearest_name("moon-shot", valid), None);
        assert_eq!(nearest_name("x", []), None);
    }
}
