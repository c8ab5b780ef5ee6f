//! Whether a service is alive and ready, part by part.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The health of a service; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    parts: Arc<Mutex<BTreeMap<String, State>>>,
}

/// What a part says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ready,
    /// It waits for something, and is expected to come.
    Waiting(String),
    /// It has failed, and does not come back by itself.
    Failed(String),
}

/// A part's own handle.
#[derive(Clone, Debug)]
pub struct Part {
    health: Health,
    name: String,
}

impl Health {
    /// Without parts: alive and ready.
    pub fn new() -> Health {
        Health::default()
    }

    /// Adds a part, which waits to start.
    pub fn part(&self, name: &str) -> Part {
        let part = Part {
            health: self.clone(),
            name: name.into(),
        };
        part.waiting("starting");
        part
    }

    /// What keeps the service from being ready, if anything: a line a part.
    pub fn not_ready(&self) -> Vec<String> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(name, state): (&String, &State)| match state {
            State::Ready => None,
            State::Waiting(why) => Some(format!("{name}: waiting: {why}")),
            State::Failed(why) => Some(format!("{name}: failed: {why}")),
        };
        parts.iter().filter_map(line).collect()
    }

    /// What has failed, if anything: a line a part.
    pub fn failed(&self) -> Vec<String> {
        let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(name, state): (&String, &State)| match state {
            State::Failed(why) => Some(format!("{name}: failed: {why}")),
            State::Ready | State::Waiting(_) => None,
        };
        parts.iter().filter_map(line).collect()
    }
}

impl Part {
    /// It works.
    pub fn ready(&self) {
        self.set(State::Ready);
    }

    /// It waits.
    pub fn waiting(&self, why: impl Into<String>) {
        self.set(State::Waiting(why.into()));
    }

    /// It has failed.
    pub fn failed(&self, why: impl Into<String>) {
        self.set(State::Failed(why.into()));
    }

    fn set(&self, state: State) {
        self.health
            .parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.name.clone(), state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_ready_when_all_parts_are() {
        let health = Health::new();
        let (kafka, shards) = (health.part("kafka"), health.part("shards"));
        kafka.ready();
        assert_eq!(health.not_ready(), ["shards: waiting: starting"]);
        shards.failed("partition 3: gap in the registry");
        assert_eq!(
            health.failed(),
            ["shards: failed: partition 3: gap in the registry"]
        );
        shards.ready();
        assert!(health.not_ready().is_empty());
    }
}
