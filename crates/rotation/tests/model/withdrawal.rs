//! Successors that are withdrawn: a sink is down, the platform does not accept a new secret yet, or
//! another rotation writes a sink.

use crate::platform::Kind::{self, Foreman, Losant, Mindbody};
use crate::setting::{Mutant, Setting};
use crate::table::{Python, compare, python};
use crate::{NOT_IN_PYTHON, row, setting};

/// The verdict that tokens are left, all of them with a durable marker.
const MARKED: Python = python(0, 1, 0, 0, 0);

fn failing(kind: Kind, sinks: usize, faults: u32) -> Setting {
    Setting {
        certain_failures: true,
        ..setting(kind, sinks, faults)
    }
}

/// A setting in which nothing is lost, so that everything that is left is left by the machine.
fn contested(kind: Kind, sinks: usize, faults: u32) -> Setting {
    Setting {
        contests: true,
        is_calm: true,
        ..failing(kind, sinks, faults)
    }
}

#[test]
fn what_is_withdrawn_is_in_no_sink_and_what_no_sink_has_is_withdrawn() {
    let with_losses = Setting {
        is_calm: false,
        ..contested(Losant, 1, 3)
    };
    let in_vain = Setting {
        mutant: Some(Mutant::WithdrawnInVain),
        ..contested(Losant, 1, 4)
    };
    let taken_for_certain = Setting {
        mutant: Some(Mutant::LostWritesAreCertain),
        ..failing(Losant, 1, 2)
    };
    compare(
        "Sinks that are down, secrets that are accepted late, and sinks of another rotation",
        &[
            row(
                "Losant, 3 faults",
                failing(Losant, 1, 3),
                79_344,
                NOT_IN_PYTHON,
            ),
            row(
                "Losant, 2 faults",
                failing(Losant, 2, 2),
                4_208,
                NOT_IN_PYTHON,
            ),
            row(
                "Foreman, 3 faults",
                failing(Foreman, 1, 3),
                51_124,
                NOT_IN_PYTHON,
            ),
            row(
                "Mindbody, 2 faults",
                failing(Mindbody, 1, 2),
                968,
                NOT_IN_PYTHON,
            ),
            row(
                "Losant, contested",
                contested(Losant, 1, 6),
                8_067,
                NOT_IN_PYTHON,
            ),
            row(
                "Losant, contested",
                contested(Losant, 2, 5),
                31_779,
                NOT_IN_PYTHON,
            ),
            row(
                "Foreman, contested",
                contested(Foreman, 1, 6),
                5_105,
                NOT_IN_PYTHON,
            ),
            // A token whose answer was lost waits for the person, and is found by its marker.
            row(
                "Losant, contested, with losses",
                with_losses,
                87_407,
                MARKED,
            ),
            row("mutant: withdrawn in vain", in_vain, 724, MARKED),
            row(
                "mutant: lost writes are certain",
                taken_for_certain,
                2_421,
                python(0, 0, 0, 0, 1),
            ),
        ],
    );
}
