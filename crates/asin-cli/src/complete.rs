//! `asin completions` and `man`: what a shell and `man` want to know of the command.

use crate::failure::{Ended, Failure, print};
use clap::Command;
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Prints the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin completions bash > ~/.local/share/bash-completion/completions/asin
  asin completions zsh > ~/.zfunc/_asin
  asin completions fish > ~/.config/fish/completions/asin.fish")]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Prints the manual page, or writes those of all commands into a folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  asin man | man -l -
  asin man --to ~/.local/share/man/man1")]
pub struct Man {
    /// The folder
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// Prints what the shell reads.
pub fn completions(arguments: &Completions, mut command: Command) -> Ended {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "asin", &mut text);
    print(String::from_utf8_lossy(&text).trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints or writes manual pages.
pub fn man(arguments: &Man, command: Command) -> Ended {
    if let Some(folder) = &arguments.to {
        let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
        written.map_err(|error| Failure::usage(format!("{}: {error}", folder.display())))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(Failure::work)?;
    print(String::from_utf8_lossy(&text).trim_end())?;
    Ok(ExitCode::SUCCESS)
}
