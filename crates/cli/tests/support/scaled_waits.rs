//! The waits of the program, which the feature `scaled-waits` divides.

/// The variable that divides the waits of the program.
pub(crate) const DIVIDED_BY: &str = "TOKENFLEET_WAITS_DIVIDED_BY";

/// Returns the number by which the waits of the processes are divided, unless the environment sets
/// it: with 1, and without the feature, they are those of production.
pub(crate) fn divisor(default: u32) -> u32 {
    if !cfg!(feature = "scaled-waits") {
        return 1;
    }
    let text = std::env::var(DIVIDED_BY).ok();
    text.map_or(default, |text| text.parse().unwrap())
}
