//! What the partitions say, held against the oracle: the rules computed a second time, from the carrier's own messages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hissa_core::alert::{AlertChange, Change};
use hissa_core::decision::{Action, Cause, Decision};
use hissa_core::facts::Fact;
use hissa_core::registry::{Class, Place};
use hissa_core::wire::Kind;
use hissa_oracle as oracle;
use hissa_oracle::{Day, Feed, Findings, Judge, Pseudonym, Settings};
use jiff::civil::{Date, date};

use super::{Differences, Quiet};
use crate::scenario::{KEY, Scenario};
use crate::world::Ran;
use crate::world::log::Entry;

/// Judges every partition's log, and tells where it finds other than the partitions say.
pub fn check(scenario: &Scenario, ran: &Ran, quiets: &[Quiet], differences: &mut Differences) {
    let settings = Settings {
        partitions: scenario.shape.partitions.count(),
        key: KEY,
        generation: 1,
        horizon_days: 45,
        held_sims_max: scenario.shape.held_sims_max as usize,
    };
    let registry: Vec<Vec<u8>> = scenario
        .registry
        .iter()
        .map(|command| command.text.clone())
        .collect();
    let feed = Carrier(scenario);
    let mut judge = Judge::new(settings, &registry, &feed);
    for quiet in quiets {
        let entries = &ran.log.usage[usize::from(quiet.partition)];
        for (offset, entry) in (0..).zip(entries) {
            if let Err(why) = judge.entry(quiet.partition, offset, kind(entry), &entry.payload) {
                return differences.add(|| format!("the oracle refuses: {why}"));
            }
        }
    }
    let mut found = Findings::default();
    for quiet in quiets {
        add(&mut found, quiet);
    }
    let mut table = "";
    for difference in oracle::compare(&judge.into_findings(), &found) {
        // The first of each table says most.
        if difference.table != table {
            table = difference.table;
            differences.add(|| tell(&difference));
        }
    }
}

/// A difference, without what does not differ.
fn tell(difference: &oracle::Difference) -> String {
    let (expected, found) = (
        difference.expected.as_deref().unwrap_or("nothing"),
        difference.found.as_deref().unwrap_or("nothing"),
    );
    let parts = |text: &str| text.split(", ").map(str::to_owned).collect::<Vec<_>>();
    let (of_expected, of_found) = (parts(expected), parts(found));
    let (mut told_expected, mut told_found) = (expected.to_owned(), found.to_owned());
    if of_expected.len() == of_found.len() {
        let differ = || {
            of_expected
                .iter()
                .zip(&of_found)
                .filter(|(expected, found)| expected != found)
        };
        told_expected = differ()
            .map(|(expected, _)| expected.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        told_found = differ()
            .map(|(_, found)| found.as_str())
            .collect::<Vec<_>>()
            .join(", ");
    }
    let (table, key) = (difference.table, &difference.key);
    let last = difference.last.map(|last| format!("\n  last row {last}"));
    let last = last.unwrap_or_default();
    format!(
        "oracle: {table} {key}\n  expected {told_expected}\n  found    {told_found}\n  of       {expected}{last}"
    )
}

/// The carrier's messages, by source and offset.
struct Carrier<'a>(&'a Scenario);

impl oracle::RawFeed for Carrier<'_> {
    fn message(
        &self,
        feed: &str,
        epoch: u32,
        partition: u32,
        offset: u64,
    ) -> Option<Cow<'_, [u8]>> {
        let is_it = |topic: &&crate::scenario::Topic| {
            let source = &topic.source;
            (source.epoch, source.partition) == (epoch, partition) && source.feed.as_str() == feed
        };
        let topic = self.0.topics.iter().find(is_it)?;
        let message = topic.messages.get(usize::try_from(offset).ok()?)?;
        Some(Cow::Borrowed(self.0.text(message)))
    }
}

fn kind(entry: &Entry) -> oracle::Kind {
    match entry.kind {
        Kind::Rows => oracle::Kind::Rows,
        Kind::Block => oracle::Kind::Block,
        Kind::Progress => oracle::Kind::Progress,
    }
}

fn add(found: &mut Findings, quiet: &Quiet) {
    let partition = quiet.partition;
    for fact in quiet.facts.values() {
        add_fact(found, partition, fact);
    }
    found
        .decisions
        .insert(partition, quiet.decisions.iter().map(decision).collect());
    found
        .discrepancies
        .extend(
            quiet
                .discrepancies
                .iter()
                .map(|(offset, of)| oracle::Discrepancy {
                    partition,
                    offset: *offset,
                    feed: Feed(of.source.feed.bytes()),
                    epoch: of.source.epoch,
                    source_partition: of.source.partition,
                    through: of.through,
                    told_rows: of.promised_rows,
                    told_bytes: of.promised_bytes,
                    found_rows: of.found_rows,
                    found_bytes: of.found_bytes,
                }),
        );
    found
        .alerts
        .insert(partition, quiet.alerts.iter().map(alert).collect());
}

fn add_fact(found: &mut Findings, partition: u16, fact: &Fact) {
    match fact {
        Fact::SimDay(row) => {
            let key = oracle::SimDay {
                sim: Pseudonym(row.sim.0),
                usage_day: day(row.usage_day),
                class: class(row.class),
                service: row.service.clone(),
                booked_day: day(row.booked_day),
            };
            let bytes = oracle::Bytes {
                up: row.uplink_bytes,
                down: row.downlink_bytes,
                records: row.records,
            };
            found.sim_day.insert(key, bytes.into());
        }
        Fact::SimCycle(row) => {
            let key = oracle::SimCycle {
                sim: Pseudonym(row.sim.0),
                cycle_start: day(row.cycle_start),
                allowance: row.allowance.clone(),
            };
            let thresholds = row.thresholds.iter().zip(&row.reached_at_ms);
            let standing = oracle::CycleRow {
                limit: row.limit_bytes,
                granted: row.granted_bytes,
                used: row.used_bytes,
                state: row.state.into(),
                thresholds: thresholds
                    .map(|(percent, at_ms)| (u32::from(*percent), *at_ms))
                    .collect(),
            };
            found
                .sim_cycle
                .entry(key)
                .or_default()
                .insert(day(row.booked_day), standing);
        }
        Fact::PlaceHour(row) => {
            let key = oracle::PlaceHour {
                partition,
                province: row.province.clone(),
                cohort: row.cohort.clone(),
                usage_day: day(row.usage_day),
                hour: row.hour,
                class: class(row.class),
                booked_day: day(row.booked_day),
            };
            let bytes = oracle::UpDown {
                up: row.uplink_bytes,
                down: row.downlink_bytes,
            };
            found.place_hour.insert(key, bytes);
        }
        Fact::OutcomeDay(row) => {
            let key = oracle::OutcomeDay {
                partition,
                feed: Feed(row.feed.bytes()),
                booked_day: day(row.booked_day),
                outcome: outcome(row.outcome),
                reason: row.outcome.reason().into(),
            };
            found
                .outcome_day
                .insert(key, rows(row.records, row.bytes).into());
        }
        Fact::FlagDay(row) => {
            let key = oracle::FlagDay {
                partition,
                feed: Feed(row.feed.bytes()),
                booked_day: day(row.booked_day),
                flag: row.flag.as_str().into(),
            };
            found
                .flag_day
                .insert(key, rows(row.records, row.bytes).into());
        }
        Fact::Assignment(row) => {
            let key = oracle::AssignmentKey {
                sim: Pseudonym(row.sim.0),
                valid_from: day(row.valid_from),
                booked_day: day(row.booked_day),
            };
            let assignment = oracle::AssignmentRow {
                cohort: row.cohort.clone(),
                place: place(&row.place),
                valid_until: row.valid_until.map(day),
                revision: row.revision,
            };
            found.assignments.insert(key, assignment);
        }
        // Decisions are compared as they were sent.
        Fact::Decision(_) => {}
    }
}

fn rows(records: u64, bytes: u64) -> oracle::Rows {
    oracle::Rows { records, bytes }
}

fn place(place: &Place) -> BTreeMap<String, String> {
    let names = [
        ("school", &place.school),
        ("commune", &place.commune),
        ("province", &place.province),
        ("region", &place.region),
        ("milieu", &place.milieu),
    ];
    names
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect()
}

fn day(of: Date) -> Day {
    // Dates are of the years 1970 to 8999.
    Day((of.duration_since(date(1970, 1, 1)).as_hours() / 24) as i32)
}

fn class(of: Class) -> oracle::Class {
    match of {
        Class::Education => oracle::Class::Education,
        Class::System => oracle::Class::System,
        Class::Other => oracle::Class::Other,
        Class::Unknown => oracle::Class::Unknown,
    }
}

fn outcome(of: hissa_core::outcome::Outcome) -> oracle::Outcome {
    use hissa_core::outcome::Outcome;
    match of {
        Outcome::Counted => oracle::Outcome::Counted,
        Outcome::Late => oracle::Outcome::Late,
        Outcome::Held => oracle::Outcome::Held,
        Outcome::Duplicate => oracle::Outcome::Duplicate,
        Outcome::Quarantined(_) => oracle::Outcome::Quarantined,
        Outcome::Rejected(_) => oracle::Outcome::Rejected,
    }
}

fn decision(of: &Decision) -> oracle::Decision {
    oracle::Decision {
        generation: of.generation,
        partition: of.partition,
        number: of.number,
        sim: Pseudonym(of.sim.0),
        class: class(of.class),
        action: of.action.as_str().into(),
        kbit_s: match of.action {
            Action::Throttle { kbit_s } => Some(kbit_s),
            Action::Allow | Action::Block => None,
        },
        sequence: of.sequence,
        reason: of.reason.as_str().into(),
        cohort: of.cohort.clone(),
        cycle: day(of.cycle),
        allowance: oracle::Standing {
            id: of.allowance.id.clone(),
            limit_bytes: of.allowance.limit_bytes,
            granted_bytes: of.allowance.granted_bytes,
            used_bytes: of.allowance.used_bytes,
        },
        effective_at_ms: of.effective_at_ms,
        apply_after_ms: of.apply_after_ms,
        until_ms: of.until_ms,
        policy_version: of.policy_version.clone(),
        catalogue_version: of.catalogue_version.clone(),
        offset: of.offset,
        cause: of.cause.as_ref().map(cause),
    }
}

fn cause(of: &Cause) -> oracle::Cause {
    oracle::Cause {
        offset: of.offset,
        row: of.row,
        feed: Feed(of.source.feed.bytes()),
        epoch: of.source.epoch,
        partition: of.source.partition,
        source_position: oracle::SourcePosition {
            offset: of.source_position.offset,
            row: of.source_position.row,
        },
        record: oracle::RecordName {
            node: of.record.node.clone(),
            charging_id: of.record.charging_id,
            record_sequence: of.record.record_sequence,
            opened_at_ms: of.record.opened_at_ms,
            rating_group: of.record.rating_group,
            service_id: of.record.service_id,
            container_sequence: of.record.container_sequence,
        },
    }
}

fn alert(of: &AlertChange) -> oracle::AlertChange {
    // As it goes out; no subject fails to be JSON.
    let mut subject = serde_json::to_value(&of.subject).unwrap_or_default();
    oracle::AlertChange {
        generation: of.generation,
        partition: of.partition,
        id: of.id.clone(),
        revision: of.revision.into(),
        change: match of.change {
            Change::Fire => "fire".into(),
            Change::Update => "update".into(),
            Change::Resolve => "resolve".into(),
        },
        at_ms: of.at_ms,
        on: day(of.on),
        offset: of.offset,
        policy_version: of.policy_version.clone(),
        catalogue_version: of.catalogue_version.clone(),
        cause: of.cause.as_ref().map(cause),
        kind: of.subject.kind().as_str().into(),
        details: subject["details"].take(),
    }
}
