//! Comparison of results with texts kept in files.

use std::path::Path;

/// Asserts that a text equals `tests/expected/NAME.txt`.
///
/// With `TOKENFLEET_WRITE=1` the file is written instead: read the difference before you commit it.
///
/// # Panics
///
/// Panics with the differing lines if the texts differ, or if the file cannot be written.
#[track_caller]
pub fn assert_expected(name: &str, text: &str) {
    assert_file(&format!("tests/tests/expected/{name}.txt"), text);
}

/// Asserts that a text equals the document of that name in `docs`, as [`assert_expected`] does.
///
/// # Panics
///
/// Panics as [`assert_expected`] does.
#[track_caller]
pub fn assert_document(name: &str, text: &str) {
    assert_file(&format!("docs/{name}"), text);
}

#[track_caller]
fn assert_file(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    if std::env::var_os("TOKENFLEET_WRITE").is_some_and(|value| value == "1") {
        std::fs::write(&file, format!("{text}\n")).expect("the expected file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    // Some checkouts convert line endings.
    let expected: Vec<_> = expected.lines().collect();
    let found: Vec<_> = text.lines().collect();
    let only = |lines: &[&str], others: &[&str], sign: char| -> String {
        let missing = lines.iter().filter(|line| !others.contains(line));
        missing.map(|line| format!("{sign} {line}\n")).collect()
    };
    assert!(
        expected == found,
        "{name} differs (TOKENFLEET_WRITE=1 accepts the new text):\n{}{}",
        only(&expected, &found, '-'),
        only(&found, &expected, '+'),
    );
}
