//! The roster as the programme's office keeps it, and the times at which each file was entered.

use chrono::{DateTime, Timelike};
use serde::{Deserialize, Serialize};

use crate::policy::{INSPECTORS, KHATWAT, PILOT, TEACHERS};
use crate::population::{Population, RosterChange, Sim};
use crate::scenario::Scenario;
use crate::truth;
use crate::zone::{Date, MINUTE_MS, Zone};

/// The header of `roster.csv`.
pub const ROSTER_HEADER: &str = "iccid,imsi,msisdn,asset_tag,device_imei,school_code,school_name_fr,school_name_ar,\
commune_code,province_code,region_code,milieu,cohort,grade,alert_lang,admin_groups,valid_from,valid_to,status";

/// One SIM in the roster, with its raw identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterRow {
    pub iccid: String,
    pub imsi: String,
    pub msisdn: String,
    pub asset_tag: String,
    pub device_imei: String,
    pub school_code: String,
    pub school_name_fr: String,
    pub school_name_ar: String,
    pub commune_code: String,
    pub province_code: String,
    pub region_code: String,
    /// `rural` or `urban`.
    pub milieu: String,
    pub cohort: String,
    /// `5AEP` or `6AEP`; empty for adults.
    pub grade: String,
    /// `ar` or `fr`.
    pub alert_lang: String,
    /// Separated by `|`.
    pub admin_groups: String,
    pub valid_from: Date,
    /// The last day.
    pub valid_to: Option<Date>,
    pub status: String,
}

/// A file that is entered into the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryFile {
    Programme,
    Catalogue,
    Roster(Vec<RosterRow>),
    /// A tablet gets another SIM.
    Replacement(Box<Replacement>),
    /// What SIMs brought along is said again.
    Openings(Vec<Opening>),
}

/// A tablet gets another SIM: the old one is retired, the new one enrolled, with what the old one had used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replacement {
    pub old_imsi: String,
    pub row: RosterRow,
    /// From its midnight on.
    pub on: Date,
    pub openings: Vec<Opening>,
}

/// What a SIM brings along into an allowance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    pub imsi: String,
    /// The allowance's id.
    pub allowance: String,
    pub used_bytes: u64,
    /// A day of the cycle that it is for.
    pub as_of: Date,
    pub revision: u32,
}

/// One entry into the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryEvent {
    pub entered_at_ms: i64,
    /// Its name where it is written as a file: `roster.csv`, `roster-2026-02-12T1000.csv` (local time).
    pub file_name: String,
    pub file: RegistryFile,
}

/// The events of a scenario, in the order of time. `openings` are those that the feed's rehearsal found.
pub(crate) fn events(
    scenario: &Scenario,
    zone: &Zone,
    population: &Population,
    openings: &[truth::Opening],
) -> Vec<RegistryEvent> {
    let begin = scenario.entered_at_ms(zone);
    let event = |entered_at_ms, file_name: String, file| RegistryEvent {
        entered_at_ms,
        file_name,
        file,
    };
    let mut events = vec![
        event(begin, "programme.toml".to_owned(), RegistryFile::Programme),
        event(begin, "catalogue.toml".to_owned(), RegistryFile::Catalogue),
    ];
    let brought = |new: &Sim, revision| {
        let of = openings
            .iter()
            .filter(|o| o.imsi == new.imsi && o.revision == revision);
        of.map(opening).collect::<Vec<Opening>>()
    };
    for (at_ms, change) in population.roster_changes(scenario, zone) {
        match change {
            RosterChange::Enrolled { sim } => {
                let sim = &population.sims[sim];
                let row = row(population, sim);
                if let Some(RegistryEvent {
                    entered_at_ms,
                    file: RegistryFile::Roster(rows),
                    ..
                }) = events.last_mut()
                    && *entered_at_ms == at_ms
                {
                    rows.push(row);
                    continue;
                }
                let name = match at_ms == begin {
                    true => "roster.csv".to_owned(),
                    false => format!("roster-{}.csv", stamp(zone, at_ms)),
                };
                events.push(event(at_ms, name, RegistryFile::Roster(vec![row])));
            }
            RosterChange::Replaced { old, new, on } => {
                let new = &population.sims[new];
                let replacement = Replacement {
                    old_imsi: population.sims[old].imsi.to_string(),
                    row: row(population, new),
                    on,
                    openings: brought(new, 1),
                };
                let name = format!(
                    "replacement-{}-{}.json",
                    stamp(zone, at_ms),
                    new.asset_tag()
                );
                let file = RegistryFile::Replacement(Box::new(replacement));
                events.push(event(at_ms, name, file));
            }
            RosterChange::OpenedAgain { new, .. } => {
                let new = &population.sims[new];
                let name = format!("openings-{}-{}.json", stamp(zone, at_ms), new.asset_tag());
                events.push(event(at_ms, name, RegistryFile::Openings(brought(new, 2))));
            }
        }
    }
    events
}

/// A local time, for the name of a file: `2026-02-12T1000`.
fn stamp(zone: &Zone, at_ms: i64) -> String {
    let local_ms = at_ms + zone.offset_minutes(at_ms) * MINUTE_MS;
    let local = DateTime::from_timestamp_millis(local_ms).unwrap_or_default();
    format!(
        "{}T{:02}{:02}",
        local.date_naive(),
        local.hour(),
        local.minute()
    )
}

fn opening(opening: &truth::Opening) -> Opening {
    Opening {
        imsi: opening.imsi.to_string(),
        allowance: opening.allowance.as_str().to_owned(),
        used_bytes: opening.used_bytes,
        as_of: opening.as_of,
        revision: opening.revision,
    }
}

fn row(population: &Population, sim: &Sim) -> RosterRow {
    let valid_from = sim.enrolment.map(|e| e.valid_from).unwrap_or_default();
    let school = &population.schools[sim.school];
    let province = population.province(sim);
    let grade = match sim.cohort {
        PILOT if sim.tablet.is_multiple_of(2) => "6AEP",
        PILOT => "5AEP",
        _ => "",
    };
    let adult = matches!(sim.cohort, TEACHERS | INSPECTORS);
    let group = if sim.cohort == KHATWAT {
        "association"
    } else {
        "school"
    };
    RosterRow {
        iccid: crate::population::iccid(sim.serial),
        imsi: sim.imsi.to_string(),
        msisdn: crate::population::msisdn(sim.serial),
        asset_tag: sim.asset_tag(),
        device_imei: sim.device.imei(),
        school_code: school.code.clone(),
        school_name_fr: school.name_fr.clone(),
        school_name_ar: school.name_ar.clone(),
        commune_code: school.commune_code.clone(),
        province_code: province.code.to_owned(),
        region_code: province.region_code.to_owned(),
        milieu: if school.rural { "rural" } else { "urban" }.to_owned(),
        cohort: crate::COHORT_IDS[sim.cohort].to_owned(),
        grade: grade.to_owned(),
        alert_lang: if adult { "fr" } else { "ar" }.to_owned(),
        admin_groups: format!("{group}-{}|province-{}", school.code, province.code),
        valid_from,
        valid_to: None,
        status: "active".to_owned(),
    }
}

/// The text of a roster file.
pub fn roster_csv(rows: &[RosterRow]) -> String {
    let mut text = String::from(ROSTER_HEADER);
    text.push('\n');
    for row in rows {
        let fields = [
            &row.iccid,
            &row.imsi,
            &row.msisdn,
            &row.asset_tag,
            &row.device_imei,
            &row.school_code,
            &row.school_name_fr,
            &row.school_name_ar,
            &row.commune_code,
            &row.province_code,
            &row.region_code,
            &row.milieu,
            &row.cohort,
            &row.grade,
            &row.alert_lang,
            &row.admin_groups,
            &row.valid_from.to_string(),
            &row.valid_to
                .map(|date| date.to_string())
                .unwrap_or_default(),
            &row.status,
        ];
        let fields: Vec<String> = fields.into_iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(","));
        text.push('\n');
    }
    text
}

/// A field, in quotes where it needs them (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', ';', '"', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_has_a_row_for_each_sim_and_quotes_commas() {
        let scenario = Scenario::demo(212);
        let zone = scenario.zone();
        let population = Population::new(&scenario, &zone);
        let events = events(&scenario, &zone, &population, &[]);
        let names: Vec<&str> = events.iter().map(|e| e.file_name.as_str()).collect();
        assert_eq!(
            names[..3],
            ["programme.toml", "catalogue.toml", "roster.csv"]
        );
        assert!(names.contains(&"roster-2026-02-12T1000.csv"));
        let kind = |wanted: &str| names.iter().filter(|name| name.starts_with(wanted)).count();
        assert_eq!((kind("replacement-"), kind("openings-")), (9, 9));
        assert!(events.is_sorted_by_key(|e| e.entered_at_ms));
        let RegistryFile::Roster(rows) = &events[2].file else {
            panic!("the third event is the roster");
        };
        assert_eq!(rows.len(), 4_640);
        let later: usize = events[3..]
            .iter()
            .map(|e| match &e.file {
                RegistryFile::Roster(rows) => rows.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(later, 44);
        let text = roster_csv(&rows[..1]);
        let columns = ROSTER_HEADER.split(',').count();
        assert_eq!(columns, 19);
        assert!(text.contains(",T-0001,"));
        assert!(text.contains(",\"École "));
    }
}
