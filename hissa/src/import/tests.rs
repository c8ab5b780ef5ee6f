//! Differences, as a user sees them. The registry is a value here; no Kafka is needed.

use std::collections::HashMap;

use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::registry::{Command, Entered};

use super::{ImportError, Plan, RegistryView, catalogue, programme, roster};
use crate::config::finding::{Findings, Source};
use crate::config::{self, programme::ProgrammeFile, roster::RosterRow};

const PROGRAMME: &str = r#"
schema = 1
policy_version = "1"
[programme]
id = "tablettes-2026"
timezone = "Africa/Casablanca"
valid = { from = 2026-02-01, to = 2026-07-31 }
unknown_charged_to = "education"
[[cohort]]
id = "pilote-rural"
enforce_from = 2026-02-08
allowance.education = { bytes = "20 GB", every = "month" }
allowance.other = { bytes = "0 GB", every = "month" }
on_exhausted.education = { action = "throttle", kbit_s = 512 }
[[feed]]
id = "carrier-json"
kind = "kafka"
format = "json"
topic = "carrier.usage"
"#;

const CATALOGUE: &str = r#"
version = "1"
[[service]]
id = "taalim"
class = "education"
match = [{ rating_group = 4101 }]
[[service]]
id = "internet"
class = "other"
match = [{ rating_group = 10 }]
"#;

const ROSTER: &str = "\
imsi,asset_tag,school_code,commune_code,province_code,region_code,milieu,cohort,valid_from
001012120000001,T-0001,E1,C1,P1,R1,rural,pilote-rural,2026-02-01
001012120000002,T-0002,E1,C1,P1,R1,rural,pilote-rural,2026-02-01
";

/// 31 January 2026, noon in Casablanca.
const ENTERED_MS: i64 = 1_769_857_200_000;

fn key() -> Pseudonymizer {
    Pseudonymizer::new([7; 16])
}

fn programme_file(text: &str) -> ProgrammeFile {
    let findings = Findings::default();
    let read = config::programme::read(&Source::new("programme.toml", text), &findings);
    assert_eq!(findings.into_sorted(), []);
    read.file.unwrap()
}

fn catalogue_file(text: &str) -> hissa_core::registry::Catalogue {
    config::catalogue::read(&Source::new("catalogue.toml", text), &Findings::default()).unwrap()
}

fn rows(text: &str) -> Vec<RosterRow> {
    let read = config::roster::read(&Source::new("roster.csv", text), &Findings::default());
    read.rows.into_iter().map(|line| line.row).collect()
}

fn apply(view: &mut RegistryView, plan: Plan) {
    for command in plan.commands {
        let entered = Entered {
            entered_at_ms: ENTERED_MS,
            command,
        };
        view.enter(entered, plan.of_programme);
    }
    for (key, value) in plan.directory {
        view.record(&key, value);
    }
}

/// A registry with programme, catalogue and roster imported.
fn imported() -> RegistryView {
    let mut view = RegistryView::default();
    let plan = programme::plan(&view, &programme_file(PROGRAMME)).unwrap();
    apply(&mut view, plan);
    let plan = catalogue::plan(&view, &catalogue_file(CATALOGUE), ENTERED_MS).unwrap();
    apply(&mut view, plan);
    let plan = roster::plan(&view, &rows(ROSTER), &key()).unwrap();
    apply(&mut view, plan);
    view
}

fn refusal(result: Result<Plan, ImportError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn a_first_import_says_everything_once() {
    let view = RegistryView::default();
    let plan = programme::plan(&view, &programme_file(PROGRAMME)).unwrap();
    insta::assert_snapshot!(plan.difference.text("programme, cohorts, feeds"), @r"
    + programme tablettes-2026 (Africa/Casablanca), policy 1
    + cohort pilote-rural: education 20 GB a month, then throttle to 512 kbit/s; other 0 GB a month, then block; enforced from 2026-02-08
    + feed carrier-json: tolerance 5m
    programme, cohorts, feeds: 3 new, 0 changed, 0 unchanged
    ");
    let Command::Programme(entered) = &plan.commands[0] else {
        panic!("the programme comes first");
    };
    // The zone's own data travel with it: "TZif".
    assert!(entered.tzif_hex.starts_with("545a6966"));
    assert_eq!(plan.commands.len(), 2);
}

#[test]
fn what_is_imported_already_emits_nothing() {
    let view = imported();
    for plan in [
        programme::plan(&view, &programme_file(PROGRAMME)).unwrap(),
        catalogue::plan(&view, &catalogue_file(CATALOGUE), ENTERED_MS).unwrap(),
        roster::plan(&view, &rows(ROSTER), &key()).unwrap(),
    ] {
        assert!(plan.is_empty(), "{plan:?}");
        assert_eq!((plan.difference.new, plan.difference.changed), (0, 0));
    }
}

#[test]
fn a_roster_shows_what_changes_by_tag() {
    let view = imported();
    let text = "\
imsi,asset_tag,school_code,commune_code,province_code,region_code,milieu,cohort,valid_from
001012120000002,T-0009,E2,C1,P1,R1,rural,pilote-rural,2026-02-01
001012120000003,T-0002,E1,C1,P1,R1,rural,pilote-rural,2026-03-01
";
    let plan = roster::plan(&view, &rows(text), &key()).unwrap();
    insta::assert_snapshot!(plan.difference.text("SIMs"), @r"
    ~ T-0009: school E1 → E2 from 2026-02-01, tag T-0002 → T-0009
    + T-0002: pilote-rural from 2026-03-01
    SIMs: 1 new, 1 changed, 0 unchanged, 1 not in the file (they stay as they are)
    ");
    let keys: Vec<&str> = plan
        .directory
        .iter()
        .filter(|(key, _)| key.starts_with("tag/"))
        .map(|(key, _)| key.as_str())
        .collect();
    // T-0002 goes from one SIM to the other, so that it is no orphan.
    assert_eq!(keys, ["tag/T-0009", "tag/T-0002"]);
    assert!(plan.directory.iter().all(|(_, value)| value.is_some()));
}

#[test]
fn a_tag_that_nobody_has_any_more_leaves_the_directory() {
    let view = imported();
    let text = ROSTER.replace("T-0002", "T-0022");
    let plan = roster::plan(&view, &rows(&text), &key()).unwrap();
    assert!(
        plan.commands.is_empty(),
        "a tag is nothing for the registry"
    );
    assert!(plan.directory.contains(&("tag/T-0002".into(), None)));
}

#[test]
fn the_registry_gets_no_tag_and_no_raw_identifier() {
    let view = imported();
    let plan = roster::plan(
        &RegistryView {
            sims: HashMap::new(),
            ..view.clone()
        },
        &rows(ROSTER),
        &key(),
    )
    .unwrap();
    let commands = serde_json::to_string(&plan.commands).unwrap();
    assert!(commands.contains("pilote-rural"), "{commands}");
    assert!(
        !commands.contains("T-000") && !commands.contains("0010121"),
        "{commands}"
    );
    let directory = serde_json::to_string(&view.directory).unwrap();
    assert!(!directory.contains("0010121"), "{directory}");
}

#[test]
fn a_tag_of_another_sim_is_refused() {
    let text = ROSTER
        .replace("001012120000002", "001012120000005")
        .replace("T-0001", "T-0007");
    insta::assert_snapshot!(refusal(roster::plan(&imported(), &rows(&text), &key())), @r"
    nothing was imported:
      asset tag T-0002 belongs to another SIM, which is not in this file: give that SIM another tag in the same file, or replace it with `hissa sim replace`
    ");
}

#[test]
fn a_roster_needs_a_programme_with_its_cohorts() {
    let early = roster::plan(&RegistryView::default(), &rows(ROSTER), &key());
    insta::assert_snapshot!(refusal(early), @"the registry has no programme yet: run `hissa import programme programme.toml` first");
    let text = ROSTER.replace("pilote-rural", "pilote-urbain");
    insta::assert_snapshot!(refusal(roster::plan(&imported(), &rows(&text), &key())), @r"
    nothing was imported:
      the registered programme has no cohort `pilote-urbain`: import the programme that has it first
    ");
}

#[test]
fn a_changed_policy_needs_a_new_version() {
    let view = imported();
    let changed = PROGRAMME.replace("20 GB", "15 GB");
    insta::assert_snapshot!(refusal(programme::plan(&view, &programme_file(&changed))), @r"
    nothing was imported:
      policy version 1 is registered with another content: raise `policy_version`, so that decisions name what they were made under
    ");
    let raised = changed.replace("policy_version = \"1\"", "policy_version = \"2\"");
    let plan = programme::plan(&view, &programme_file(&raised)).unwrap();
    insta::assert_snapshot!(plan.difference.text("programme, cohorts, feeds"), @r"
    ~ programme tablettes-2026: policy 1 → 2
    ~ cohort pilote-rural: education 15 GB a month, then throttle to 512 kbit/s; other 0 GB a month, then block; enforced from 2026-02-08; was: cohort pilote-rural: education 20 GB a month, then throttle to 512 kbit/s; other 0 GB a month, then block; enforced from 2026-02-08
    programme, cohorts, feeds: 0 new, 2 changed, 1 unchanged
    ");
    assert_eq!(plan.commands.len(), 1);
}

#[test]
fn a_later_catalogue_changes_nothing_that_is_counted() {
    let view = imported();
    let next = |from: &str| {
        let text = CATALOGUE.replace("version = \"1\"", "version = \"2\"");
        let rule =
            "[[service]]\nid = \"video\"\nclass = \"other\"\nmatch = [{ rating_group = 20 }]\n";
        catalogue_file(&format!("{text}{rule}{from}"))
    };
    // Midnight of 1 February, local, is the first that lies 15 minutes ahead of noon the day before.
    let plan = catalogue::plan(&view, &next("valid_from = 2026-02-01"), ENTERED_MS).unwrap();
    insta::assert_snapshot!(plan.difference.text("rules"), @r"
    + rating group 20: video (other) from 2026-02-01
    rules: 1 new, 0 changed, 2 unchanged
    ");
    insta::assert_snapshot!(refusal(catalogue::plan(&view, &next(""), ENTERED_MS)), @r"
    nothing was imported:
      rating group 20: video (other) would change what is counted already: after the first version, a rule begins at a `valid_from` whose local midnight is 15 minutes or more ahead
    ");
    let at_midnight_less_14_minutes = 1_769_900_400_000 - 14 * 60_000;
    let late = catalogue::plan(
        &view,
        &next("valid_from = 2026-02-01"),
        at_midnight_less_14_minutes,
    );
    assert!(refusal(late).contains("15 minutes or more ahead"));
}

#[test]
fn a_rule_that_has_begun_cannot_be_dropped() {
    let text = CATALOGUE
        .replace("version = \"1\"", "version = \"2\"")
        .replace("rating_group = 10 ", "rating_group = 11 ");
    insta::assert_snapshot!(refusal(catalogue::plan(&imported(), &catalogue_file(&text), ENTERED_MS)), @r#"
    nothing was imported:
      rating group 11: internet (other) would change what is counted already: after the first version, a rule begins at a `valid_from` whose local midnight is 15 minutes or more ahead
      rating group 10: internet (other) is missing: a rule of an earlier version holds until a newer one takes over, so keep it; to withdraw it, map its traffic to class "unknown" with a later `valid_from`
    "#);
}
