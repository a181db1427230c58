//! What a run records of a message: no folders of the machine it was written on.

/// `message` with every word that is an absolute path cut to its last name, so that two machines record one and the
/// same. A path with a blank in it is more than one word, and only its first word is cut.
#[must_use]
pub(crate) fn without_folders(message: &str) -> String {
    let ends_word = |letter: char| letter.is_whitespace() || "'\"()[]<>,;=".contains(letter);
    let words = message.split_inclusive(ends_word);
    words.map(|word| if word.starts_with('/') { last_name(word) } else { word }).collect()
}

/// The last name of a path and whatever follows it in its word.
fn last_name(word: &str) -> &str {
    let path = word.trim_end_matches(|letter: char| !letter.is_alphanumeric());
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    word.get(name_at..).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_folders_and_nothing_else_changes() {
        let said =
            "read /srv/a b/model.onnx: there is no such model (see '/opt/x/lib.so.1', and/or a/b/c.onnx)";
        assert_eq!(
            without_folders(said),
            "read a b/model.onnx: there is no such model (see 'lib.so.1', and/or a/b/c.onnx)",
        );
        assert_eq!(without_folders("read /srv/model.onnx: gone"), "read model.onnx: gone");
        assert_eq!(without_folders("in /srv/models/: nothing"), "in models/: nothing");
        for plain in ["", "/", "no CUDA device", "3/4 of it, 1 / 2"] {
            assert_eq!(without_folders(plain), plain);
        }
    }
}
