//! The model of a rotation: every schedule with at most three faults, driving the machine.
//!
//! A fault is a request that is lost, an answer that is lost, a request that arrives at the next
//! wait or as late as a request can arrive (at the platform and at a sink alike), a crash at any
//! point, and a pause during which another worker takes over with a higher epoch. What becomes of
//! the world at the end of each schedule is counted, and the verdict compared with that of the
//! model in Python which the design was checked by.
//!
//! Why the counts differ from those in Python: the machine reads the sinks before an attempt
//! instead of after it, verifies what they hold before anything is revoked, records `retiring` in
//! place, too, waits between attempts, looks at the last use, suspends first, and
//! searches for markers as a step of its own; a late request may arrive at two moments. It reads the
//! sinks of an unlisted platform once less, and waits in place only where an answer was lost.
//!
//! Sinks that are down, a platform that accepts a new secret late, and sinks that another rotation
//! writes are tried in `withdrawal`: the model in Python has none of them.
//!
//! What is not modelled: reads lie, a revoked token works again, a sink lies, a late
//! request arrives after nobody waits for it any longer, more than three workers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod actor;
mod choices;
mod enumeration;
mod mutants;
mod other;
mod platform;
mod setting;
mod table;
mod withdrawal;
mod world;

use std::time::Duration;

use crate::platform::Kind::{self, Cloudsmith, Foreman, InPlaceUnverified, Losant, Mindbody};
use crate::setting::Setting;
use crate::table::{Python, Row, compare, python};

const DAY: Duration = Duration::from_secs(86_400);

fn setting(kind: Kind, sinks: usize, faults: u32) -> Setting {
    Setting {
        kind,
        sinks,
        faults,
        max_workers: 3,
        lease: true,
        compare_and_swap: true,
        overlap: DAY,
        soak: DAY,
        ends_at_waits: false,
        certain_failures: false,
        contests: false,
        is_calm: false,
        mutant: None,
        other: None,
    }
}

fn row(name: &str, setting: Setting, at_least: u32, python: Python) -> Row {
    Row {
        name: format!(
            "{name}, {} sink{}",
            setting.sinks,
            if setting.sinks == 1 { "" } else { "s" }
        ),
        setting,
        python,
        at_least,
    }
}

/// The verdict that nothing goes wrong, where the model in Python has no such faults.
const NOT_IN_PYTHON: Python = clean(0);

/// Creates the counts of the model in Python where nothing goes wrong.
const fn clean(schedules: u32) -> Python {
    python(schedules, 0, 0, 0, 0)
}

#[test]
fn no_schedule_of_three_faults_leaves_an_orphan_a_dead_end_or_an_outage() {
    let all = |schedules| python(schedules, 0, 0, 0, schedules);
    compare(
        "At most 3 faults; a superseded worker sends nothing",
        &[
            row("Losant", setting(Losant, 1, 3), 47_020, clean(15_365)),
            row("Losant", setting(Losant, 2, 3), 97_787, clean(37_061)),
            row("Foreman", setting(Foreman, 1, 3), 28_675, clean(15_365)),
            row("Foreman", setting(Foreman, 2, 3), 62_956, clean(37_061)),
            row("Cloudsmith", setting(Cloudsmith, 1, 3), 14_211, all(10_746)),
            row("Cloudsmith", setting(Cloudsmith, 2, 3), 35_066, all(31_355)),
            row(
                "unverified",
                setting(InPlaceUnverified, 1, 3),
                10_240,
                all(10_746),
            ),
            row(
                "unverified",
                setting(InPlaceUnverified, 2, 3),
                27_660,
                all(31_355),
            ),
            row("Mindbody", setting(Mindbody, 1, 3), 15_694, clean(14_632)),
            row("Mindbody", setting(Mindbody, 2, 3), 39_896, clean(43_036)),
        ],
    );
}

#[test]
fn a_worker_that_ends_at_each_wait_and_an_overlap_of_zero_change_nothing() {
    let ends = |kind| Setting {
        ends_at_waits: true,
        ..setting(kind, 1, 3)
    };
    let short = |kind| Setting {
        overlap: Duration::from_secs(60),
        soak: Duration::ZERO,
        ..setting(kind, 1, 3)
    };
    let zero = |kind| Setting {
        overlap: Duration::ZERO,
        soak: Duration::ZERO,
        ..setting(kind, 1, 3)
    };
    let all = |schedules| python(schedules, 0, 0, 0, schedules);
    compare(
        "At most 3 faults; the worker ends at each wait, or old and new never overlap",
        &[
            row("Losant, ends at waits", ends(Losant), 27_403, clean(15_365)),
            row(
                "Foreman, ends at waits",
                ends(Foreman),
                18_220,
                clean(15_365),
            ),
            row(
                "Cloudsmith, ends at waits",
                ends(Cloudsmith),
                11_497,
                all(10_746),
            ),
            row(
                "Mindbody, ends at waits",
                ends(Mindbody),
                11_583,
                clean(14_632),
            ),
            row("Losant, a minute", short(Losant), 25_663, clean(15_365)),
            row("Foreman, a minute", short(Foreman), 33_824, clean(15_365)),
            row("Losant, overlap 0", zero(Losant), 21_749, clean(15_365)),
            row("Foreman, overlap 0", zero(Foreman), 21_749, clean(15_365)),
        ],
    );
}

#[test]
fn a_pause_of_any_length_leaves_marked_tokens_only() {
    let any = |kind, sinks, faults| Setting {
        lease: false,
        ..setting(kind, sinks, faults)
    };
    compare(
        "Pauses of any length: a superseded worker may still send",
        &[
            row(
                "Losant, 3 faults",
                any(Losant, 1, 3),
                51_515,
                python(16_155, 471, 0, 0, 0),
            ),
            row(
                "Losant, 3 faults",
                any(Losant, 2, 3),
                105_399,
                python(38_821, 684, 0, 0, 0),
            ),
            row(
                "Foreman, 3 faults",
                any(Foreman, 1, 3),
                31_660,
                python(16_155, 471, 0, 0, 0),
            ),
            // The next look at the published credential finds it dead, and rotates again.
            row(
                "Cloudsmith, 3 faults",
                any(Cloudsmith, 1, 3),
                15_493,
                python(12_669, 485, 485, 485, 12_669),
            ),
            row(
                "Cloudsmith, 2 faults",
                any(Cloudsmith, 2, 2),
                1_250,
                python(1_192, 35, 35, 35, 1_192),
            ),
            row("Mindbody, 2 faults", any(Mindbody, 1, 2), 822, clean(821)),
            row(
                "Mindbody, 2 faults",
                any(Mindbody, 2, 2),
                1_471,
                clean(1_645),
            ),
        ],
    );
}
