//! The options of every command.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgAction, Args};

use crate::output::{Color, Format};

const GLOBAL: &str = "Global options";

/// The options that are valid before and after the command.
#[derive(Debug, Args)]
pub(crate) struct GlobalArguments {
    /// Configuration file [default: the first of $TOKENFLEET_CONFIG, ./tokenfleet.toml and
    /// ~/.config/tokenfleet/tokenfleet.toml]
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// Only accounts with this name, or matching this pattern, where * stands for any characters;
    /// '!NAME' leaves them out; repeatable [default: those in $TOKENFLEET_ACCOUNT, separated by
    /// commas, or all]
    #[arg(long = "account", global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) accounts: Vec<String>,
    /// Only accounts of this provider; repeatable
    #[arg(long = "provider", global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) providers: Vec<String>,
    /// Only accounts with this tag in their configuration; repeatable. An account must meet
    /// --account, --provider and --tag, where they are used
    #[arg(long = "tag", global = true, value_name = "TAG", help_heading = GLOBAL)]
    pub(crate) tags: Vec<String>,
    /// Use simulated platforms instead of a configuration, with the accounts losant, foreman,
    /// cloudsmith and mindbody
    #[cfg(feature = "simulate")]
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) simulate: bool,
    /// Reason for the changes, for the audit log
    #[arg(
        long,
        global = true,
        value_name = "TEXT",
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = GLOBAL
    )]
    pub(crate) reason: Option<String>,
    /// Refuse every change, whatever the command is
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub(crate) read_only: bool,
    /// Output format [default: table on a terminal, json otherwise]
    #[arg(long, global = true, value_name = "FORMAT", help_heading = GLOBAL)]
    pub(crate) output: Option<Format>,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = GLOBAL
    )]
    pub(crate) color: Color,
    /// Log requests to standard error: -v retries and rate limits, -vv every request, -vvv every
    /// wait; credentials are never logged
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
    /// Print only tokens and problems: in listings no line for accounts that did not fail and lack
    /// no tokens, in doctor only what is not ok; no totals, notes or progress in any command
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
}
