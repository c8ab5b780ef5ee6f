//! `hissa check FILE…`: everything that is wrong in the files, and between them.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Serialize;

use crate::args::CheckArgs;
use crate::config::finding::{Finding, Findings, Source};
use crate::config::programme::ProgrammeRead;
use crate::config::roster::RosterRead;
use crate::config::{catalogue, deployment, load, programme, roster};
use crate::console::Console;
use crate::exit::Exit;

/// More findings than this are counted and not printed; `--json` has them all.
const PRINTED_MAX: usize = 100;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Deployment,
    Programme,
    Catalogue,
    Roster,
}

/// Runs the command.
///
/// # Errors
/// A file cannot be read.
pub fn run(args: &CheckArgs, console: &Console) -> anyhow::Result<Exit> {
    let mut sources = Vec::new();
    for path in &args.files {
        sources.push(load::source(path)?);
    }
    let found = check(&sources);
    if console.json {
        console.json_line(&serde_json::json!({ "files": sources.len(), "findings": found }))?;
    } else {
        for finding in found.iter().take(PRINTED_MAX) {
            console.data(&(finding.render(console.colours.0) + "\n"));
        }
        if found.len() > PRINTED_MAX {
            console.data(&format!(
                "… and {} more; `--json` prints them all\n",
                found.len() - PRINTED_MAX
            ));
        }
        console.remark(&verdict(sources.len(), found.len()));
    }
    Ok(if found.is_empty() {
        Exit::Fine
    } else {
        Exit::Finding
    })
}

fn verdict(files: usize, findings: usize) -> String {
    let plural = |count: usize, one: &str| match count {
        1 => format!("1 {one}"),
        many => format!("{many} {one}s"),
    };
    match findings {
        0 => format!("{}: no errors", plural(files, "file")),
        many => format!("{}: {}", plural(files, "file"), plural(many, "error")),
    }
}

/// All findings, by file and line.
pub fn check(sources: &[Source]) -> Vec<Finding> {
    let findings = Findings::default();
    let mut programmes: Vec<(&Source, ProgrammeRead)> = Vec::new();
    let mut rosters: Vec<(&Source, RosterRead)> = Vec::new();
    for source in sources {
        match kind(source) {
            Some(Kind::Deployment) => {
                let folder = Path::new(&source.name).parent().unwrap_or(Path::new(""));
                deployment::read(source, &findings, folder);
            }
            Some(Kind::Programme) => programmes.push((source, programme::read(source, &findings))),
            Some(Kind::Catalogue) => {
                catalogue::read(source, &findings);
            }
            Some(Kind::Roster) => rosters.push((source, roster::read(source, &findings))),
            None => findings.add(source.whole(
                "this is none of hissa.toml, programme.toml, catalogue.toml and roster.csv",
                "name the file after what it is",
            )),
        }
    }
    if !programmes.is_empty() {
        for (source, roster) in &rosters {
            refuse_unknown_cohorts(source, roster, &programmes, &findings);
        }
    }
    if !rosters.is_empty() {
        for (source, programme) in &programmes {
            refuse_unused_cohorts(source, programme, &rosters, &findings);
        }
    }
    findings.into_sorted()
}

/// What a file is: by its name, else by what stands in it.
pub fn kind(source: &Source) -> Option<Kind> {
    let name = Path::new(&source.name)
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let names = [
        ("roster", Kind::Roster),
        ("programme", Kind::Programme),
        ("catalogue", Kind::Catalogue),
        ("hissa", Kind::Deployment),
    ];
    if name.ends_with(".csv") {
        return Some(Kind::Roster);
    }
    if let Some((_, kind)) = names.iter().find(|(part, _)| name.contains(part)) {
        return Some(*kind);
    }
    let begins = |table: &str| {
        source
            .text
            .lines()
            .any(|line| line.trim_start().starts_with(table))
    };
    [
        ("[programme]", Kind::Programme),
        ("[[cohort]]", Kind::Programme),
        ("[[service]]", Kind::Catalogue),
        ("[deployment]", Kind::Deployment),
    ]
    .into_iter()
    .find(|(table, _)| begins(table))
    .map(|(_, kind)| kind)
}

fn refuse_unknown_cohorts(
    source: &Source,
    roster: &RosterRead,
    programmes: &[(&Source, ProgrammeRead)],
    findings: &Findings,
) {
    let known: BTreeSet<&str> = programmes
        .iter()
        .flat_map(|(_, programme)| programme.cohorts.iter().map(|id| id.value.as_str()))
        .collect();
    for (cohort, span) in &roster.cohorts {
        if known.contains(cohort.as_str()) {
            continue;
        }
        let nearest = known
            .iter()
            .map(|id| (strsim::osa_distance(id, cohort), *id))
            .min();
        let remedy = match nearest {
            Some((distance, id)) if distance <= 3 => format!("did you mean `{id}`?"),
            _ => "name a cohort of the programme, or add a [[cohort]] to it".into(),
        };
        let message = format!("the programme has no cohort `{cohort}`");
        findings.add(roster::masking(source.finding(
            span.clone(),
            message,
            remedy,
        )));
    }
}

fn refuse_unused_cohorts(
    source: &Source,
    programme: &ProgrammeRead,
    rosters: &[(&Source, RosterRead)],
    findings: &Findings,
) {
    for id in &programme.cohorts {
        let used = rosters
            .iter()
            .any(|(_, roster)| roster.cohorts.iter().any(|(cohort, _)| *cohort == id.value));
        if !used {
            findings.add(source.finding(
                id.span.clone(),
                format!("no row of the roster is of cohort `{}`", id.value),
                "remove the cohort, or correct the `cohort` column of the roster",
            ));
        }
    }
}
