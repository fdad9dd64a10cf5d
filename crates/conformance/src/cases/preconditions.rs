//! Preconditions that the cases of several groups share.

use tokenfleet_core::Capabilities;

use crate::Decision;

pub(super) fn lists(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.list.is_some(), "it cannot list")
}

pub(super) fn reads(declared: &Capabilities) -> Decision {
    Decision::run_if(
        declared.get || declared.list.is_some(),
        "it cannot read tokens",
    )
}

pub(super) fn creates(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.create.is_some(), "it cannot create")
}

pub(super) fn revokes(declared: &Capabilities) -> Decision {
    Decision::run_if(declared.revoke.is_some(), "it cannot revoke")
}
