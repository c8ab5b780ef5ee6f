//! What the demo says in the end: for people, and as one line for machines.

mod text;

use std::collections::BTreeMap;

use hissa_core::alert::{AlertChange, Change};
use hissa_core::decision::Decision;
use hissa_notify::receiver::Received;
use serde::Serialize;

use super::compare::Comparison;
use super::delivery::Changes;
use super::live::whole;
use super::questions::{Answer, Tablet};

/// How long it took.
pub struct Pace {
    pub set_up_seconds: f64,
    /// From the begin of the feed (or, where that was written before, of the services) until its last row was in
    /// ClickHouse.
    pub seconds: f64,
    /// None for a feed that ends before it is warm.
    pub warm: Option<Warm>,
}

/// The time after the warm-up.
pub struct Warm {
    /// Rows that had passed by then.
    pub rows_before: u64,
    pub seconds: f64,
}

/// Everything that is said.
pub struct Summary {
    pub pace: Pace,
    /// Rows that ingest published, by its own books.
    pub received: u64,
    pub outcomes: BTreeMap<String, u64>,
    pub comparisons: Vec<Comparison>,
    /// Broken invariants of the topics.
    pub broken: Vec<String>,
    pub decisions: Counts,
    /// Delivered with valid signatures.
    pub alerts: Changes,
    pub alerts_by_kind: Counts,
    /// Rows by flag.
    pub flags: BTreeMap<String, u64>,
    pub first_messages: Vec<Received>,
    pub answers: Vec<Answer>,
    pub worth_a_look: Vec<Tablet>,
    /// What `hissa explain` says of the first of them.
    pub explained: String,
}

/// Numbers by two words.
pub type Counts = BTreeMap<String, BTreeMap<String, u64>>;

/// Decisions counted by class and action.
pub fn by_class_and_action<'a>(decisions: impl Iterator<Item = &'a Decision>) -> Counts {
    count(decisions.map(|d| (d.class.as_str(), d.action.as_str())))
}

/// Changes of alerts counted by kind and what happened.
pub fn by_kind_and_change<'a>(alerts: impl Iterator<Item = &'a AlertChange>) -> Counts {
    let change = |alert: &AlertChange| match alert.change {
        Change::Fire => "fired",
        Change::Update => "updated",
        Change::Resolve => "resolved",
    };
    count(alerts.map(|alert| (alert.subject.kind().as_str(), change(alert))))
}

fn count<'a>(words: impl Iterator<Item = (&'a str, &'a str)>) -> Counts {
    let mut counts = Counts::new();
    for (first, second) in words {
        let of_first = counts.entry(first.into()).or_default();
        *of_first.entry(second.into()).or_default() += 1;
    }
    counts
}

#[derive(Serialize)]
struct Json<'a> {
    received: u64,
    outcomes: &'a BTreeMap<String, u64>,
    balanced: bool,
    equals_truth: bool,
    flags: &'a BTreeMap<String, u64>,
    decisions: &'a Counts,
    alerts: Alerts<'a>,
    seconds: f64,
    rows_per_second: u64,
    steady_rows_per_second: Option<u64>,
    set_up_seconds: f64,
    comparisons: &'a [Comparison],
    broken: &'a [String],
}

#[derive(Serialize)]
struct Alerts<'a> {
    fired: u64,
    updated: u64,
    resolved: u64,
    by_kind: &'a Counts,
}

impl Summary {
    /// Whether every row has its one outcome.
    pub fn is_balanced(&self) -> bool {
        self.received == self.outcomes.values().sum::<u64>()
    }

    /// Whether all that was compared is equal, and no invariant is broken.
    pub fn equals_truth(&self) -> bool {
        self.broken.is_empty()
            && self
                .comparisons
                .iter()
                .all(|comparison| comparison.differences == 0)
    }

    /// Whether all is as it should be.
    pub fn is_right(&self) -> bool {
        self.is_balanced() && self.equals_truth()
    }

    fn rows_per_second(&self) -> u64 {
        rate(self.received, self.pace.seconds)
    }

    /// The rate after the warm-up, the last flush counted in; none for a feed that ends with the warm-up.
    fn steady_rows_per_second(&self) -> Option<u64> {
        let warm = self.pace.warm.as_ref()?;
        let rows = self.received.saturating_sub(warm.rows_before);
        (rows > warm.rows_before).then(|| rate(rows, warm.seconds))
    }

    /// One object for machines.
    pub fn json(&self) -> impl Serialize {
        Json {
            received: self.received,
            outcomes: &self.outcomes,
            balanced: self.is_balanced(),
            equals_truth: self.equals_truth(),
            flags: &self.flags,
            decisions: &self.decisions,
            alerts: Alerts {
                fired: self.alerts.fired,
                updated: self.alerts.updated,
                resolved: self.alerts.resolved,
                by_kind: &self.alerts_by_kind,
            },
            seconds: tenths(self.pace.seconds),
            rows_per_second: self.rows_per_second(),
            steady_rows_per_second: self.steady_rows_per_second(),
            set_up_seconds: tenths(self.pace.set_up_seconds),
            comparisons: &self.comparisons,
            broken: &self.broken,
        }
    }
}

/// A rate for people; a fraction of a row does not matter.
fn rate(rows: u64, seconds: f64) -> u64 {
    whole(rows as f64 / seconds.max(0.001))
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
