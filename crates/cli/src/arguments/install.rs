//! The arguments of the commands that install the program's files.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

pub(super) const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  bash        echo 'source <(tokenfleet completions bash)' >> ~/.bashrc
  zsh         echo 'source <(tokenfleet completions zsh)' >> ~/.zshrc
  fish        tokenfleet completions fish > ~/.config/fish/completions/tokenfleet.fish";

pub(super) const MAN_EXAMPLES: &str = "\
Examples:
  tokenfleet man | man -l -
  tokenfleet man --directory ~/.local/share/man/man1";

/// A shell whose completions are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// Shell that the script is for
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArguments {
    /// Write a page for the program and one for each command into this directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
}
