//! What can be wrong with a provider.

use tokenfleet_core::{
    Capabilities, CreateCapability, FilterCapability, OrderCapability, SortKey, UpdateCapability,
};

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
            (Self::Contradicts, Some(list)) => list.usual_page = Some(5_000),
            (Self::DeclaresThatNothingVanishes, Some(list)) => list.tokens_vanish = false,
            (Self::DeclaresThatMatchesStay, Some(list)) => list.filters.settled = true,
            (Self::DropsUndeclaredFilters, Some(list)) => {
                list.filters = FilterCapability::default();
                list.orders.retain(|order| order.key == SortKey::Id);
            }
            (Self::DeclaresALooseOrderExact, Some(list)) => {
                list.orders.retain(|order| order.key != SortKey::Name);
                let order = OrderCapability::loose(SortKey::Name);
                list.orders.push(order.exactly().stable().appending());
            }
            (Self::DropsUndeclaredArguments, _) => {
                declared.create = Some(CreateCapability::unnamed());
            }
            (Self::DropsUndeclaredChanges, _) => {
                let mut update = UpdateCapability::none().with_name(None);
                update.description = false;
                declared.update = Some(update);
            }
            (Self::SendsBeforeRefusing, Some(_)) => {
                let reports = declared.reports.clone();
                declared = Capabilities::none().reporting(reports);
                declared.list = innocent.list.clone();
            }
            _ => {}
        }
        declared
    }
}
