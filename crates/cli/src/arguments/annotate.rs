//! The arguments of `annotate`.

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args};
use tokenfleet::Timestamp;

use crate::time;

pub(super) const EXAMPLES: &str = "\
Examples:
  tokenfleet annotate 575ec7417ae143cd83dc4a95 --account iot --owner alice@example.com
  tokenfleet annotate --name 'ci-*' --team platform --purpose 'builds' --until 2030-01-31
  tokenfleet annotate --name 'ci-*' --remove
  tokenfleet annotate --list
  tokenfleet list --where 'annotation.owner is none or annotation.until < now'";

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("change")
    .args(["owner", "team", "purpose", "until", "remove"])
    .multiple(true))]
pub(crate) struct AnnotateArguments {
    /// Id of the token
    #[arg(
        value_name = "ID",
        value_parser = parse_id,
        required_unless_present_any = ["name", "list"],
        requires = "change"
    )]
    pub(crate) id: Option<String>,
    /// Name of the tokens, instead of an id; a * stands for any characters
    #[arg(
        long,
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "id",
        requires = "change"
    )]
    pub(crate) name: Option<String>,
    /// Person who answers for the token
    #[arg(long)]
    pub(crate) owner: Option<String>,
    /// Team that answers for the token
    #[arg(long)]
    pub(crate) team: Option<String>,
    /// Purpose of the token
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
    /// Time until which the token is needed, e.g. 2030-01-31 or now+90d
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    pub(crate) until: Option<Timestamp>,
    /// Remove the annotation of this account and this id or name
    #[arg(long, conflicts_with_all = ["owner", "team", "purpose", "until"])]
    pub(crate) remove: bool,
    /// Show the annotations, in the order in which they apply
    #[arg(long, conflicts_with_all = ["id", "name", "change"])]
    pub(crate) list: bool,
}

/// Returns an id, and rejects what can only be meant as a name.
fn parse_id(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("an id is not empty"),
        text if text.contains('*') => {
            Err("a * stands for any characters in a name only; write it with --name")
        }
        text => Ok(text.to_owned()),
    }
}
