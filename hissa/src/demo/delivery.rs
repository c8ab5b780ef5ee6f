//! Alerts to the demo's receiver: every change that stands on the topic has to come to it.

use std::time::{Duration, Instant};

use anyhow::bail;
use hissa_carrier::Truth;
use hissa_core::alert::Change;
use hissa_notify::receiver::Tally;

use super::Running;
use super::compare::TopicFindings;
use crate::console::Console;

/// No message for so long: no more will come.
const PATIENCE: Duration = Duration::from_secs(45);

/// Changes of alerts by what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub fired: u64,
    pub updated: u64,
    pub resolved: u64,
}

impl Changes {
    /// Those that the truth is sure of: of an hour with conflicts it does not know in how many partitions they were.
    pub fn at_least(truth: &Truth) -> Changes {
        let (fired, resolved) = truth.alerts_fired_and_resolved();
        Changes {
            fired: fired + truth.conflicts.len() as u64,
            updated: 0,
            resolved,
        }
    }

    /// Those on the topic.
    pub fn on_topic(topics: &TopicFindings) -> Changes {
        let mut changes = Changes::default();
        for alert in topics.alerts.values() {
            match alert.change {
                Change::Fire => changes.fired += 1,
                Change::Update => changes.updated += 1,
                Change::Resolve => changes.resolved += 1,
            }
        }
        changes
    }

    /// Those that were delivered.
    pub fn delivered(tally: &Tally) -> Changes {
        Changes {
            fired: tally.fired,
            updated: tally.updated,
            resolved: tally.resolved,
        }
    }

    fn have_come(self, tally: &Tally) -> bool {
        tally.fired >= self.fired
            && tally.updated >= self.updated
            && tally.resolved >= self.resolved
    }
}

/// Waits until the receiver has so many messages, as long as more come.
///
/// # Errors
/// A service has failed.
pub async fn wait(running: &Running, wanted: Changes, console: &Console) -> anyhow::Result<()> {
    let enough = |tally: &Tally| wanted.have_come(tally);
    let (mut last, mut moved) = (running.receiver.tally(), Instant::now());
    while !enough(&running.receiver.tally()) && moved.elapsed() < PATIENCE {
        let waited = tokio::time::timeout(Duration::from_secs(1), running.receiver.until(enough));
        // Either all is there, or a second is over.
        let _ = waited.await;
        let now = running.receiver.tally();
        if now != last {
            (last, moved) = (now, Instant::now());
        }
        if let Some(why) = running.services.failed() {
            bail!("{why}");
        }
    }
    if !enough(&running.receiver.tally()) {
        console.remark("no more alerts come, though some are missing");
    }
    Ok(())
}
