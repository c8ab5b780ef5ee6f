//! Comparison by equality: the first differences of each table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Debug};

use crate::day::Day;
use crate::findings::{CycleRow, Findings, LastRow, Traced};
use crate::names::Pseudonym;
use crate::said::AlertChange;

/// How many differences of one table are told.
pub const DIFFERENCES_PER_TABLE: usize = 10;

/// One difference between what was expected and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Which SIM, day, record, decision or alert.
    pub key: String,
    /// What the rules say, if anything.
    pub expected: Option<String>,
    /// What is there, if anything.
    pub found: Option<String>,
    /// The carrier's row that was added last, to the row of the table or else to its SIM, where it is known.
    pub last: Option<LastRow>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = || "nothing".to_owned();
        writeln!(f, "{}: {}", self.table, self.key)?;
        writeln!(
            f,
            "  expected {}",
            self.expected.clone().unwrap_or_else(nothing)
        )?;
        write!(
            f,
            "  found    {}",
            self.found.clone().unwrap_or_else(nothing)
        )?;
        if let Some(last) = self.last {
            write!(f, "\n  last row {last}")?;
        }
        Ok(())
    }
}

/// All differences, at most [`DIFFERENCES_PER_TABLE`] of each table, each table's first ones.
pub fn compare(expected: &Findings, found: &Findings) -> Vec<Difference> {
    let mut all = Vec::new();
    decisions(expected, found, &mut all);
    alerts(expected, found, &mut all);
    traced("sim_day", &expected.sim_day, &found.sim_day, &mut all);
    traced(
        "outcome_day",
        &expected.outcome_day,
        &found.outcome_day,
        &mut all,
    );
    traced("flag_day", &expected.flag_day, &found.flag_day, &mut all);
    table(
        "place_hour",
        &expected.place_hour,
        &found.place_hour,
        &mut all,
    );
    with_last(
        "sim_cycle",
        &each_day(expected, found),
        &each_day(found, expected),
        |(cycle, day), _| last_of(expected, cycle.sim, *day),
        &mut all,
    );
    with_last(
        "assignment",
        &expected.assignments,
        &found.assignments,
        |key, _| last_of(expected, key.sim, key.booked_day),
        &mut all,
    );
    let listed = |findings: &Findings| findings.discrepancies.iter().cloned().enumerate().collect();
    table("discrepancy", &listed(expected), &listed(found), &mut all);
    all
}

fn table<K: Ord + Debug, V: PartialEq + Debug>(
    name: &'static str,
    expected: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
    all: &mut Vec<Difference>,
) {
    with_last(name, expected, found, |_, _| None, all);
}

fn traced<K: Ord + Debug, V: PartialEq + Debug>(
    name: &'static str,
    expected: &BTreeMap<K, Traced<V>>,
    found: &BTreeMap<K, Traced<V>>,
    all: &mut Vec<Difference>,
) {
    with_last(name, expected, found, |_, cell| cell.last, all);
}

fn with_last<K: Ord + Debug, V: PartialEq + Debug>(
    name: &'static str,
    expected: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
    last: impl Fn(&K, &V) -> Option<LastRow>,
    all: &mut Vec<Difference>,
) {
    let keys: BTreeSet<&K> = expected.keys().chain(found.keys()).collect();
    let differing = keys
        .into_iter()
        .filter(|&key| expected.get(key) != found.get(key));
    all.extend(differing.take(DIFFERENCES_PER_TABLE).map(|key| {
        let (one, other) = (expected.get(key), found.get(key));
        Difference {
            table: name,
            key: format!("{key:?}"),
            expected: one.map(|value| format!("{value:?}")),
            found: other.map(|value| format!("{value:?}")),
            last: [one, other]
                .into_iter()
                .flatten()
                .find_map(|value| last(key, value)),
        }
    }));
}

/// The carrier's row that was added last to a SIM's usage, up to a booked day.
fn last_of(findings: &Findings, sim: Pseudonym, until: Day) -> Option<LastRow> {
    let rows = findings.sim_day.iter();
    let of_sim = rows.filter(|(key, _)| key.sim == sim && key.booked_day <= until);
    let known = of_sim.filter_map(|(key, cell)| Some((key.booked_day, cell.last?)));
    let last = known.max_by_key(|(day, row)| (*day, row.offset));
    last.map(|(_, row)| row)
}

fn decisions(expected: &Findings, found: &Findings, all: &mut Vec<Difference>) {
    let numbered = |findings: &Findings| {
        let of = |(&partition, list): (&u16, &Vec<_>)| -> Vec<_> {
            list.iter()
                .cloned()
                .enumerate()
                .map(|(place, decision)| ((partition, place + 1), decision))
                .collect()
        };
        findings
            .decisions
            .iter()
            .flat_map(of)
            .collect::<BTreeMap<_, _>>()
    };
    table("decision", &numbered(expected), &numbered(found), all);
}

/// Alert changes by partition and alert, in the order of their revisions.
fn alerts(expected: &Findings, found: &Findings, all: &mut Vec<Difference>) {
    let by_alert = |findings: &Findings| {
        let mut changes: BTreeMap<(u16, String, u64, u64), AlertChange> = BTreeMap::new();
        for (&partition, list) in &findings.alerts {
            for change in list {
                // Two changes of one revision must not hide each other.
                let again = |again: &u64| {
                    changes.contains_key(&(partition, change.id.clone(), change.revision, *again))
                };
                let again = (0..).find(|place| !again(place)).unwrap_or(u64::MAX);
                changes.insert(
                    (partition, change.id.clone(), change.revision, again),
                    change.clone(),
                );
            }
        }
        changes
    };
    table("alert", &by_alert(expected), &by_alert(found), all);
}

type Booked = (crate::findings::SimCycle, Day);

/// What stood in `sim_cycle` at or before each booked day on which either side says something.
fn each_day(findings: &Findings, other: &Findings) -> BTreeMap<Booked, CycleRow> {
    let mut rows = BTreeMap::new();
    for (key, days) in &findings.sim_cycle {
        let others = other
            .sim_cycle
            .get(key)
            .into_iter()
            .flat_map(BTreeMap::keys);
        for &day in days.keys().chain(others) {
            if let Some((_, row)) = days.range(..=day).next_back() {
                rows.insert((key.clone(), day), row.clone());
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{Bytes, SimCycle, SimDay};
    use crate::names::Class;

    fn row(used: u64) -> CycleRow {
        CycleRow {
            limit: 10,
            granted: 0,
            used,
            state: "within".to_owned(),
            thresholds: vec![],
        }
    }

    fn cycles(rows: &[(i32, u64)]) -> Findings {
        let key = SimCycle {
            sim: Pseudonym([1; 16]),
            cycle_start: Day(0),
            allowance: "e".to_owned(),
        };
        let days = rows
            .iter()
            .map(|&(day, used)| (Day(day), row(used)))
            .collect();
        Findings {
            sim_cycle: BTreeMap::from([(key, days)]),
            ..Findings::default()
        }
    }

    #[test]
    fn a_row_that_was_touched_without_a_change_is_no_difference() {
        assert_eq!(
            compare(
                &cycles(&[(1, 5), (3, 7)]),
                &cycles(&[(1, 5), (2, 5), (3, 7), (4, 7)])
            ),
            []
        );
        assert_eq!(
            compare(&cycles(&[(1, 5), (3, 7)]), &cycles(&[(1, 5), (2, 7)])).len(),
            1
        );
        assert_eq!(compare(&cycles(&[(1, 5)]), &cycles(&[(2, 5)])).len(), 1);
    }

    #[test]
    fn a_difference_tells_the_sim_the_day_and_the_record() {
        let key = SimDay {
            sim: Pseudonym([0xab; 16]),
            usage_day: Day(0),
            class: Class::Education,
            service: "s".to_owned(),
            booked_day: Day(1),
        };
        let last = LastRow {
            feed: "pgw-1".parse().unwrap(),
            epoch: 1,
            partition: 0,
            offset: 7,
            row: 2,
        };
        let cell = Traced {
            cell: Bytes {
                up: 1,
                down: 2,
                records: 1,
            },
            last: Some(last),
        };
        let expected = Findings {
            sim_day: BTreeMap::from([(key, cell)]),
            ..Findings::default()
        };
        let names_all = |expected: &Findings| {
            let differences = compare(expected, &Findings::default());
            let text = differences.last().unwrap().to_string();
            assert!(
                text.contains(&"ab".repeat(16)) && text.contains("pgw-1/1/0, offset 7, row 2"),
                "{text}"
            );
            assert_eq!(compare(expected, expected), []);
        };
        names_all(&expected);
        // A balance itself knows no rows: that is told which its SIM had last until then.
        let cycle = SimCycle {
            sim: Pseudonym([0xab; 16]),
            cycle_start: Day(0),
            allowance: "e".to_owned(),
        };
        let days = BTreeMap::from([(Day(1), row(3))]);
        names_all(&Findings {
            sim_cycle: BTreeMap::from([(cycle, days)]),
            ..expected
        });
    }

    #[test]
    fn findings_go_to_json_and_back() {
        let findings = cycles(&[(1, 5)]);
        let json = serde_json::to_value(&findings).unwrap();
        assert_eq!(serde_json::from_value::<Findings>(json).unwrap(), findings);
    }
}
