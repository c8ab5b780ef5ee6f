//! A demo's folder, judged by the oracle: from the carrier's own messages and the registry it computes what the tables
//! and topics have to say, and asks for equality.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use clickhouse::Client;
use hissa_links::kafka::KafkaLink;
use hissa_links::{topics, whole};
use hissa_oracle::{
    AlertChange, CycleRow, Day, Decision, Difference, Entry, Feed, Findings, Input, Kind, Messages,
    Settings, SimCycle, Traced,
};
use hissa_stack::Stack;
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Headers as _};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncBufReadExt as _;

/// What the demo calls its feed and its topic (`programme.toml` in its folder).
const FEED: &str = "carrier-json";
const TOPIC: &str = "carrier.usage";
const EPOCH: u32 = 1;
const PARTITIONS: u16 = 16;

/// What was compared.
#[derive(Debug)]
pub struct Verdict {
    /// Entries of each table on the oracle's side.
    pub compared: BTreeMap<&'static str, usize>,
    /// The first differences of each table, the oracle's side as expected.
    pub differences: Vec<Difference>,
}

/// Judges what a demo with `--keep` left, whose Kafka and ClickHouse run again.
///
/// # Errors
/// The folder is not a demo's, Kafka or ClickHouse does not answer, or the log contradicts the feed.
pub async fn judge(folder: &Path, stack: &Stack) -> Result<Verdict> {
    let key = std::fs::read_to_string(folder.join("pseudonym.key"));
    let mut settings = Settings {
        partitions: PARTITIONS,
        ..Settings::default()
    };
    hex::decode_to_slice(
        key.context("reading the demo's key")?.trim(),
        &mut settings.key,
    )
    .map_err(|why| anyhow::anyhow!("the demo's key: {why}"))?;
    let kafka = KafkaLink::to(&stack.bootstrap());
    let (expected, mut found) = tokio::task::spawn_blocking(move || -> Result<_> {
        Ok((expected(settings, &kafka)?, said(&kafka)?))
    })
    .await??;
    let owner = stack.owner();
    let clickhouse = Client::default()
        .with_url(stack.clickhouse_url())
        .with_user(&owner.user)
        .with_password(&owner.password);
    add_tables(&mut found, &clickhouse).await?;
    let compared = BTreeMap::from([
        ("sim_day", expected.sim_day.len()),
        ("outcome_day", expected.outcome_day.len()),
        ("flag_day", expected.flag_day.len()),
        ("place_hour", expected.place_hour.len()),
        ("sim_cycle", expected.sim_cycle.len()),
        ("assignment", expected.assignments.len()),
        ("decision", expected.decisions.values().map(Vec::len).sum()),
        ("alert", expected.alerts.values().map(Vec::len).sum()),
    ]);
    let differences = hissa_oracle::compare(&expected, &found);
    Ok(Verdict {
        compared,
        differences,
    })
}

fn expected(settings: Settings, kafka: &KafkaLink) -> Result<Findings> {
    let mut registry = Vec::new();
    whole::read(kafka, "judge", topics::REGISTRY, |message| {
        registry.push(payload(message));
    })?;
    let mut feed = Messages::default();
    let id: Feed = FEED.parse()?;
    whole::read(kafka, "judge", TOPIC, |message| {
        let (partition, offset) = place(message);
        feed.add(id, EPOCH, partition, offset, payload(message));
    })?;
    let mut entries = Vec::new();
    whole::read(kafka, "judge", topics::USAGE, |message| {
        let (partition, offset) = place(message);
        entries.push(kind(message).map(|kind| Entry {
            partition: partition as u16,
            offset,
            kind,
            payload: payload(message),
        }));
    })?;
    let entries: Vec<Entry> = entries.into_iter().collect::<Result<_>>()?;
    Ok(hissa_oracle::judge(&Input {
        settings,
        registry: &registry,
        feed: &feed,
        entries: &entries,
    })?)
}

fn payload(message: &BorrowedMessage<'_>) -> Vec<u8> {
    message.payload().unwrap_or_default().to_vec()
}

/// Kafka has no negative partitions, nor negative offsets of messages.
fn place(message: &BorrowedMessage<'_>) -> (u32, u64) {
    (
        message.partition().unsigned_abs(),
        message.offset().unsigned_abs(),
    )
}

fn kind(message: &BorrowedMessage<'_>) -> Result<Kind> {
    let mut headers = message.headers().into_iter().flat_map(|all| all.iter());
    let header = headers.find(|header| header.key == "hissa-entry");
    match header.and_then(|header| header.value) {
        Some(b"rows") => Ok(Kind::Rows),
        Some(b"block") => Ok(Kind::Block),
        Some(b"progress") => Ok(Kind::Progress),
        other => anyhow::bail!("an entry of kind {:?}", other.map(String::from_utf8_lossy)),
    }
}

/// Decisions and alert changes as the topics have them. What was sent twice, byte by byte, was said once; what differs
/// under one number or revision stays, and is a difference.
fn said(kafka: &KafkaLink) -> Result<Findings> {
    let mut found = Findings::default();
    let mut decisions: Vec<Decision> = told(kafka, topics::DECISIONS)?;
    decisions.sort_by_key(|decision| decision.number);
    for decision in decisions {
        let list = found.decisions.entry(decision.partition).or_default();
        list.push(decision);
    }
    for change in told::<AlertChange>(kafka, topics::ALERTS)? {
        let list = found.alerts.entry(change.partition).or_default();
        list.push(change);
    }
    Ok(found)
}

fn told<T: DeserializeOwned>(kafka: &KafkaLink, topic: &str) -> Result<Vec<T>> {
    let mut messages = BTreeSet::new();
    whole::read(kafka, "judge", topic, |message| {
        messages.insert(payload(message));
    })?;
    let told = messages
        .iter()
        .map(|message| serde_json::from_slice(message));
    let told = told.collect::<Result<_, _>>();
    told.with_context(|| format!("a message of {topic}"))
}

async fn add_tables(found: &mut Findings, clickhouse: &Client) -> Result<()> {
    let sim_day = "lower(hex(sim)) AS sim, usage_day, class, service, booked_day, \
                   uplink_bytes AS up, downlink_bytes AS down, records";
    found.sim_day = rows(clickhouse, "sim_day", sim_day, traced).await?;
    let outcome_day = "partition, feed, booked_day, outcome, reason, records, bytes";
    found.outcome_day = rows(clickhouse, "outcome_day", outcome_day, traced).await?;
    let flag_day = "partition, feed, booked_day, flag, records, bytes";
    found.flag_day = rows(clickhouse, "flag_day", flag_day, traced).await?;
    let place_hour = "partition, province, cohort, usage_day, hour, class, booked_day, \
                      uplink_bytes AS up, downlink_bytes AS down";
    found.place_hour = rows(clickhouse, "place_hour", place_hour, |row| row).await?;
    let assignment = "lower(hex(sim)) AS sim, valid_from, booked_day, toString(cohort) AS cohort, valid_until, revision, \
                      CAST(map('school', school, 'commune', commune, 'province', province, 'region', region, \
                      'milieu', milieu), 'Map(String, String)') AS place";
    found.assignments = rows(clickhouse, "assignment", assignment, |row| row).await?;
    let sim_cycle = "lower(hex(sim)) AS sim, cycle_start, allowance, booked_day, limit_bytes AS limit, \
                     granted_bytes AS granted, used_bytes AS used, state, arrayZip(thresholds, reached_at_ms) AS thresholds";
    let booked = |(
        Booked {
            balance,
            booked_day,
        },
        row,
    ): (Booked, CycleRow)| { ((balance, booked_day), row) };
    let balances: BTreeMap<(SimCycle, Day), CycleRow> =
        rows(clickhouse, "sim_cycle", sim_cycle, booked).await?;
    for ((balance, booked_day), row) in balances {
        let days = found.sim_cycle.entry(balance).or_default();
        days.insert(booked_day, row);
    }
    Ok(())
}

fn traced<K, V>((key, cell): (K, V)) -> (K, Traced<V>) {
    (key, cell.into())
}

/// A row of `sim_cycle` is that of a balance on a booked day.
#[derive(Deserialize)]
struct Booked {
    #[serde(flatten)]
    balance: SimCycle,
    booked_day: Day,
}

#[derive(Deserialize)]
struct Row<K, V> {
    #[serde(flatten)]
    key: K,
    #[serde(flatten)]
    value: V,
}

/// The rows of a table as they count, under the oracle's names.
async fn rows<K, V, L, W>(
    clickhouse: &Client,
    table: &str,
    columns: &str,
    read: impl Fn((K, V)) -> (L, W),
) -> Result<BTreeMap<L, W>>
where
    K: DeserializeOwned,
    V: DeserializeOwned,
    L: Ord,
{
    let sql = format!("SELECT {columns} FROM hissa.{table} FINAL WHERE generation = 1");
    let mut lines = clickhouse
        .query(&sql)
        .with_setting("output_format_json_quote_64bit_integers", "0")
        .fetch_bytes("JSONEachRow")?
        .lines();
    let mut rows = BTreeMap::new();
    while let Some(line) = lines.next_line().await? {
        let row: Row<K, V> =
            serde_json::from_str(&line).with_context(|| format!("a row of {table}: {line}"))?;
        let (key, value) = read((row.key, row.value));
        rows.insert(key, value);
    }
    Ok(rows)
}
