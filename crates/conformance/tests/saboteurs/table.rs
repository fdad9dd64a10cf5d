//! Which defect, on which platform, fails which cases.

use tokenfleet_conformance::MemoryProfile;

use crate::defect::Defect;

type Row = (Defect, fn() -> MemoryProfile, &'static [&'static str]);

pub(crate) const TABLE: &[Row] = &[
    // What it declares.
    (
        Defect::Contradicts,
        MemoryProfile::destroying,
        &["what is declared does not contradict itself"],
    ),
    (
        Defect::ChangesItsMind,
        MemoryProfile::marking,
        &["the declaration stays the same or grows"],
    ),
    (
        Defect::TellsWhatItDoesNotDeclare,
        MemoryProfile::destroying,
        &["a fact that is not declared is not reported"],
    ),
    (
        Defect::SendsTheMalformed,
        MemoryProfile::destroying,
        &[
            "a malformed argument is refused before any request",
            "a name is required, optional or refused as declared",
        ],
    ),
    (
        Defect::ClampsThePageSize,
        MemoryProfile::destroying,
        &["a page of the wrong size or position is refused before any request"],
    ),
    (
        Defect::SendsBeforeRefusing,
        MemoryProfile::everything,
        &[
            "a token is read by its id",
            "a created token works and comes with its secret",
            "a token is changed",
            "a rotated token has a new secret and the old one is dead",
            "renewing prolongs a life by what is declared",
            "a revoked secret is dead",
            "a living secret is told from one that was never issued",
        ],
    ),
    (
        Defect::DropsUndeclaredArguments,
        MemoryProfile::everything,
        &[
            "a token is created under exactly the name that was asked for",
            "a name is required, optional or refused as declared",
            "a chosen expiry is the expiry",
            "a token asked never to expire never does",
            "a description is kept",
            "scopes are kept",
            "a token made suspended works only when resumed",
        ],
    ),
    (
        Defect::DropsUndeclaredChanges,
        MemoryProfile::everything,
        &[
            "a description is changed",
            "a suspended token does not work until it is resumed",
        ],
    ),
    (
        Defect::DropsUndeclaredFilters,
        MemoryProfile::destroying,
        &["an undeclared filter or order is refused before any request"],
    ),
    // Listing.
    (
        Defect::OnePageForAll,
        destroying_without_totals,
        &[
            "a listing yields every token that exists, each once",
            "more tokens than usually fit on a page are all listed",
            "pages follow each other without gap or overlap",
        ],
    ),
    (
        Defect::OnePageForAll,
        MemoryProfile::everything,
        &[
            "a listing yields every token that exists, each once",
            "every order is the one that its key defines",
            "an offset and a limit cut what their definition cuts",
        ],
    ),
    (
        Defect::CountsPagesFromOne,
        MemoryProfile::marking,
        &[
            "a listing yields every token that exists, each once",
            "pages follow each other without gap or overlap",
        ],
    ),
    (
        Defect::RepeatsTheFirstPage,
        MemoryProfile::marking,
        &[
            "a listing yields every token that exists, each once",
            "pages follow each other without gap or overlap",
            "pages can be read in any order",
        ],
    ),
    (
        Defect::StopsAfterThirty,
        MemoryProfile::destroying,
        &["more tokens than usually fit on a page are all listed"],
    ),
    (
        Defect::TotalOfThePage,
        MemoryProfile::destroying,
        &["every page says how many tokens match"],
    ),
    (
        Defect::FailsWhenEmpty,
        MemoryProfile::destroying,
        &["an empty account lists as empty and complete"],
    ),
    (
        Defect::FailsBeyondTheLast,
        MemoryProfile::single_key,
        &["a page beyond the last is empty"],
    ),
    (
        Defect::EmptyWhereItCannotList,
        MemoryProfile::by_secret,
        &["a listing yields every token that exists, each once"],
    ),
    (
        Defect::DeclaresThatNothingVanishes,
        destroying_without_totals,
        &[
            "tokens deleted meanwhile hide no other",
            "tokens that come and go in any rhythm hide no other",
        ],
    ),
    (
        Defect::IgnoresTheOrder,
        MemoryProfile::destroying,
        &[
            "tokens created meanwhile hide no other",
            "an order is as exact, stable and appending as declared",
        ],
    ),
    (
        Defect::DeclaresALooseOrderExact,
        MemoryProfile::destroying,
        &[
            "an order is as exact, stable and appending as declared",
            "every order is the one that its key defines",
        ],
    ),
    (
        Defect::DeclaresThatMatchesStay,
        MemoryProfile::destroying,
        &["tokens changed meanwhile hide no other"],
    ),
    (
        Defect::LosesMatches,
        MemoryProfile::marking,
        &[
            "a filter by name finds what its definition finds",
            "a filter by pattern finds what its definition finds",
            "joined filters find what their definition finds",
            "what a platform filters loses no match",
        ],
    ),
    (
        Defect::LosesMatches,
        MemoryProfile::destroying,
        &["a filter by state finds what its definition finds"],
    ),
    (
        Defect::KeepsItsPlace,
        MemoryProfile::read_only,
        &[
            "a listing that is cut anywhere resumes without skipping",
            "a listing resumes from a cut although tokens came meanwhile",
            "a sorted or limited listing resumes without skipping",
        ],
    ),
    // Reading.
    (
        Defect::EverythingIsActive,
        MemoryProfile::marking,
        &[
            "a listing shows every state as it is",
            "a token is read by its id",
            "revoking leaves behind what is declared",
        ],
    ),
    (
        Defect::TakesUnknownForActive,
        MemoryProfile::destroying,
        &[
            "a state in an unknown word is not taken for a known one",
            "a listing shows every state as it is",
        ],
    ),
    (
        Defect::UnknownIdIsSuccess,
        MemoryProfile::everything,
        &[
            "an unknown id is not found",
            "changing an unknown token is not found",
            "rotating an unknown token is not found",
        ],
    ),
    (
        Defect::TakesIdsLeniently,
        MemoryProfile::marking,
        &[
            "reading takes an id literally",
            "revoking takes an id literally",
        ],
    ),
    (
        Defect::NeverForNotReported,
        MemoryProfile::single_key,
        &["a token that never expires is told from one whose expiry is not reported"],
    ),
    (
        Defect::NotReportedForNever,
        MemoryProfile::destroying,
        &[
            "a token that never expires is told from one whose expiry is not reported",
            "a token asked never to expire never does",
        ],
    ),
    (
        Defect::ManglesNames,
        MemoryProfile::destroying,
        &[
            "names come back as they are",
            "a token is created under exactly the name that was asked for",
            "a token is renamed",
        ],
    ),
    // Creating.
    (
        Defect::SecretAsId,
        MemoryProfile::by_secret,
        &["an id is not the secret"],
    ),
    (
        Defect::NoSecret,
        MemoryProfile::marking,
        &["a created token works and comes with its secret"],
    ),
    (
        Defect::MaskedSecret,
        MemoryProfile::marking,
        &["a created token works and comes with its secret"],
    ),
    (
        Defect::MakesTwo,
        MemoryProfile::destroying,
        &["a created token works and comes with its secret"],
    ),
    (
        Defect::HandsOutTheFirstAgain,
        MemoryProfile::by_secret,
        &["every created token has an id and a secret of its own"],
    ),
    (
        Defect::InventsAnExpiry,
        MemoryProfile::destroying,
        &[
            "a created token is read as it was returned",
            "a token asked never to expire never does",
        ],
    ),
    (
        Defect::ConflictIsSuccess,
        MemoryProfile::marking,
        &["a name that is taken is a conflict"],
    ),
    (
        Defect::ConflictIsSuccess,
        MemoryProfile::single_key,
        &["a full account is a conflict"],
    ),
    (
        Defect::RefusesSharedNames,
        MemoryProfile::destroying,
        &["two tokens may share a name"],
    ),
    (
        Defect::OverwritesAFullAccount,
        MemoryProfile::single_key,
        &["a full account is a conflict"],
    ),
    (
        Defect::DropsExpiry,
        MemoryProfile::marking,
        &["a chosen expiry is the expiry"],
    ),
    (
        Defect::ShiftsExpiry,
        MemoryProfile::marking,
        &["a chosen expiry is the expiry"],
    ),
    (
        Defect::AYearForNever,
        MemoryProfile::marking,
        &["a token asked never to expire never does"],
    ),
    (
        Defect::DropsDescription,
        MemoryProfile::destroying,
        &["a description is kept", "a description is changed"],
    ),
    (
        Defect::DropsScopes,
        MemoryProfile::destroying,
        &["scopes are kept"],
    ),
    (
        Defect::IgnoresSuspended,
        MemoryProfile::destroying,
        &["a token made suspended works only when resumed"],
    ),
    (
        Defect::RetriesWrites,
        MemoryProfile::single_key,
        &[
            "a creation whose answer is lost may have been carried out, once",
            "a rotation whose answer is lost may have been carried out, once",
            "a revocation whose answer is lost is not taken for granted",
        ],
    ),
    (
        Defect::RetriesWrites,
        MemoryProfile::destroying,
        &["a creation whose answer is lost may have been carried out, once"],
    ),
    (
        Defect::RetriesAndFails,
        MemoryProfile::destroying,
        &[
            "a creation whose answer is lost may have been carried out, once",
            "a creation whose request is lost makes at most one token",
        ],
    ),
    (
        Defect::CallsLostAnswersRejected,
        MemoryProfile::everything,
        &[
            "a creation whose answer is lost may have been carried out, once",
            "a change whose answer is lost is not taken for granted",
            "a rotation whose answer is lost may have been carried out, once",
            "a revocation whose answer is lost is not taken for granted",
        ],
    ),
    // Changing, rotating, renewing.
    (
        Defect::ChangesNothing,
        MemoryProfile::destroying,
        &[
            "a token is changed",
            "a token is renamed",
            "a description is changed",
            "a suspended token does not work until it is resumed",
            "a change whose answer is lost is not taken for granted",
        ],
    ),
    (
        Defect::ForgetsTheRest,
        MemoryProfile::destroying,
        &["a change leaves the rest as it was"],
    ),
    (
        Defect::LeavesTheOldSecretAlive,
        MemoryProfile::everything,
        &[
            "a rotated token has a new secret and the old one is dead",
            "rotating makes no second record",
        ],
    ),
    (
        Defect::RotatesByCreating,
        MemoryProfile::everything,
        &["rotating makes no second record"],
    ),
    (
        Defect::ReturnsTheOldSecret,
        MemoryProfile::single_key,
        &["a rotated token has a new secret and the old one is dead"],
    ),
    (
        Defect::RenewsNothing,
        MemoryProfile::by_secret,
        &[
            "renewing prolongs a life by what is declared",
            "a renewed secret outlives its first expiry",
            "renewing works as often as declared and no more",
            "a renewed token is the same token",
        ],
    ),
    (
        Defect::RenewsTheDead,
        MemoryProfile::by_secret,
        &["a dead secret is not renewed"],
    ),
    // Revoking.
    (
        Defect::RevokesNothing,
        MemoryProfile::everything,
        &[
            "a revoked secret is dead",
            "a token is revoked by its id",
            "a token is revoked by its secret",
            "revoking leaves behind what is declared",
            "a dropped revocation can be made again",
        ],
    ),
    (
        Defect::RevokesNothing,
        MemoryProfile::by_secret,
        &["a revoked secret is dead"],
    ),
    (
        Defect::SecondRevocationFails,
        MemoryProfile::destroying,
        &[
            "revoking twice succeeds",
            "revoking a token that was deleted meanwhile succeeds",
        ],
    ),
    (
        Defect::SecondRevocationFails,
        MemoryProfile::marking,
        &["revoking twice succeeds"],
    ),
    (
        Defect::SecondRevocationSaysRevoked,
        MemoryProfile::destroying,
        &["revoking twice succeeds"],
    ),
    (
        Defect::SecondRevocationSaysRevoked,
        MemoryProfile::marking,
        &["revoking twice succeeds"],
    ),
    (
        Defect::RefusesWhatDoesNotWork,
        MemoryProfile::destroying,
        &["a token that does not work is revoked all the same"],
    ),
    (
        Defect::RevokesAll,
        MemoryProfile::by_secret,
        &["revoking one token leaves the others alive"],
    ),
    (
        Defect::RevokesAll,
        MemoryProfile::destroying,
        &["revoking one token leaves the others alive"],
    ),
    (
        Defect::ReplacesUnasked,
        MemoryProfile::single_key,
        &["a secret is replaced only with consent"],
    ),
    (
        Defect::LosesTheReplacement,
        MemoryProfile::single_key,
        &["a replacement is handed over"],
    ),
    (
        Defect::NamesAnother,
        MemoryProfile::by_secret,
        &["a revocation names the token that was meant"],
    ),
    // Verifying.
    (
        Defect::EverythingIsAlive,
        MemoryProfile::marking,
        &["a living secret is told from one that was never issued"],
    ),
    (
        Defect::KnownIsAlive,
        MemoryProfile::everything,
        &[
            "a dead secret is not called alive",
            "a suspended or expired secret is not called alive",
        ],
    ),
    (
        Defect::VerifiesByCreating,
        MemoryProfile::everything,
        &["verifying changes nothing"],
    ),
    (
        Defect::DeadWhenBroken,
        MemoryProfile::single_key,
        &[
            "a verification without an answer is no verdict",
            "a wrong credential kills nothing and says so",
        ],
    ),
    // Failing.
    (
        Defect::EmptyWhenRefused,
        MemoryProfile::marking,
        &[
            "a wrong credential makes no listing look empty",
            "a wrong credential is called unauthenticated",
        ],
    ),
    (
        Defect::NotFoundWhenRefused,
        MemoryProfile::destroying,
        &["a wrong credential is called unauthenticated"],
    ),
    (
        Defect::EmptyWhenBroken,
        MemoryProfile::destroying,
        &["a lost answer never becomes a wrong one"],
    ),
    (
        Defect::AnonymousErrors,
        MemoryProfile::marking,
        &["an error names the account and the operation"],
    ),
    (
        Defect::FollowsRedirects,
        MemoryProfile::destroying,
        &["a redirect is an error and is not followed"],
    ),
    // Keeping secrets.
    (
        Defect::ShowsItsCredential,
        MemoryProfile::marking,
        &["no acting credential is shown by a provider"],
    ),
    (
        Defect::SecretInNames,
        MemoryProfile::marking,
        &["no secret is shown by tokens, answers or listings"],
    ),
    (
        Defect::SecretInErrors,
        MemoryProfile::marking,
        &["no secret is shown by errors"],
    ),
    // Cancelling.
    (
        Defect::StaysBusy,
        MemoryProfile::everything,
        &[
            "a dropped listing leaves the provider usable",
            "a dropped creation makes at most one token",
            "a dropped reading leaves the provider usable",
            "a dropped revocation can be made again",
            "readings at the same time do not disturb each other",
            "creations at the same time make a token each",
        ],
    ),
];

/// Where totals are told, a walk notices itself that tokens vanish or that a page is not the last.
fn destroying_without_totals() -> MemoryProfile {
    let mut profile = MemoryProfile::destroying();
    if let Some(list) = &mut profile.capabilities.list {
        list.totals = false;
    }
    profile
}
