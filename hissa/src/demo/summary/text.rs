//! The summary in lines for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hissa_carrier::Scenario;

use super::super::live::thousands;
use super::Summary;
use crate::console::Console;

impl Summary {
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
            line(format!("  {class:<10} {}", counted(actions)));
        }
        line(format!("\n{strong}Flags of rows{off}"));
        line(format!("  {}", counted(&self.flags)));
        line(format!(
            "\n{strong}Alerts{off}: {} fired, {} updated, {} resolved, delivered with valid signatures",
            thousands(self.alerts.fired),
            thousands(self.alerts.updated),
            thousands(self.alerts.resolved)
        ));
        for (kind, changes) in &self.alerts_by_kind {
            line(format!("  {kind:<15} {}", counted(changes)));
        }
        line("the first:".into());
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

/// Words with their numbers.
fn counted(counts: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> = counts
        .iter()
        .map(|(word, count)| format!("{word} {}", thousands(*count)))
        .collect();
    counts.join(", ")
}
