//! A log as both sides read it: the registry's and the carrier's messages, and entries of `hissa.usage`.

use std::collections::BTreeMap;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use hissa_core::usage::UsageRow;
use hissa_oracle::{Entry, Kind, Messages, Settings};
use serde_json::{Value, json};
use zerocopy::{FromZeros, IntoBytes};

pub const FEEDS: [&str; 2] = ["pgw-1", "ocs"];

/// The pseudonym of an IMSI (tag 1) or of the first 14 digits of an IMEI (tag 2), by the key of zeros.
pub fn pseudonym(tag: u8, digits: &str) -> [u8; 16] {
    let mut text = format!("{tag:02x}{:02x}{digits}", digits.len());
    while text.len() < 32 {
        text.push('0');
    }
    let block: [u8; 16] = hex::decode(text).unwrap().try_into().unwrap();
    let mut block = block.into();
    aes::Aes128::new(&[0; 16].into()).encrypt_block(&mut block);
    block.into()
}

pub fn imsi(number: u64) -> String {
    format!("001012120000{number:03}")
}

pub fn sim(number: u64) -> String {
    hex::encode(pseudonym(1, &imsi(number)))
}

pub fn instant(ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(ms).unwrap();
    format!("{}Z", time.naive_utc()).replace(' ', "T")
}

/// One container, as it is written and as a row tells it.
#[derive(Clone)]
pub struct Container {
    pub group: u32,
    pub service: u32,
    pub start: i64,
    pub end: i64,
    pub up: u64,
    pub down: u64,
}

#[derive(Clone)]
pub struct Record {
    pub sim: u64,
    pub imei: Option<&'static str>,
    pub charging_id: u64,
    pub sequence: u32,
    pub opened: i64,
    /// 0 not told, 1 delta, 2 of 32 bits, 3 of 64 bits.
    pub counter: u8,
    pub containers: Vec<Container>,
}

impl Record {
    fn message(&self) -> Vec<u8> {
        let containers: Vec<Value> = self
            .containers
            .iter()
            .map(|container| {
                json!({"rating_group": container.group, "service_id": container.service,
                    "first_usage_at": instant(container.start), "last_usage_at": instant(container.end),
                    "uplink_bytes": container.up, "downlink_bytes": container.down})
            })
            .collect();
        let counter = [
            Value::Null,
            json!("delta"),
            json!("cumulative32"),
            json!("cumulative64"),
        ];
        json!({"node": "pgw-1", "charging_id": self.charging_id, "record_sequence": self.sequence,
            "opened_at": instant(self.opened), "imsi": imsi(self.sim), "imei": self.imei,
            "counter": counter[usize::from(self.counter)], "containers": containers})
        .to_string()
        .into_bytes()
    }

    fn rows(&self) -> Vec<UsageRow> {
        let row = |(number, container): (u32, &Container)| {
            let mut row = UsageRow::new_zeroed();
            row.sim = pseudonym(1, &imsi(self.sim));
            if let Some(imei) = self.imei {
                row.device = pseudonym(2, &imei[..14]);
                row.device_tac = imei[..8].parse::<u32>().unwrap().into();
            }
            row.counter = self.counter;
            row.node[..5].copy_from_slice(b"pgw-1");
            row.source_row = number.into();
            row.record_sequence = self.sequence.into();
            row.charging_id = self.charging_id.into();
            row.opened_at_ms = self.opened.into();
            row.rating_group = container.group.into();
            row.service_id = container.service.into();
            row.container_sequence = (number + 1).into();
            row.started_at_ms = container.start.into();
            row.ended_at_ms = container.end.into();
            row.uplink_bytes = container.up.into();
            row.downlink_bytes = container.down.into();
            row
        };
        (0..).zip(&self.containers).map(row).collect()
    }
}

/// What was published of a source into a partition.
#[derive(Clone, Copy, Default)]
pub struct Published {
    pub rows: u64,
    pub bytes: u64,
}

#[derive(Default)]
pub struct Log {
    pub settings: Settings,
    pub registry: Vec<Vec<u8>>,
    pub messages: Messages,
    pub entries: Vec<Entry>,
    /// By feed: the epoch and the next offset.
    pub sources: [(u32, u64); 2],
    pub published: BTreeMap<(u16, usize, u32), Published>,
    /// Hours in which records came since the last Progress, by feed.
    pub heard: [Vec<i64>; 2],
    revision: u64,
    offsets: BTreeMap<u16, u64>,
}

impl Log {
    fn push(&mut self, partition: u16, kind: Kind, payload: Vec<u8>) {
        let next = self.offsets.entry(partition).or_default();
        let offset = *next;
        *next += 1;
        self.entries.push(Entry {
            partition,
            offset,
            kind,
            payload,
        });
    }

    fn partition_of(&self, sim: [u8; 16]) -> u16 {
        let bits = self.settings.partitions.trailing_zeros();
        u16::from(sim[0])
            .checked_shr(8 - bits)
            .map_or(0, |top| if bits == 0 { 0 } else { top })
    }

    /// Commands that one block copies.
    pub fn commands(&mut self, commands: Vec<(i64, Value)>) {
        let from = self.revision;
        let mut shares: BTreeMap<u16, Vec<Value>> = BTreeMap::new();
        for partition in 0..self.settings.partitions {
            shares.insert(partition, Vec::new());
        }
        for (at, command) in commands {
            let message = json!({"entered_at_ms": at, "command": command});
            self.registry.push(message.to_string().into_bytes());
            let rev = self.revision;
            self.revision += 1;
            let names = command["sim"].as_str();
            let home =
                names.map(|name| self.partition_of(hex::decode(name).unwrap().try_into().unwrap()));
            for (partition, share) in &mut shares {
                if home.is_none_or(|home| home == *partition) {
                    let mut mine = message.clone();
                    mine["rev"] = json!(rev);
                    share.push(mine);
                }
            }
        }
        let to = self.revision;
        for (partition, share) in shares {
            let block = json!({"from_rev": from, "to_rev": to, "commands": share});
            self.push(partition, Kind::Block, block.to_string().into_bytes());
        }
    }

    fn place(&mut self, feed: usize, at: i64) -> (u32, u64) {
        let (epoch, offset) = self.sources[feed];
        self.sources[feed].1 += 1;
        self.heard[feed].push(at.div_euclid(3_600_000));
        (epoch, offset)
    }

    /// A record of a feed; `joins`: its rows go into the last entry, if that is one of rows.
    pub fn record(&mut self, feed: usize, delivered: i64, record: &Record, joins: bool) {
        let (epoch, offset) = self.place(feed, delivered);
        let message = record.message();
        self.messages
            .add(FEEDS[feed].parse().unwrap(), epoch, 0, offset, message);
        let partition = self.partition_of(pseudonym(1, &imsi(record.sim)));
        let rows = record.rows();
        self.rows(
            partition,
            (feed, epoch, offset),
            delivered,
            rows,
            record.counter_bytes(),
            joins,
        );
    }

    /// A message that cannot be read, for the reason of that code.
    pub fn stub(&mut self, feed: usize, delivered: i64, reason: u8, joins: bool) {
        let (epoch, offset) = self.place(feed, delivered);
        let message = spoilt(reason);
        self.messages
            .add(FEEDS[feed].parse().unwrap(), epoch, 0, offset, message);
        let mut row = UsageRow::new_zeroed();
        (row.kind, row.reject_reason) = (1, reason);
        self.rows(0, (feed, epoch, offset), delivered, vec![row], 0, joins);
    }

    fn rows(
        &mut self,
        partition: u16,
        (feed, epoch, offset): (usize, u32, u64),
        delivered: i64,
        mut rows: Vec<UsageRow>,
        bytes: u64,
        joins: bool,
    ) {
        for row in &mut rows {
            row.feed[..FEEDS[feed].len()].copy_from_slice(FEEDS[feed].as_bytes());
            row.epoch = epoch.into();
            row.source_offset = offset.into();
            row.delivered_at_ms = delivered.into();
        }
        let published = self.published.entry((partition, feed, epoch)).or_default();
        published.rows += u64::try_from(rows.len()).unwrap();
        published.bytes += bytes;
        let payload = rows.as_bytes();
        match self.entries.last_mut() {
            Some(last) if joins && last.kind == Kind::Rows && last.partition == partition => {
                last.payload.extend(payload);
            }
            _ => self.push(partition, Kind::Rows, payload.to_vec()),
        }
    }

    /// An entry of rows that was published before, once more.
    pub fn again(&mut self, back: usize) {
        let mut old = self
            .entries
            .iter()
            .rev()
            .filter(|entry| entry.kind == Kind::Rows);
        if let Some(Entry {
            partition, payload, ..
        }) = old.nth(back).cloned()
        {
            self.push(partition, Kind::Rows, payload);
        }
    }

    /// What ingest has published, off by so many rows, with the hours heard.
    pub fn progress(&mut self, as_of: i64, heard: &[i64], wrong: u64) {
        for partition in 0..self.settings.partitions {
            let mut sources = Vec::new();
            for (feed, &(epoch, next)) in self.sources.iter().enumerate() {
                let published = self.published.get(&(partition, feed, epoch));
                let Published { rows, bytes } = published.copied().unwrap_or_default();
                sources.push(
                    json!({"feed": FEEDS[feed], "epoch": epoch, "partition": 0, "through": next,
                    "rows": rows + wrong, "bytes": bytes, "heard": heard}),
                );
            }
            let progress = json!({"sources": sources, "as_of_ms": as_of});
            self.push(partition, Kind::Progress, progress.to_string().into_bytes());
        }
    }
}

/// A message that is rejected with the reason of that code (docs/feeds.md).
fn spoilt(reason: u8) -> Vec<u8> {
    match reason {
        1 => b"{".to_vec(),
        2 => b"{}".to_vec(),
        3 => br#"{"colour": 1}"#.to_vec(),
        4 => br#"{"imsi": 1}"#.to_vec(),
        5 => br#"{"charging_id": -1}"#.to_vec(),
        6 => br#"{"opened_at": "yesterday"}"#.to_vec(),
        7 => br#"{"imsi": "x"}"#.to_vec(),
        _ => vec![b' '; (1 << 20) + 1],
    }
}

impl Record {
    fn counter_bytes(&self) -> u64 {
        self.containers
            .iter()
            .map(|container| container.up + container.down)
            .sum()
    }
}
