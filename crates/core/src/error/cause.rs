//! The text of a cause, as a part of a sentence.

/// Returns the text of the cause of an error without the number of the operating system, such as
/// `(os error 2)`.
#[must_use]
pub fn cause_text(cause: &dyn std::error::Error) -> String {
    let text = cause.to_string();
    match text.rsplit_once(" (os error ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}
