//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Hissa counts what each donated school SIM used, decides what it may still do, and can prove why.
#[derive(Debug, Parser)]
#[command(
    name = "hissa",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// Print JSON for machines.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print no progress and no remarks, only data and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// The deployment [default: ./hissa.toml, else /etc/hissa/hissa.toml].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start Kafka and ClickHouse, feed a synthetic month, show what happens, print URLs.
    Demo(DemoArgs),
    /// Write a seeded feed, its roster and registry events, and `truth.json`.
    Generate(GenerateArgs),
    /// Kafka and ClickHouse on this machine.
    #[command(subcommand)]
    Stack(StackCommand),
    /// Run everything in one process: ingest, aggregate, notify.
    Up,
    /// Read the carrier's feeds into hissa.usage.
    Ingest,
    /// Count, decide, and write ClickHouse.
    Aggregate,
    /// Deliver alerts.
    Notify,
    /// Check configuration files without a connection, and against each other.
    Check(CheckArgs),
    /// Show what a file would change, then apply it as events.
    Import(ImportArgs),
    /// Bytes on top of an allowance, with a begin, an end and a donor.
    #[command(subcommand)]
    Grant(GrantCommand),
    /// Orders that are held back because too many came at once.
    #[command(subcommand)]
    Breaker(BreakerCommand),
    /// Single SIMs.
    #[command(subcommand)]
    Sim(SimCommand),
    /// Whether everything is counted and written; or one SIM's allowances.
    Status(StatusArgs),
    /// Prove a SIM's state: the decision, the record behind it, the bytes added up again from the log.
    Explain(ExplainArgs),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Any seed gives another programme of the same shape.
    #[arg(long, default_value_t = 212)]
    pub seed: u64,
    /// The days of usage: FIRST..LAST, or last-60d [default: 2026-02-01 fed to 2026-03-10].
    #[arg(long, value_name = "WINDOW")]
    pub window: Option<String>,
    /// Days of feed a second [default: as fast as it goes].
    #[arg(long, value_name = "DAYS")]
    pub speed: Option<f64>,
    /// SIMs of the cohort pilote-rural; the other cohorts in proportion [default: 1500].
    #[arg(long, value_name = "COUNT")]
    pub pupils: Option<u32>,
    /// Write the whole feed first, and start the services then: the rate is that of the path alone.
    #[arg(long, conflicts_with = "speed")]
    pub preload: bool,
    /// End after the summary, instead of staying up.
    #[arg(long)]
    pub exit: bool,
    /// Keep the demo's folder, with its data and its hissa.toml, when it ends.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct GenerateArgs {
    /// The folder to write; made if need be.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Any seed gives another programme of the same shape.
    #[arg(long, default_value_t = 212)]
    pub seed: u64,
    /// The days of usage: FIRST..LAST, or last-60d [default: 2026-02-01..2026-03-31].
    #[arg(long, value_name = "WINDOW")]
    pub window: Option<String>,
    /// SIMs of the cohort pilote-rural; the other cohorts in proportion.
    #[arg(long, value_name = "COUNT", default_value_t = 1500)]
    pub pupils: u32,
    /// How dirty the feed is.
    #[arg(long, value_enum, default_value_t = DirtArg::Default)]
    pub dirt: DirtArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DirtArg {
    /// Every record once, well formed, soon after its usage.
    None,
    /// Repeats, delays, conflicts, malformed records, unknown SIMs.
    Default,
}

#[derive(Clone, Debug, Subcommand)]
pub enum StackCommand {
    /// Start both, and return when they answer.
    Up(StackArgs),
    /// Say what runs, and where.
    Status,
    /// Stop both in good order.
    Down,
    /// Only fetch and prepare what `up` and `demo` need.
    #[command(hide = true)]
    Fetch,
    /// What `up` leaves behind.
    #[command(hide = true)]
    Supervise(StackArgs),
}

#[derive(Clone, Debug, Args)]
pub struct StackArgs {
    /// Where data, logs and passwords are kept [default: below the user's state folder].
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Kafka's port on 127.0.0.1 [default: a free one].
    #[arg(long, value_name = "PORT")]
    pub kafka_port: Option<u16>,
    /// ClickHouse's HTTP port on 127.0.0.1 [default: a free one].
    #[arg(long, value_name = "PORT")]
    pub clickhouse_port: Option<u16>,
}

#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// hissa.toml, programme.toml, calendar.toml, catalogue.toml, roster.csv: told apart by their names and contents.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct ImportArgs {
    /// What the file is.
    #[arg(value_enum)]
    pub what: ImportKind,
    /// The file, or - for stdin.
    pub file: PathBuf,
    #[command(flatten)]
    pub change: ChangeArgs,
}

/// What every command that changes something takes.
#[derive(Clone, Debug, Args)]
pub struct ChangeArgs {
    /// Show the difference, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Why: kept with each command in the registry. No names of persons.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportKind {
    Roster,
    Catalogue,
    Programme,
    /// A file with `[[calendar]]` alone.
    Calendar,
}

#[derive(Clone, Debug, Args)]
pub struct SimArg {
    /// An asset tag or a pseudonym.
    #[arg(value_name = "SIM", conflicts_with = "stdin")]
    pub sim: Option<String>,
    /// Read an IMSI from stdin, so that no shell keeps it.
    #[arg(long)]
    pub stdin: bool,
}

#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub sim: SimArg,
}

#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub sim: SimArg,
    /// The class of traffic [default: education].
    #[arg(long, value_name = "CLASS", value_parser = ["education", "other", "system"])]
    pub class: Option<String>,
    /// The state at that time: 2026-02-22T19:30:00Z, or 2026-02-22T19:30 in the programme's zone.
    #[arg(long, value_name = "TIME", conflicts_with = "decision")]
    pub at: Option<String>,
    /// That decision: partition/number, as hissa.decisions names it.
    #[arg(long, value_name = "ID")]
    pub decision: Option<String>,
}

#[derive(Clone, Debug, Subcommand)]
pub enum GrantCommand {
    /// Give bytes to each SIM of a cohort, or to one SIM.
    Add(GrantAddArgs),
    /// All grants, and whether they are coming, valid, ended or void.
    List,
    /// End a grant at once: what is left of it falls away, what was used of it stays used.
    Void(GrantVoidArgs),
}

#[derive(Clone, Debug, Args)]
pub struct GrantAddArgs {
    /// Its name, for ever: lower-case letters, digits and dashes.
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub sim: SimArg,
    /// For each SIM of this cohort.
    #[arg(long, value_name = "COHORT")]
    pub cohort: Option<String>,
    /// The allowance that it adds to.
    #[arg(long, value_name = "ID", default_value = "education")]
    pub allowance: String,
    /// For each SIM, with a unit: "10 GB".
    #[arg(long, value_name = "BYTES")]
    pub bytes: String,
    /// The first day.
    #[arg(long, value_name = "DATE")]
    pub from: String,
    /// The first day on which it no longer holds, or eid-al-fitr.
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Of several grants the one with the smallest is used first.
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub priority: u32,
    /// Who gives it.
    #[arg(long, value_name = "NAME")]
    pub donor: Option<String>,
    #[command(flatten)]
    pub change: ChangeArgs,
}

#[derive(Clone, Debug, Args)]
pub struct GrantVoidArgs {
    /// The grant's id.
    #[arg(value_name = "ID")]
    pub id: String,
    #[command(flatten)]
    pub change: ChangeArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub enum BreakerCommand {
    /// What is held: cohort, class, how many SIMs, since when.
    List,
    /// Let the held orders of a cohort go out.
    Release(BreakerArgs),
    /// Let the held orders of a cohort fall away; they are said again only where they are decided anew.
    Drop(BreakerArgs),
}

#[derive(Clone, Debug, Args)]
pub struct BreakerArgs {
    /// The cohort.
    #[arg(value_name = "COHORT")]
    pub cohort: String,
    #[command(flatten)]
    pub change: ChangeArgs,
}

#[derive(Clone, Debug, Subcommand)]
pub enum SimCommand {
    /// Put another SIM into a tablet: it takes the old one's place, and what that one has used of its allowances.
    Replace(ReplaceArgs),
}

#[derive(Clone, Debug, Args)]
pub struct ReplaceArgs {
    /// The SIM that leaves: an asset tag or a pseudonym.
    #[arg(value_name = "OLD")]
    pub old: Option<String>,
    /// The SIM that comes: an asset tag or a pseudonym.
    #[arg(value_name = "NEW")]
    pub new: Option<String>,
    /// The first day of the new one.
    #[arg(long, value_name = "DATE")]
    pub at: String,
    /// Read the IMSI of what is not named from stdin, one a line, so that no shell keeps it.
    #[arg(long)]
    pub stdin: bool,
    #[command(flatten)]
    pub change: ChangeArgs,
}
