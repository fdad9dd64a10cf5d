//! The manual pages, made from the help texts.

use std::io;
use std::path::Path;

use clap_mangen::Man;
use tokenfleet::config::cause_text;
use tokenfleet::{Error, ErrorKind, Fate, Result};

use crate::exit::Failure;
use crate::output::Output;

/// Prints the page of the program, or writes all pages into a directory.
pub(crate) fn print(
    command: &clap::Command,
    directory: Option<&Path>,
    output: &mut Output,
) -> Result<(), Failure> {
    match directory {
        None => {
            let mut page = Vec::new();
            // As in the pages of a directory.
            let command = command.clone().disable_help_subcommand(true);
            Man::new(command).render(&mut page)?;
            output.text(&page)?;
            Ok(())
        }
        Some(directory) => write_all(command, directory).map_err(|error| {
            let message = format!(
                "cannot write the pages into {} ({})",
                directory.display(),
                cause_text(&error)
            );
            Error::new(ErrorKind::Other, Fate::NotSent, message).into()
        }),
    }
}

fn write_all(command: &clap::Command, directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command.clone(), directory)
}
