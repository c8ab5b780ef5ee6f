//! The command line of Hissa: arguments, configuration, and what each command does. The services themselves are
//! packages of their own.

pub mod args;
pub mod check;
pub mod config;
pub mod console;
pub mod demo;
pub mod exit;
pub mod import;
pub mod topic_reader;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};

use crate::args::{Cli, Command};
use crate::config::load::ConfigError;
use crate::console::Console;
use crate::exit::Exit;

/// Runs the command line of this process.
pub fn main() -> Exit {
    let cli = Cli::parse();
    let console = Console::new(&cli.common);
    hissa_links::logging::start(console.quiet);
    run(cli, &console).unwrap_or_else(|error| {
        report(&error, &console);
        exit::of(&error)
    })
}

/// Says an error in one paragraph; the findings of a file as lines before it.
fn report(error: &anyhow::Error, console: &Console) {
    for cause in error.chain() {
        if let Some(ConfigError::Findings(findings)) = cause.downcast_ref() {
            for finding in findings {
                console.remark(&finding.render(console.colours.1));
            }
        }
    }
    console.error(&format!("{error:#}"));
}

fn run(cli: Cli, console: &Console) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Check(args) => check::run(&args, console),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "hissa", &mut std::io::stdout());
            Ok(Exit::Fine)
        }
        Command::Import(args) => {
            runtime()?.block_on(import::run(&args, cli.common.config.as_deref(), console))
        }
        _ => anyhow::bail!("this command is not wired yet"),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime's threads")
}
