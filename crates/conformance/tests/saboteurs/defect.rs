//! What can be wrong with a provider.

use tokenfleet_core::capability::{
    CreateCapability, FilterCapability, OrderCapability, UpdateCapability,
};
use tokenfleet_core::{Capabilities, SortKey};

/// One defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    Panics,
    // What it declares.
    Contradicts,
    ChangesItsMind,
    TellsWhatItDoesNotDeclare,
    SendsTheMalformed,
    ClampsThePageSize,
    SendsBeforeRefusing,
    DropsUndeclaredArguments,
    DropsUndeclaredChanges,
    DropsUndeclaredFilters,
    // Listing.
    OnePageForAll,
    CountsPagesFromOne,
    RepeatsTheFirstPage,
    StopsAfterThirty,
    TotalOfThePage,
    FailsWhenEmpty,
    FailsBeyondTheLast,
    EmptyWhereItCannotList,
    DeclaresThatNothingVanishes,
    DeclaresThatMatchesStay,
    IgnoresTheOrder,
    DeclaresALooseOrderExact,
    LosesMatches,
    KeepsItsPlace,
    // Reading.
    EverythingIsActive,
    TakesUnknownForActive,
    UnknownIdIsSuccess,
    TakesIdsLeniently,
    NeverForNotReported,
    NotReportedForNever,
    ManglesNames,
    // Creating.
    SecretAsId,
    NoSecret,
    MaskedSecret,
    MakesTwo,
    HandsOutTheFirstAgain,
    InventsAnExpiry,
    ConflictIsSuccess,
    RefusesSharedNames,
    OverwritesAFullAccount,
    DropsExpiry,
    ShiftsExpiry,
    AYearForNever,
    DropsDescription,
    DropsScopes,
    IgnoresSuspended,
    RetriesWrites,
    RetriesAndFails,
    CallsLostAnswersRejected,
    // Changing, rotating, renewing.
    ChangesNothing,
    ForgetsTheRest,
    LeavesTheOldSecretAlive,
    ReturnsTheOldSecret,
    RotatesByCreating,
    RenewsNothing,
    RenewsTheDead,
    // Revoking.
    RevokesNothing,
    SecondRevocationFails,
    SecondRevocationSaysRevoked,
    RefusesWhatDoesNotWork,
    RevokesAll,
    ReplacesUnasked,
    LosesTheReplacement,
    NamesAnother,
    // Verifying.
    EverythingIsAlive,
    KnownIsAlive,
    VerifiesByCreating,
    DeadWhenBroken,
    // Failing.
    EmptyWhenRefused,
    NotFoundWhenRefused,
    EmptyWhenBroken,
    AnonymousErrors,
    FollowsRedirects,
    // Keeping secrets.
    ShowsItsCredential,
    SecretInNames,
    SecretInErrors,
    // Cancelling.
    StaysBusy,
}

impl Defect {
    /// What the saboteur declares, given what the innocent provider does.
    pub(crate) fn declared(self, innocent: &Capabilities) -> Capabilities {
        let mut declared = innocent.clone();
        let list = declared.list.as_mut();
        match (self, list) {
            (Self::Contradicts, Some(list)) => list.default_page_size = Some(5_000),
            (Self::DeclaresThatNothingVanishes, Some(list)) => list.tokens_vanish = false,
            (Self::DeclaresThatMatchesStay, Some(list)) => list.filters.immutable_matches = true,
            (Self::DropsUndeclaredFilters, Some(list)) => {
                list.filters = FilterCapability::default();
                list.orders.retain(|order| order.key == SortKey::Id);
            }
            (Self::DeclaresALooseOrderExact, Some(list)) => {
                list.orders.retain(|order| order.key != SortKey::Name);
                let order = OrderCapability::new(SortKey::Name);
                list.orders.push(
                    order
                        .with_exact_order()
                        .with_stable_keys()
                        .with_append_only(),
                );
            }
            (Self::DropsUndeclaredArguments, _) => {
                declared.create = Some(CreateCapability::new());
            }
            (Self::DropsUndeclaredChanges, _) => {
                let mut update = UpdateCapability::new().with_name(None);
                update.description = false;
                declared.update = Some(update);
            }
            (Self::SendsBeforeRefusing, Some(_)) => {
                let reports = declared.reported_fields.clone();
                declared = Capabilities::none().with_reported_fields(reports);
                declared.list = innocent.list.clone();
            }
            _ => {}
        }
        declared
    }
}
