//! What a shard says: decisions and alert changes, in the form of docs/outputs.md.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::day::Day;
use crate::names::{Class, Feed, Pseudonym};

/// One decision. `rule`, which is in words, is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/outputs.md tells the fields")]
pub struct Decision {
    pub generation: u32,
    pub partition: u16,
    pub number: u64,
    pub sim: Pseudonym,
    pub class: Class,
    pub action: String,
    #[serde(default)]
    pub kbit_s: Option<u32>,
    pub sequence: u64,
    pub reason: String,
    pub cohort: String,
    pub cycle: Day,
    pub allowance: Standing,
    pub effective_at_ms: i64,
    pub apply_after_ms: i64,
    pub until_ms: Option<i64>,
    pub policy_version: String,
    pub catalogue_version: String,
    pub offset: u64,
    pub cause: Option<Cause>,
}

/// How the deciding allowance stands (X6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/outputs.md tells the fields")]
pub struct Standing {
    pub id: String,
    pub limit_bytes: u64,
    pub granted_bytes: u64,
    pub used_bytes: u64,
}

/// The row that caused a decision or an alert (X9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/outputs.md tells the fields")]
pub struct Cause {
    pub offset: u64,
    pub row: u32,
    pub feed: Feed,
    pub epoch: u32,
    pub partition: u32,
    pub source_position: SourcePosition,
    pub record: RecordName,
}

/// A position in a source (A3).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/outputs.md tells the fields")]
pub struct SourcePosition {
    pub offset: u64,
    pub row: u32,
}

/// What the carrier calls a row (O9).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/outputs.md tells the fields")]
pub struct RecordName {
    pub node: String,
    pub charging_id: u64,
    pub record_sequence: u32,
    pub opened_at_ms: i64,
    pub rating_group: u32,
    pub service_id: u32,
    pub container_sequence: u32,
}

/// One change of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "docs/outputs.md tells the fields")]
pub struct AlertChange {
    pub generation: u32,
    pub partition: u16,
    pub id: String,
    pub revision: u64,
    pub change: String,
    pub at_ms: i64,
    pub on: Day,
    pub offset: u64,
    pub policy_version: String,
    pub catalogue_version: String,
    pub cause: Option<Cause>,
    pub kind: String,
    pub details: Value,
}
