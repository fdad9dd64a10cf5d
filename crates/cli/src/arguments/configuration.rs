//! The arguments of `init` and `trust`.

use std::path::PathBuf;

use clap::Args;

pub(super) const INIT_EXAMPLES: &str = "\
Examples:
  tokenfleet init
  tokenfleet init --provider losant --name iot --token-env LOSANT_TOKEN
  tokenfleet init --provider foreman --name infra --base-url https://foreman.example.com \\
      --set login=admin --set user_id=4 --token-file /run/secrets/foreman
  tokenfleet init --file ~/.config/tokenfleet/tokenfleet.toml";

pub(super) const TRUST_EXAMPLES: &str = "\
Examples:
  tokenfleet trust
  tokenfleet trust --list
  tokenfleet trust --remove ~/project/tokenfleet.toml";

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Name of the account of --provider (losant, foreman, cloudsmith or mindbody) [default: the
    /// provider]
    #[arg(long, requires = "providers")]
    pub(crate) name: Option<String>,
    /// Address of the platform, which Foreman needs
    #[arg(long, value_name = "URL", requires = "providers")]
    pub(crate) base_url: Option<String>,
    /// Environment variable with the token or API key of the account
    #[arg(
        long,
        value_name = "NAME",
        requires = "providers",
        conflicts_with = "token_file"
    )]
    pub(crate) token_env: Option<String>,
    /// File with the token or API key of the account
    #[arg(long, value_name = "FILE", requires = "providers")]
    pub(crate) token_file: Option<PathBuf>,
    /// Environment variable with the password of a Mindbody account
    #[arg(
        long,
        value_name = "NAME",
        requires = "providers",
        conflicts_with = "password_file"
    )]
    pub(crate) password_env: Option<String>,
    /// File with the password of a Mindbody account
    #[arg(long, value_name = "FILE", requires = "providers")]
    pub(crate) password_file: Option<PathBuf>,
    /// Another setting of the account, e.g. login=admin; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "providers")]
    pub(crate) settings: Vec<String>,
    /// File to write, which must not exist yet
    #[arg(long, value_name = "FILE", default_value = "tokenfleet.toml")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct TrustArguments {
    /// Configuration file
    #[arg(value_name = "FILE", default_value = "tokenfleet.toml")]
    pub(crate) file: PathBuf,
    /// Show the trusted configurations
    #[arg(long, conflicts_with_all = ["file", "remove"])]
    pub(crate) list: bool,
    /// Stop trusting the configuration
    #[arg(long)]
    pub(crate) remove: bool,
}
