//! The model with a part of the protocol left out, and with the orders of others.

use std::time::Duration;

use crate::other::Order;
use crate::platform::Kind::{self, Cloudsmith, InPlaceUnverified, Losant};
use crate::setting::{Mutant, Setting};
use crate::table::{compare, python};
use crate::{clean, row, setting};

#[test]
fn every_part_that_is_left_out_is_missed() {
    let mutant = |kind: Kind, sinks, mutant| Setting {
        mutant: Some(mutant),
        ..setting(kind, sinks, 2)
    };
    let no_swap = |lease| Setting {
        compare_and_swap: false,
        lease,
        ..setting(Losant, 1, 2)
    };
    let no_swap_no_overlap = Setting {
        overlap: Duration::ZERO,
        soak: Duration::ZERO,
        ..no_swap(true)
    };
    let no_swap_no_settle = Setting {
        mutant: Some(Mutant::NoSettle),
        ..no_swap(true)
    };
    let no_epoch = mutant(Losant, 2, Mutant::NoEpochInSinks);
    let no_epoch_no_lease = Setting {
        lease: false,
        ..no_epoch.clone()
    };
    let epoch_no_lease = Setting {
        lease: false,
        ..setting(Losant, 2, 2)
    };
    let other = |order| Setting {
        other: Some(order),
        ..setting(Losant, 1, 2)
    };
    // What is belt and braces needs two parts to be left out before it shows.
    compare(
        "At most 2 faults; mutants, and the orders of others",
        &[
            row(
                "marker after the creation",
                mutant(Losant, 1, Mutant::MarkerAfterCreation),
                1_671,
                python(758, 348, 348, 0, 0),
            ),
            row(
                "earlier markers forgotten",
                mutant(Losant, 1, Mutant::EarlierMarkersForgotten),
                1_719,
                python(728, 396, 396, 0, 0),
            ),
            row(
                "no second look",
                mutant(Losant, 1, Mutant::NoSettle),
                1_761,
                python(692, 44, 0, 0, 0),
            ),
            row(
                "in place: no wait before a repetition",
                setting(Cloudsmith, 1, 2),
                659,
                python(500, 0, 0, 0, 500),
            ),
            row(
                "in place: not confirmed, but waits",
                setting(InPlaceUnverified, 1, 2),
                548,
                python(386, 0, 0, 0, 386),
            ),
            row(
                "in place: neither",
                mutant(Cloudsmith, 1, Mutant::NoSettleNotConfirmed),
                615,
                python(313, 31, 31, 31, 313),
            ),
            row(
                "in place, unverified: neither",
                mutant(InPlaceUnverified, 1, Mutant::NoSettle),
                548,
                python(313, 31, 31, 31, 313),
            ),
            row(
                "in place: confirmation believed",
                mutant(Cloudsmith, 1, Mutant::NotConfirmed),
                615,
                python(313, 31, 31, 31, 313),
            ),
            row(
                "belt and braces: no compare-and-swap",
                no_swap(true),
                1_773,
                clean(780),
            ),
            row(
                "no compare-and-swap, overlap 0",
                no_swap_no_overlap,
                914,
                clean(780),
            ),
            row(
                "no compare-and-swap, no second look",
                no_swap_no_settle,
                1_761,
                python(692, 52, 0, 8, 8),
            ),
            row(
                "no compare-and-swap, any pause",
                no_swap(false),
                1_843,
                python(792, 68, 0, 39, 40),
            ),
            row(
                "belt and braces: sinks not read",
                mutant(Losant, 2, Mutant::SinksNotRead),
                2_892,
                clean(1_200),
            ),
            row(
                "belt and braces: no epoch in sinks",
                no_epoch,
                2_892,
                clean(1_424),
            ),
            row(
                "no epoch in sinks, any pause",
                no_epoch_no_lease,
                3_070,
                python(1_530, 219, 0, 336, 336),
            ),
            row(
                "epoch in sinks, any pause",
                epoch_no_lease,
                2_982,
                python(1_431, 35, 0, 0, 0),
            ),
            row(
                "create, deliver, persist, revoke (Infisical)",
                other(Order::CreateDeliverPersistRevoke),
                511,
                python(354, 286, 286, 0, 0),
            ),
            row(
                "four steps, the server makes the token (AWS)",
                other(Order::FourSteps),
                604,
                python(503, 124, 124, 0, 0),
            ),
        ],
    );
}
