//! The fault actions of the simulators, by name.

use tokenfleet_simulators::Action;

/// Asserts that `tried` holds each action that the simulators declare.
///
/// # Panics
///
/// Panics if one is missing.
pub fn assert_every_action_is_tried<'a>(tried: impl IntoIterator<Item = &'a Action>) {
    let tried: Vec<_> = tried.into_iter().map(action_name).collect();
    for declared in declared_actions() {
        assert!(tried.iter().any(|tried| tried == declared), "{declared}");
    }
}

/// Returns the names of all declared actions, read from their source so that none is overlooked.
fn declared_actions() -> Vec<&'static str> {
    let source = include_str!("../../crates/simulators/src/faults/action.rs");
    let actions = source
        .split_once("pub enum Action {")
        .and_then(|(_, rest)| rest.split_once("\n}\n"))
        .map_or("", |(actions, _)| actions);
    let declared: Vec<_> = actions
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(first_word)
        .collect();
    assert!(declared.len() > 15, "{declared:?}");
    declared
}

/// Returns the name under which an action is declared.
#[must_use]
pub fn action_name(action: &Action) -> String {
    match action {
        // Its Debug output is that of the hook alone.
        Action::Run(_) => "Run".to_owned(),
        other => first_word(&format!("{other:?}")).to_owned(),
    }
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic());
    &text[..end.unwrap_or(text.len())]
}
