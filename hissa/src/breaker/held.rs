//! What is held, by the alerts that say so.

use std::collections::BTreeMap;

use hissa_core::alert::{AlertChange, Change, Subject};
use hissa_core::registry::Class;
use hissa_links::LinkError;
use hissa_links::kafka::KafkaLink;
use hissa_links::topics::ALERTS;
use hissa_links::whole;
use jiff::tz::TimeZone;
use rdkafka::Message as _;
use serde::Serialize;

use crate::figures::local;

/// Orders of a class of a cohort, over all partitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    pub cohort: String,
    pub class: Class,
    /// SIMs whose order is held, as far as the alerts tell: they follow at midnights.
    pub held: u64,
    /// The partitions whose breaker is tripped.
    pub partitions: u64,
    /// When the first of them tripped (UTC milliseconds).
    pub since_ms: i64,
}

/// Reads `hissa.alerts` to its end. Blocking.
///
/// # Errors
/// Kafka does not answer, or there is no such topic yet.
pub fn read(link: &KafkaLink) -> Result<Vec<Held>, LinkError> {
    let mut open = Open::default();
    whole::read(link, "breaker", ALERTS, |message| {
        let change = message
            .payload()
            .and_then(|payload| serde_json::from_slice::<AlertChange>(payload).ok());
        if let Some(change) = change {
            open.note(change);
        }
    })?;
    Ok(open.held())
}

/// The alerts about held orders: by id, the last revision, and when it fired.
#[derive(Default)]
struct Open {
    last: BTreeMap<String, (AlertChange, i64)>,
}

impl Open {
    fn note(&mut self, change: AlertChange) {
        if !matches!(change.subject, Subject::OrdersHeld(_)) {
            return;
        }
        match self.last.get_mut(&change.id) {
            // Emitted again after a restart it is the same revision.
            Some((last, _)) if change.revision <= last.revision => {}
            Some((last, _)) => *last = change,
            None => {
                let fired_ms = change.at_ms;
                self.last.insert(change.id.clone(), (change, fired_ms));
            }
        }
    }

    /// Summed over partitions; what is resolved is left out.
    fn held(&self) -> Vec<Held> {
        let mut sums: BTreeMap<(&str, Class), Held> = BTreeMap::new();
        for (change, fired_ms) in self.last.values() {
            let Subject::OrdersHeld(orders) = &change.subject else {
                continue;
            };
            if change.change == Change::Resolve {
                continue;
            }
            let sum = sums
                .entry((&orders.cohort, orders.class))
                .or_insert_with(|| Held {
                    cohort: orders.cohort.clone(),
                    class: orders.class,
                    held: 0,
                    partitions: 0,
                    since_ms: *fired_ms,
                });
            sum.held += orders.held;
            sum.partitions += 1;
            sum.since_ms = sum.since_ms.min(*fired_ms);
        }
        sums.into_values().collect()
    }
}

/// One line each.
pub fn text(held: &[Held], zone: &TimeZone) -> String {
    if held.is_empty() {
        return "no orders are held\n".into();
    }
    let lines = held.iter().map(|held| {
        let partitions = match held.partitions {
            1 => "1 partition".to_owned(),
            many => format!("{many} partitions"),
        };
        format!(
            "{}: {} of {} SIMs held since {}, in {partitions}\n",
            held.cohort,
            held.class.as_str(),
            held.held,
            local(held.since_ms, zone, true)
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use hissa_core::alert::OrdersHeld;

    use super::*;

    fn change(partition: u16, trip: u32, revision: u32, change: Change, held: u64) -> AlertChange {
        AlertChange {
            generation: 1,
            partition,
            id: format!("OrdersHeld/pilote-rural/other/{partition}/{trip}"),
            revision,
            change,
            at_ms: 1_771_787_040_000 + i64::from(revision) * 3_600_000,
            on: "2026-02-22".parse().unwrap(),
            offset: 7,
            policy_version: "1".into(),
            catalogue_version: "1".into(),
            rule: String::new(),
            cause: None,
            subject: Subject::OrdersHeld(OrdersHeld {
                cohort: "pilote-rural".into(),
                class: Class::Other,
                held,
            }),
        }
    }

    #[test]
    fn what_is_held_is_summed_over_partitions_and_resolved_alerts_are_left_out() {
        let mut open = Open::default();
        for change in [
            change(1, 1, 1, Change::Fire, 30),
            change(1, 1, 2, Change::Update, 45),
            // Again, from before.
            change(1, 1, 1, Change::Fire, 30),
            change(3, 1, 1, Change::Fire, 12),
            change(4, 1, 1, Change::Fire, 99),
            change(4, 1, 2, Change::Resolve, 99),
            change(4, 2, 1, Change::Fire, 1),
        ] {
            open.note(change);
        }
        insta::assert_snapshot!(text(&open.held(), &TimeZone::UTC), @"pilote-rural: other of 58 SIMs held since 2026-02-22 20:04 (+00), in 3 partitions");
        assert_eq!(text(&[], &TimeZone::UTC), "no orders are held\n");
    }
}
