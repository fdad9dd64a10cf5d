//! Texts that results are held against, kept in files.

use std::path::Path;

/// Demands that a text is the one in `tests/expected/NAME.txt`. With `TOKENFLEET_WRITE=1` it is written there instead:
/// then read the difference before it is committed.
///
/// # Panics
///
/// When the texts differ, with the lines that do; when the file cannot be written.
#[track_caller]
pub fn assert_expected(name: &str, text: &str) {
    assert_kept(&format!("tests/tests/expected/{name}.txt"), text);
}

/// The same of a document, by its name in `docs`.
///
/// # Panics
///
/// As [`assert_expected`].
#[track_caller]
pub fn assert_document(name: &str, text: &str) {
    assert_kept(&format!("docs/{name}"), text);
}

#[track_caller]
fn assert_kept(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    if std::env::var_os("TOKENFLEET_WRITE").is_some_and(|value| value == "1") {
        std::fs::write(&file, format!("{text}\n"))
            .expect("the file of what is expected is written");
        return;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    // Some checkouts turn line ends.
    let expected: Vec<_> = expected.lines().collect();
    let found: Vec<_> = text.lines().collect();
    let only = |lines: &[&str], others: &[&str], sign: char| -> String {
        let missing = lines.iter().filter(|line| !others.contains(line));
        missing.map(|line| format!("{sign} {line}\n")).collect()
    };
    assert!(
        expected == found,
        "{name} is not as expected (TOKENFLEET_WRITE=1 takes it as it is):\n{}{}",
        only(&expected, &found, '-'),
        only(&found, &expected, '+'),
    );
}
