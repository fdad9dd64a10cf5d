//! The revocation of a reviewed plan by workers.
//!
//! The ledger has a task for each account of the plan, with its tokens and their verdicts, and one
//! for the plan itself, which lets the accounts begin. [`open`] opens them, [`advance`] carries one
//! on, [`watch`] prints the verdicts as they come, and a person [decides](deciding) what becomes of
//! the rest.

mod account_work;
mod advancing;
mod deciding;
mod known;
mod objects;
mod opening;
mod outages;
mod patience;
mod plan_work;
mod record;
mod silence;
mod stored;
mod unrecorded;
mod watching;
mod working;

pub(super) use advancing::{advance, carry_on_due};
pub(super) use deciding::{abandon, abandon_account, resume};
pub(super) use known::{Known, check_not_at_work};
pub(super) use objects::{AccountObject, PlanObject};
pub(super) use opening::{Handed, check_for_workers, ledger_for_workers, open};
pub(super) use stored::{StoredAccount, StoredPlan, StoredPlans};
pub(super) use watching::watch;
pub(super) use working::Working;

/// Returns `true` for a task of a plan, or of one of its accounts.
pub(super) fn is_of_plan(task: &tokenfleet_ledger::Task) -> bool {
    task.kind == record::PLAN || task.kind == record::ACCOUNT
}
