//! The command line of Hissa: arguments, configuration, and what each command does. The services themselves are
//! packages of their own.

pub mod args;
mod blocking;
pub mod breaker;
mod change;
pub mod check;
pub mod config;
pub mod console;
pub mod demo;
pub mod exit;
pub mod explain;
pub mod figures;
pub mod generate;
pub mod grant;
pub mod import;
pub mod replace;
pub mod services;
pub mod sim_name;
pub mod stack_command;
pub mod status;
pub mod topic_reader;
mod unanswered;

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
    // Services log; a command that answers at once says what it has to say by itself, in one sentence.
    if services::of(&cli.command).is_some() || std::env::var_os("HISSA_LOG").is_some() {
        hissa_links::logging::start(console.quiet);
    }
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
    console.error(&in_one_sentence(error));
}

/// The chain of causes, without those that a message before them has told already.
fn in_one_sentence(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

fn run(cli: Cli, console: &Console) -> anyhow::Result<Exit> {
    let config = cli.common.config.as_deref();
    if let Some(services) = services::of(&cli.command) {
        return runtime()?.block_on(services::run(services, config, console));
    }
    match &cli.command {
        Command::Demo(args) => demo::run(args, console),
        Command::Generate(args) => generate::run(args, console),
        Command::Stack(command) => stack_command::run(command, console),
        Command::Check(args) => check::run(args, console),
        Command::Import(args) => runtime()?.block_on(import::run(args, config, console)),
        Command::Grant(command) => runtime()?.block_on(grant::run(command, config, console)),
        Command::Breaker(command) => runtime()?.block_on(breaker::run(command, config, console)),
        Command::Sim(command) => runtime()?.block_on(replace::run(command, config, console)),
        Command::Status(args) => runtime()?.block_on(status::run(args, config, console)),
        Command::Explain(args) => runtime()?.block_on(explain::run(args, config, console)),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "hissa", &mut std::io::stdout());
            Ok(Exit::Fine)
        }
        // The services run above.
        Command::Up | Command::Ingest | Command::Aggregate | Command::Notify => Ok(Exit::Usage),
    }
}

pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime's threads")
}
