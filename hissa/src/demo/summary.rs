//! What the demo says in the end: for people, and as one line for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hissa_carrier::Scenario;
use hissa_core::decision::Decision;
use hissa_notify::receiver::{Received, Tally};
use serde::Serialize;

use super::compare::Comparison;
use super::live::{thousands, whole};
use super::questions::{Answer, Tablet};
use crate::console::Console;

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
    pub decisions: BTreeMap<String, BTreeMap<String, u64>>,
    pub alerts: Tally,
    pub first_messages: Vec<Received>,
    pub answers: Vec<Answer>,
    pub worth_a_look: Vec<Tablet>,
    /// What `hissa explain` says of the first of them.
    pub explained: String,
}

/// Decisions counted by class and action.
pub fn by_class_and_action<'a>(
    decisions: impl Iterator<Item = &'a Decision>,
) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut counts: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for decision in decisions {
        let of_class = counts.entry(decision.class.as_str().into()).or_default();
        *of_class.entry(decision.action.as_str().into()).or_default() += 1;
    }
    counts
}

#[derive(Serialize)]
struct Json<'a> {
    received: u64,
    outcomes: &'a BTreeMap<String, u64>,
    balanced: bool,
    equals_truth: bool,
    decisions: &'a BTreeMap<String, BTreeMap<String, u64>>,
    alerts: Alerts,
    seconds: f64,
    rows_per_second: u64,
    steady_rows_per_second: Option<u64>,
    set_up_seconds: f64,
    comparisons: &'a [Comparison],
    broken: &'a [String],
}

#[derive(Serialize)]
struct Alerts {
    fired: u64,
    resolved: u64,
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

    /// The rate after the warm-up, the last flush counted in.
    fn steady_rows_per_second(&self) -> Option<u64> {
        let warm = self.pace.warm.as_ref()?;
        Some(rate(
            self.received.saturating_sub(warm.rows_before),
            warm.seconds,
        ))
    }

    /// One object for machines.
    pub fn json(&self) -> impl Serialize {
        Json {
            received: self.received,
            outcomes: &self.outcomes,
            balanced: self.is_balanced(),
            equals_truth: self.equals_truth(),
            decisions: &self.decisions,
            alerts: Alerts {
                fired: self.alerts.fired,
                resolved: self.alerts.resolved,
            },
            seconds: tenths(self.pace.seconds),
            rows_per_second: self.rows_per_second(),
            steady_rows_per_second: self.steady_rows_per_second(),
            set_up_seconds: tenths(self.pace.set_up_seconds),
            comparisons: &self.comparisons,
            broken: &self.broken,
        }
    }

    /// Lines for people.
    pub fn text(&self, scenario: &Scenario, console: &Console) -> String {
        let (strong, good, bad, off) = match console.colours.0 {
            true => ("\u{1b}[1m", "\u{1b}[32m", "\u{1b}[1;31m", "\u{1b}[0m"),
            false => ("", "", "", ""),
        };
        let verdict = |right: bool| {
            if right {
                format!("{good}yes{off}")
            } else {
                format!("{bad}NO{off}")
            }
        };
        let mut text = format!(
            "\n{strong}Synthetic programme, seed {}, fed {} to {}{off}\n",
            scenario.seed, scenario.from, scenario.fed_to
        );
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        line(format!(
            "set-up {:.1} s; {} rows in {:.1} s, {} rows/s from the carrier's topic to ClickHouse",
            self.pace.set_up_seconds,
            thousands(self.received),
            self.pace.seconds,
            thousands(self.rows_per_second())
        ));
        if let Some(steady) = self.steady_rows_per_second() {
            line(format!(
                "after the warm-up, the last flush counted in: {} rows/s",
                thousands(steady)
            ));
        }
        line(format!("\n{strong}Outcomes of the feed{off}"));
        for (outcome, rows) in &self.outcomes {
            line(format!("  {outcome:<12} {:>11}", thousands(*rows)));
        }
        line(format!(
            "  {:<12} {:>11}   in balance with what was received: {}",
            "together",
            thousands(self.outcomes.values().sum()),
            verdict(self.is_balanced())
        ));
        line(format!(
            "\n{strong}Against truth.json{off}: equal: {}",
            verdict(self.equals_truth())
        ));
        for comparison in &self.comparisons {
            let mark = if comparison.differences == 0 {
                format!("{good}={off}")
            } else {
                format!("{bad}≠{off}")
            };
            line(format!(
                "  {mark} {} {}",
                thousands(comparison.expected as u64),
                comparison.what
            ));
            if let Some(first) = &comparison.first {
                line(format!(
                    "      {} differ (found {}); the first: {first}",
                    comparison.differences, comparison.found
                ));
            }
        }
        for broken in self.broken.iter().take(5) {
            line(format!("  {bad}!{off} {broken}"));
        }
        line(format!("\n{strong}Decisions{off}"));
        for (class, actions) in &self.decisions {
            let actions: Vec<String> = actions
                .iter()
                .map(|(action, count)| format!("{action} {}", thousands(*count)))
                .collect();
            line(format!("  {class:<10} {}", actions.join(", ")));
        }
        line(format!(
            "\n{strong}Alerts{off}: {} fired, {} resolved, delivered with valid signatures; the first:",
            thousands(self.alerts.fired),
            thousands(self.alerts.resolved)
        ));
        for message in &self.first_messages {
            line(format!("  {}", message.body.data.text.fr));
        }
        for answer in &self.answers {
            line(format!("\n{strong}{}{off}", answer.question));
            answer
                .lines
                .iter()
                .for_each(|answer| line(format!("  {answer}")));
        }
        line(format!("\n{strong}Tablets worth a look{off}"));
        for tablet in &self.worth_a_look {
            line(format!("  {:<8} {}", tablet.asset_tag, tablet.why));
        }
        if let Some(tablet) = self.worth_a_look.first() {
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "\n{strong}$ hissa explain {}{off}\n{}",
                tablet.asset_tag, self.explained
            );
        }
        text
    }
}

/// A rate for people; a fraction of a row does not matter.
fn rate(rows: u64, seconds: f64) -> u64 {
    whole(rows as f64 / seconds.max(0.001))
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}
