//! `hissa import roster|catalogue|programme|calendar FILE|-`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hissa_links::key;

use super::catalogue::judge;
use super::cuts::{self, balances};
use super::settle::settle;
use super::{ImportError, Plan, RegistryView, Session};
use crate::args::{ImportArgs, ImportKind};
use crate::config::deployment::Deployment;
use crate::config::finding::{Findings, Source};
use crate::config::load::{self, ConfigError};
use crate::config::{calendar, catalogue, programme, roster};
use crate::console::Console;
use crate::exit::{Exit, UsageError};
use crate::figures::local;

/// A file, read and checked.
enum Content {
    Roster(Vec<roster::RosterRow>),
    Catalogue(Source, catalogue::CatalogueFile),
    Programme(programme::ProgrammeFile),
    Calendar(calendar::CalendarRead),
}

/// Runs the command: the file is checked before anything is connected to.
///
/// # Errors
/// The file is wrong, Kafka does not answer, or the file contradicts the registry.
pub async fn run(
    args: &ImportArgs,
    config: Option<&Path>,
    console: &Console,
) -> anyhow::Result<Exit> {
    if args.file.as_os_str() == "-" && !args.change.yes && !args.change.dry_run {
        let why = "a file from stdin leaves nobody to ask: add --yes or --dry-run";
        return Err(UsageError(why.into()).into());
    }
    let content = read(args.what, &args.file)?;
    let deployment = load::deployment(config)?;
    let mut session = open(&deployment).await?;
    let now_ms = now_ms();
    let (what, plan) = match &content {
        Content::Roster(rows) => ("SIMs", session.plan_roster(rows)?),
        Content::Catalogue(source, file) => {
            refuse_by_line(session.view(), source, file, now_ms)?;
            ("rules", session.plan_catalogue(&file.catalogue, now_ms)?)
        }
        Content::Programme(file) => (
            "programme, cohorts, calendar, feeds, grants",
            session.plan_programme(file)?,
        ),
        Content::Calendar(file) => ("entries", session.plan_calendar(&file.entries())?),
    };
    // Before the first roster there is nobody to cut. On the eve of a switch what stands already is asked about again.
    let is_asked = !plan.is_empty() || args.change.dry_run;
    let may_cut = is_asked && !session.view().sims.is_empty();
    let preview = match content {
        Content::Programme(_) | Content::Calendar(_) if may_cut => {
            Some(preview(&deployment, session.view(), &plan).await)
        }
        _ => None,
    };
    let remarks = preview.as_ref().map_or("", |(text, _)| text.as_str());
    let (difference, commands) = (plan.difference.clone(), plan.commands.len());
    let applied = settle(
        &mut session,
        plan,
        what,
        remarks,
        &args.change,
        now_ms,
        console,
    )
    .await?;
    if console.json {
        console.json_line(&serde_json::json!({
            "difference": difference,
            "cuts": preview.map(|(_, json)| json),
            "commands": commands,
            "applied": applied,
            "revisions": session.view().revisions,
        }))?;
    }
    Ok(Exit::Fine)
}

/// Opens the registry of a deployment.
///
/// # Errors
/// The key cannot be read, or Kafka does not answer.
pub async fn open(deployment: &Deployment) -> Result<Session, ImportError> {
    let key = key::load(&deployment.key_file)?;
    Session::open(&deployment.kafka, deployment.partitions, key).await
}

fn read(what: ImportKind, path: &Path) -> Result<Content, ConfigError> {
    let source = load::source(path)?;
    let findings = Findings::default();
    let content = match what {
        ImportKind::Roster => {
            let rows = roster::read(&source, &findings).rows;
            Some(Content::Roster(
                rows.into_iter().map(|line| line.row).collect(),
            ))
        }
        ImportKind::Catalogue => {
            catalogue::read_located(&source, &findings).map(|file| Content::Catalogue(source, file))
        }
        ImportKind::Programme => programme::read(&source, &findings)
            .file
            .map(Content::Programme),
        ImportKind::Calendar => Some(Content::Calendar(calendar::read_file(&source, &findings))),
    };
    load::value(content, findings)
}

/// What stands against a catalogue, at the lines of its file.
fn refuse_by_line(
    view: &RegistryView,
    source: &Source,
    file: &catalogue::CatalogueFile,
    now_ms: i64,
) -> Result<(), ConfigError> {
    let refused = judge(&view.catalogues, &view.zone(), &file.catalogue, now_ms);
    let findings = Findings::default();
    for refusal in refused {
        findings.add(file.finding(source, refusal.rule, refusal.message, refusal.remedy));
    }
    load::value(Some(()), findings)
}

/// What the plan would cut, as lines and as JSON; where that is not known, why.
async fn preview(
    deployment: &Deployment,
    view: &RegistryView,
    plan: &Plan,
) -> (String, serde_json::Value) {
    match balances::preview(deployment, view, plan).await {
        Ok(preview) => {
            let as_of = local(preview.as_of_ms, &view.zone(), true);
            (
                cuts::text(&preview.cuts, preview.enrolled, &as_of),
                serde_json::json!({ "cuts": preview.cuts, "enrolled": preview.enrolled, "as_of_ms": preview.as_of_ms }),
            )
        }
        Err(why) => (
            format!("How many SIMs these rules would cut at once is not known: {why:#}.\n"),
            serde_json::json!({ "unknown": why.to_string() }),
        ),
    }
}

/// This machine's time (UTC milliseconds).
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
