//! What Hissa found, against what the make-believe carrier knows: equality, of everything.
//!
//! Both sides become sorted lists under the same keys; the first difference is named. SIMs are compared by pseudonym.

mod alerts;
mod decisions;
mod facts;
mod medians;
mod topics;

use std::collections::HashMap;
use std::fmt::Debug;

use clickhouse::Client;
use hissa_carrier::truth::Truth;
use hissa_core::pseudonym::Pseudonymizer;
use hissa_core::sim::{Imsi, SimId};
use hissa_links::kafka::KafkaLink;

pub use alerts::delivered;
pub use topics::TopicFindings;

/// One thing that was compared.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Comparison {
    /// What was compared, in words for people.
    pub what: &'static str,
    /// How many entries the truth has.
    pub expected: usize,
    /// How many entries Hissa has.
    pub found: usize,
    /// How many entries differ, are missing, or are too many.
    pub differences: usize,
    /// The first of them.
    pub first: Option<String>,
}

impl Comparison {
    /// Compares two lists under keys; each key stands once on each side.
    fn of<K: Ord + Debug, V: PartialEq + Debug>(
        what: &'static str,
        mut expected: Vec<(K, V)>,
        mut found: Vec<(K, V)>,
    ) -> Comparison {
        expected.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let (mut differences, mut first) = (0, None);
        let mut differ = |key: &K, expected: Option<&V>, found: Option<&V>| {
            differences += 1;
            first.get_or_insert_with(|| format!("{key:?}: expected {expected:?}, found {found:?}"));
        };
        let (mut left, mut right) = (expected.iter().peekable(), found.iter().peekable());
        loop {
            match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some((ours, value)), Some((theirs, other))) if ours == theirs => {
                    if value != other {
                        differ(ours, Some(value), Some(other));
                    }
                    left.next();
                    right.next();
                }
                (Some((ours, value)), other) if other.is_none_or(|(theirs, _)| ours < theirs) => {
                    differ(ours, Some(value), None);
                    left.next();
                }
                (_, Some((theirs, other))) => {
                    differ(theirs, None, Some(other));
                    right.next();
                }
                (Some(_), None) => {
                    unreachable!("the arm above takes what stands on the left alone")
                }
            }
        }
        Comparison {
            what,
            expected: expected.len(),
            found: found.len(),
            differences,
            first,
        }
    }
}

/// Pseudonyms of the truth's IMSIs.
struct Names<'a> {
    key: &'a Pseudonymizer,
    known: HashMap<hissa_carrier::population::Imsi, SimId>,
}

impl<'a> Names<'a> {
    fn new(key: &'a Pseudonymizer) -> Names<'a> {
        Names {
            key,
            known: HashMap::new(),
        }
    }

    fn sim(&mut self, imsi: hissa_carrier::population::Imsi) -> SimId {
        *self
            .known
            .entry(imsi)
            .or_insert_with(|| match Imsi::parse(&imsi.to_string()) {
                Ok(imsi) => self.key.sim(&imsi),
                // A truth with such an IMSI is broken; no SIM has this pseudonym, so that it shows as a difference.
                Err(_) => SimId([0; 16]),
            })
    }
}

/// Compares all of it.
///
/// # Errors
/// Kafka or ClickHouse does not answer.
pub async fn everything(
    truth: &Truth,
    key: &Pseudonymizer,
    kafka: &KafkaLink,
    clickhouse: &Client,
) -> anyhow::Result<(Vec<Comparison>, TopicFindings)> {
    let mut names = Names::new(key);
    let mut comparisons = vec![
        facts::sim_days(truth, &mut names, clickhouse).await?,
        facts::outcomes(truth, clickhouse).await?,
        facts::flags(truth, clickhouse).await?,
        facts::place_hours(truth, clickhouse).await?,
        facts::balances(truth, &mut names, clickhouse).await?,
        medians::province_medians(truth, clickhouse).await?,
    ];
    let link = kafka.clone();
    let topics = tokio::task::spawn_blocking(move || topics::read(&link)).await??;
    comparisons.extend([
        decisions::decisions(truth, &mut names, &topics),
        decisions::orders_in_force(truth, &topics),
        decisions::in_clickhouse(&topics, clickhouse).await?,
        alerts::about_sims(truth, &mut names, &topics),
        alerts::conflicts(truth, &topics),
    ]);
    Ok((comparisons, topics))
}

/// A word of either side's vocabulary, as its JSON has it.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|json| json.as_str().map(str::to_owned))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lists_have_no_difference_whatever_their_order() {
        let comparison = Comparison::of(
            "letters",
            vec![(1, 'a'), (2, 'b')],
            vec![(2, 'b'), (1, 'a')],
        );
        assert_eq!((comparison.differences, comparison.first), (0, None));
    }

    #[test]
    fn missing_changed_and_additional_entries_are_counted_and_the_first_is_named() {
        let comparison = Comparison::of(
            "letters",
            vec![(1, 'a'), (2, 'b'), (3, 'c')],
            vec![(2, 'x'), (3, 'c'), (4, 'd')],
        );
        assert_eq!(comparison.differences, 3);
        assert_eq!(
            comparison.first.as_deref(),
            Some("1: expected Some('a'), found None")
        );
    }
}
