//! The defects of the mutants.

use tokenfleet_core::capability::{
    CreateCapability, FilterCapability, OrderCapability, Paging, UpdateCapability,
};
use tokenfleet_core::{Capabilities, SortKey};

/// The one difference between a mutant and the reference provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    Panics,
    // Declared capabilities.
    ContradictoryPageSizes,
    ChangingCapabilities,
    ReportsUndeclaredField,
    SendsInvalidArguments,
    ClampsPageSize,
    NamesNoPlace,
    NamesPlaceOnAnotherPort,
    SendsBeforeRefusing,
    DropsUndeclaredArguments,
    DropsUndeclaredUpdates,
    DropsUndeclaredFilters,
    // Listing.
    SinglePage,
    CountsPagesFromOne,
    RepeatsFirstPage,
    StopsAfterThirtyTokens,
    ReportsPageSizeAsTotal,
    FailsOnEmptyAccount,
    FailsAfterLastPage,
    EndsAtMissingPage,
    ReturnsNoTokensIfListingIsUnsupported,
    DeclaresThatNoTokenVanishes,
    DeclaresThatMatchesStay,
    DeclaresNoUnlistedTokens,
    DeclaresNoPages,
    DeclaresLargerPages,
    IgnoresOrder,
    DeclaresLooseOrderExact,
    DeclaresSnapshot,
    PagesByOffset,
    PagesByOffsetIfFiltered,
    PagesByUpdate,
    PagesByUse,
    PositionStandsStill,
    PositionsCycle,
    ReportsForgottenPositionAsEnd,
    ReportsForgottenPositionAsInvalid,
    LosesMatches,
    RemembersItsPosition,
    // Reading.
    ReportsEveryTokenActive,
    ReportsUnknownStateAsActive,
    AcceptsUnknownIds,
    ParsesIdsLeniently,
    ReportsUnreportedExpiryAsNever,
    ReportsNeverAsUnreportedExpiry,
    ManglesNames,
    HidesOddTokens,
    DeclaresNoReadDelay,
    DeclaresShorterReadDelay,
    // Creation.
    ReturnsSecretAsId,
    ReturnsNoSecret,
    ReturnsMaskedSecret,
    CreatesTwo,
    ReturnsFirstSecretAgain,
    InventsExpiry,
    ReportsConflictAsSuccess,
    RefusesSharedNames,
    OverwritesInFullAccount,
    DropsExpiry,
    ShiftsExpiry,
    DeclaresExactLifetimes,
    ReplacesNeverWithAYear,
    DropsDescription,
    DropsScopes,
    WidensScopes,
    ReportsRequestedScopes,
    DropsArguments,
    IgnoresSuspended,
    RetriesWrites,
    RetriesWritesAndFails,
    LeavesWrongTokens,
    ReportsLostResponseAsRejected,
    BelievesResponses,
    ReportsRequestedNames,
    ReadsOnlyTidyResponses,
    BelievesEchoes,
    // Update, rotation and renewal.
    UpdatesNothing,
    UpdatesOtherFields,
    LeavesOldSecretAlive,
    ReturnsOldSecret,
    RotatesByCreating,
    RenewsNothing,
    RenewsDeadSecrets,
    TakesMasksAsUnchanged,
    TakesUnreadableForSuspended,
    // Revocation.
    RevokesNothing,
    FailsToRevokeTwice,
    RevokesOnlyActiveTokens,
    RevokesEveryToken,
    ReplacesWithoutConsent,
    LosesReplacement,
    ReturnsAnotherId,
    ReportsUnknownTokensAsGone,
    TakesAnyNotFoundForGone,
    TakesAnyNotFoundForGoneAfterReading,
    TakesJsonNotFoundForGone,
    TakesUnshownForGone,
    DeclaresNoReusedIds,
    DeclaresNoCascade,
    TellsTokensAloneUnread,
    RevokesOthersWithoutConsent,
    InventsAlsoRevoked,
    CleansSecrets,
    // Verification.
    ReportsEverySecretAlive,
    ReportsKnownSecretsAlive,
    VerifiesByCreating,
    ReportsDeadOnError,
    // Found secrets.
    DisownsItsSecrets,
    DecodesAnotherId,
    FindsAnotherToken,
    // Identity.
    NamesNobody,
    NamesAnotherEachTime,
    NamesItsCredential,
    NamesAnybody,
    NamesNobodyOnError,
    AsksByCreating,
    // Failures.
    ReturnsNoTokensIfUnauthenticated,
    ReportsUnauthenticatedAsNotFound,
    ReturnsNoTokensIfDisconnected,
    ReturnsAnonymousErrors,
    FollowsRedirects,
    // Secrecy.
    RevealsItsCredential,
    RevealsSecretsInNames,
    RevealsSecretsInErrors,
    // Cancellation.
    StaysBusy,
    // Peculiarities that break no law: a provider with one of them conforms.
    ReportsEveryRevocationAsFirst,
    NeverReportsDead,
    RefusesImpossibleIds,
}

impl Defect {
    /// Returns what a mutant declares, given what the reference provider declares.
    pub(crate) fn declared(self, reference: &Capabilities) -> Capabilities {
        let mut declared = reference.clone();
        let list = declared.list.as_mut();
        match (self, list) {
            (Self::ContradictoryPageSizes, Some(list)) => list.default_page_size = Some(5_000),
            (Self::DeclaresThatNoTokenVanishes, Some(list)) => list.tokens_vanish = false,
            (Self::DeclaresSnapshot, Some(list)) => list.paging = Paging::Snapshot,
            (Self::DeclaresThatMatchesStay, Some(list)) => list.filters.immutable_matches = true,
            (Self::DeclaresNoUnlistedTokens, Some(list)) => list.unlisted_tokens = None,
            (Self::DeclaresNoPages, Some(list)) => list.unpaged = true,
            (Self::DeclaresLargerPages, Some(list)) => {
                list.max_page_size = list.max_page_size.map(|max| 2 * max);
            }
            (Self::DeclaresNoReadDelay, _) => declared.read_delay = None,
            (Self::DeclaresShorterReadDelay, _) => {
                declared.read_delay = declared.read_delay.map(|delay| delay / 2);
            }
            (Self::DeclaresExactLifetimes, _) => {
                if let Some(create) = &mut declared.create {
                    create.lifetime_tolerance = None;
                }
            }
            (Self::DeclaresNoReusedIds, _) => declared.reused_ids = false,
            (Self::TellsTokensAloneUnread, _) => declared.get = false,
            (Self::DeclaresNoCascade, _) => {
                if let Some(revoke) = &mut declared.revoke {
                    revoke.cascade = None;
                }
            }
            (Self::DropsUndeclaredFilters, Some(list)) => {
                list.filters = FilterCapability::default();
                list.orders.retain(|order| order.key == SortKey::Id);
            }
            (Self::DeclaresLooseOrderExact, Some(list)) => {
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
            (Self::DropsUndeclaredUpdates, _) => {
                let mut update = UpdateCapability::new().with_name(None);
                update.description = false;
                declared.update = Some(update);
            }
            (Self::SendsBeforeRefusing, Some(_)) => {
                let reports = declared.reported_fields.clone();
                declared = Capabilities::none().with_reported_fields(reports);
                declared.list = reference.list.clone();
            }
            _ => {}
        }
        declared
    }
}
