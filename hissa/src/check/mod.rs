//! `hissa check FILE…`: everything that is wrong in the files, and between them.

mod between;
mod secrets;

use std::path::Path;

use serde::Serialize;

use crate::args::CheckArgs;
use crate::config::finding::{Finding, Findings, Source};
use crate::config::{calendar, catalogue, deployment, load, programme, roster};
use crate::console::Console;
use crate::exit::Exit;
use crate::import::command::now_ms;

/// More findings than this are counted and not printed; `--json` has them all.
const PRINTED_MAX: usize = 100;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Deployment,
    Programme,
    Calendar,
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
    let (mut found, mut absent) = (check(&sources, now_ms()), Vec::new());
    for source in sources
        .iter()
        .filter(|of| kind(of) == Some(Kind::Deployment))
    {
        let (wrong, not_here) = secrets::look(source, folder(source));
        found.extend(wrong);
        absent.extend(not_here);
    }
    for remark in &absent {
        console.remark(remark);
    }
    if console.json {
        console.json_line(&serde_json::json!({ "files": sources.len(), "findings": found, "not_looked_at": absent }))?;
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

/// All findings, by file and line. Of several catalogues each must be able to follow those before it.
pub fn check(sources: &[Source], now_ms: i64) -> Vec<Finding> {
    let findings = Findings::default();
    let mut programmes = Vec::new();
    let mut calendars = Vec::new();
    let mut catalogues = Vec::new();
    let mut rosters = Vec::new();
    for source in sources {
        match kind(source) {
            Some(Kind::Deployment) => {
                deployment::read(source, &findings, folder(source));
            }
            Some(Kind::Programme) => programmes.push((source, programme::read(source, &findings))),
            Some(Kind::Calendar) => {
                calendars.push((source, calendar::read_file(source, &findings)));
            }
            Some(Kind::Catalogue) => {
                let read = catalogue::read_located(source, &findings);
                catalogues.extend(read.map(|file| (source, file)));
            }
            Some(Kind::Roster) => rosters.push((source, roster::read(source, &findings))),
            None => findings.add(source.whole(
                "this is none of hissa.toml, programme.toml, calendar.toml, catalogue.toml and roster.csv",
                "name the file after what it is",
            )),
        }
    }
    if !programmes.is_empty() {
        for (source, roster) in &rosters {
            between::refuse_unknown_cohorts(source, roster, &programmes, &findings);
        }
    }
    for (source, programme) in &programmes {
        if !rosters.is_empty() {
            between::refuse_unused_cohorts(source, programme, &rosters, &findings);
        }
        between::calendars((source, programme), &calendars, &findings);
    }
    between::catalogues(&catalogues, &programmes, now_ms, &findings);
    findings.into_sorted()
}

/// What the paths in a file start from.
fn folder(source: &Source) -> &Path {
    Path::new(&source.name).parent().unwrap_or(Path::new(""))
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
        ("calendar", Kind::Calendar),
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
        ("[[calendar]]", Kind::Calendar),
        ("[deployment]", Kind::Deployment),
    ]
    .into_iter()
    .find(|(table, _)| begins(table))
    .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// 31 January 2026, noon in Casablanca.
    const NOW_MS: i64 = 1_769_857_200_000;

    /// Each folder of `tests/check` holds files and, in `expected.txt`, what is said of them. With `HISSA_BLESS=1` the
    /// expectations are written instead of compared.
    #[test]
    fn every_error_is_reported_at_its_place_with_a_remedy() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check");
        let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        cases.sort();
        assert!(cases.len() >= 7);
        for case in cases {
            let found = check(&sources(&case), NOW_MS);
            let said: String = found
                .iter()
                .map(|finding| finding.render(false) + "\n")
                .collect();
            let expected = case.join("expected.txt");
            if std::env::var_os("HISSA_BLESS").is_some() {
                std::fs::write(&expected, said).unwrap();
            } else {
                let expected = std::fs::read_to_string(&expected).unwrap();
                assert_eq!(said, expected, "{}", case.display());
            }
        }
    }

    #[test]
    fn no_finding_shows_an_imsi() {
        let case = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/check/roster");
        for finding in check(&sources(&case), NOW_MS) {
            let shown = finding.render(false) + &serde_json::to_string(&finding).unwrap();
            for digits in ["0010121", "2009000", "8921201", "3520991"] {
                assert!(!shown.contains(digits), "{shown}");
            }
        }
    }

    #[test]
    fn the_examples_have_no_errors() {
        let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../examples");
        let sources = sources(&examples);
        assert_eq!(sources.len(), 4);
        assert_eq!(check(&sources, NOW_MS), []);
    }

    #[test]
    fn what_the_make_believe_carrier_writes_has_no_errors() {
        let scenario = hissa_carrier::Scenario::small(3);
        let generated = hissa_carrier::generate(&scenario).unwrap();
        let mut sources = vec![
            Source::new("programme.toml", generated.programme_toml),
            Source::new("catalogue.toml", generated.catalogue_toml),
        ];
        for event in &generated.events {
            if let hissa_carrier::RegistryFile::Roster(rows) = &event.file {
                sources.push(Source::new(
                    event.file_name.as_str(),
                    hissa_carrier::roster_csv(rows),
                ));
            }
        }
        assert!(sources.len() > 3);
        assert_eq!(check(&sources, NOW_MS), []);
    }

    fn sources(folder: &Path) -> Vec<Source> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("expected.txt"))
            .collect();
        paths.sort();
        paths
            .iter()
            .map(|path| {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                Source {
                    name,
                    ..load::source(path).unwrap()
                }
            })
            .collect()
    }
}
