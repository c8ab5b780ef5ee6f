//! A log of one partition, made by hand.

use chrono::DateTime;
use hissa_oracle::{
    AlertChange, Decision, Entry, Findings, Input, Kind, Messages, Outcome, Refused, Settings,
    judge,
};
use serde_json::{Value, json};

pub const IMSI: &str = "001012120000001";
pub const IMEI: &str = "35209912000411";
pub const GB: u64 = 1_000_000_000;

pub fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_millis()
}

/// The pseudonym of the rig's SIM with that last digit, and of its device.
pub fn sim(last: u8) -> String {
    pseudonym(1, &imsi(last))
}

pub fn imsi(last: u8) -> String {
    format!("{}{last:03}", &IMSI[..12])
}

pub fn device(imei: &str) -> String {
    pseudonym(2, &imei[..14])
}

fn pseudonym(tag: u8, digits: &str) -> String {
    use aes::cipher::{BlockCipherEncrypt, KeyInit};
    let mut text = format!("{tag:02x}{:02x}{digits}", digits.len());
    while text.len() < 32 {
        text.push('0');
    }
    let block: [u8; 16] = hex::decode(text).unwrap().try_into().unwrap();
    let mut block = block.into();
    aes::Aes128::new(&[0; 16].into()).encrypt_block(&mut block);
    hex::encode(block)
}

#[derive(Default)]
pub struct Log {
    pub settings: Settings,
    pub registry: Vec<Vec<u8>>,
    pub messages: Messages,
    pub entries: Vec<Entry>,
    pub source_offset: u64,
    charging_id: u64,
}

impl Log {
    fn push(&mut self, kind: Kind, payload: Vec<u8>) {
        let offset = u64::try_from(self.entries.len()).unwrap();
        self.entries.push(Entry {
            partition: 0,
            offset,
            kind,
            payload,
        });
    }

    pub fn command(&mut self, at: &str, command: Value) -> &mut Log {
        let rev = self.registry.len();
        let message = json!({"entered_at_ms": ms(at), "command": command});
        self.registry.push(message.to_string().into_bytes());
        let block = json!({"from_rev": rev, "to_rev": rev + 1, "commands": [{"rev": rev}]});
        self.push(Kind::Block, block.to_string().into_bytes());
        self
    }

    /// A record; gives its offset in the feed.
    pub fn record(&mut self, delivered: &str, record: &Value) -> u64 {
        let rows = record["containers"].as_array().map_or(1, Vec::len);
        self.message(delivered, record.to_string().into_bytes(), rows, 0)
    }

    /// A message that is rejected for that reason's code.
    pub fn stub(&mut self, delivered: &str, message: &[u8], reason: u8) -> u64 {
        self.message(delivered, message.to_vec(), 1, reason)
    }

    fn message(&mut self, delivered: &str, message: Vec<u8>, rows: usize, reason: u8) -> u64 {
        let offset = self.source_offset;
        self.source_offset += 1;
        self.messages
            .add("pgw-1".parse().unwrap(), 1, 0, offset, message);
        self.rows(delivered, offset, rows, reason);
        offset
    }

    /// Rows of a message that is in the feed.
    pub fn rows(&mut self, delivered: &str, offset: u64, rows: usize, reason: u8) {
        let mut payload = Vec::new();
        for row in 0..u32::try_from(rows).unwrap() {
            let mut bytes = [0_u8; 180];
            (bytes[0], bytes[1]) = (u8::from(reason > 0), reason);
            bytes[44..49].copy_from_slice(b"pgw-1");
            bytes[60..64].copy_from_slice(&1_u32.to_le_bytes());
            bytes[68..76].copy_from_slice(&offset.to_le_bytes());
            bytes[76..80].copy_from_slice(&row.to_le_bytes());
            bytes[84..92].copy_from_slice(&ms(delivered).to_le_bytes());
            payload.extend(bytes);
        }
        self.push(Kind::Rows, payload);
    }

    /// A record of one container that ends at delivery, of SIM 1.
    pub fn usage(&mut self, delivered: &str, rating_group: u32, bytes: u64) -> u64 {
        self.usage_of(1, delivered, rating_group, bytes)
    }

    pub fn usage_of(&mut self, last: u8, delivered: &str, rating_group: u32, bytes: u64) -> u64 {
        self.usage_at(last, delivered, delivered, rating_group, bytes)
    }

    /// A record of a container that lasts no time.
    pub fn usage_at(
        &mut self,
        last: u8,
        delivered: &str,
        used: &str,
        rating_group: u32,
        bytes: u64,
    ) -> u64 {
        self.charging_id += 1;
        let mut record = record(last, self.charging_id, used);
        record["containers"] = json!([container(used, used, rating_group, bytes)]);
        self.record(delivered, &record)
    }

    pub fn progress(&mut self, as_of: &str, heard: &[&str], rows: u64, bytes: u64) -> &mut Log {
        let heard: Vec<i64> = heard.iter().map(|hour| ms(hour) / 3_600_000).collect();
        let source = json!({"feed": "pgw-1", "epoch": 1, "partition": 0, "through": self.source_offset,
            "rows": rows, "bytes": bytes, "heard": heard});
        let progress = json!({"sources": [source], "as_of_ms": ms(as_of)});
        self.push(Kind::Progress, progress.to_string().into_bytes());
        self
    }

    pub fn try_judge(&self) -> Result<Findings, Refused> {
        judge(&Input {
            settings: self.settings.clone(),
            registry: &self.registry,
            feed: &self.messages,
            entries: &self.entries,
        })
    }

    pub fn judge(&self) -> Findings {
        self.try_judge().unwrap()
    }

    pub fn decisions(&self) -> Vec<Decision> {
        self.judge().decisions.remove(&0).unwrap_or_default()
    }

    /// Class, action, reason and time of all decisions but those on enrolment.
    pub fn decided(&self) -> Vec<(String, String, String, i64)> {
        let decisions = self
            .decisions()
            .into_iter()
            .filter(|decision| decision.reason != "enrolled");
        let short = |it: Decision| {
            (
                it.class.to_string(),
                it.action,
                it.reason,
                it.effective_at_ms,
            )
        };
        decisions.map(short).collect()
    }

    pub fn alerts(&self, kind: &str) -> Vec<AlertChange> {
        let alerts = self.judge().alerts.remove(&0).unwrap_or_default();
        alerts
            .into_iter()
            .filter(|alert| alert.kind == kind)
            .collect()
    }

    /// Change and time of all changes of a kind of alert.
    pub fn alerted(&self, kind: &str) -> Vec<(String, i64)> {
        self.alerts(kind)
            .into_iter()
            .map(|alert| (alert.change, alert.at_ms))
            .collect()
    }

    /// Outcomes and reasons in their own order, with rows.
    pub fn outcomes(&self) -> Vec<(String, u64)> {
        let mut outcomes = std::collections::BTreeMap::<(Outcome, String), u64>::new();
        for (key, rows) in self.judge().outcome_day {
            *outcomes.entry((key.outcome, key.reason)).or_default() += rows.cell.records;
        }
        let text = |((outcome, reason), rows): ((Outcome, String), u64)| {
            (format!("{outcome} {reason}"), rows)
        };
        outcomes
            .into_iter()
            .map(text)
            .map(|(text, rows)| (text.trim().to_owned(), rows))
            .collect()
    }
}

pub fn record(last: u8, charging_id: u64, opened: &str) -> Value {
    json!({"node": "pgw-1", "charging_id": charging_id, "opened_at": opened, "imsi": imsi(last), "imei": IMEI,
        "containers": []})
}

pub fn container(start: &str, end: &str, rating_group: u32, bytes: u64) -> Value {
    json!({"rating_group": rating_group, "first_usage_at": start, "last_usage_at": end,
        "uplink_bytes": 0, "downlink_bytes": bytes})
}

pub fn said(class: &str, action: &str, reason: &str, at: &str) -> (String, String, String, i64) {
    (
        class.to_owned(),
        action.to_owned(),
        reason.to_owned(),
        ms(at),
    )
}

pub fn changed(changes: &[(&str, &str)]) -> Vec<(String, i64)> {
    changes
        .iter()
        .map(|(change, at)| ((*change).to_owned(), ms(at)))
        .collect()
}

pub fn allowance(id: &str, scope: &str, bytes: u64, every: Value) -> Value {
    json!({"id": id, "scope": scope, "bytes": bytes, "every": every, "on_exhausted": {"action": "block"}})
}

pub fn cohort(allowances: Value) -> Value {
    json!({"id": "c", "enforce_from": "2026-01-01", "allowances": allowances, "thresholds": [50, 80, 100],
        "breaker": {"share_permille": 1000, "at_least": 1000}})
}

pub fn programme(zone: &str, cohorts: Value) -> Value {
    json!({"command": "programme", "id": "p", "policy_version": "v1", "timezone": zone, "tzif_hex": "",
        "closes_after_days": 7, "unknown_charged_to": "other", "privacy_k": 5, "cohorts": cohorts})
}

/// Rating group 1 is education, 2 other, 3 system.
pub fn catalogue() -> Value {
    let rule = |group: u32, class: &str| json!({"rating_group": group, "service_id": null, "class": class, "service": class, "valid_from": null});
    json!({"command": "catalogue", "version": "c1",
        "rules": [rule(1, "education"), rule(2, "other"), rule(3, "system")]})
}

pub fn enrol(last: u8, from: &str) -> Value {
    json!({"command": "enrol", "sim": sim(last), "device": device(IMEI), "device_tac": 35_209_912, "cohort": "c",
        "valid_from": from, "valid_until": null,
        "place": {"school": "s", "commune": "m", "province": "p", "region": "r", "milieu": "rural"}})
}

/// A log with a programme of one cohort with these allowances, in UTC, from 2026-02-01 on.
pub fn begun(allowances: Value) -> Log {
    begun_with(programme("UTC", json!([cohort(allowances)])))
}

pub fn begun_with(programme: Value) -> Log {
    let mut log = Log::default();
    let at = "2026-02-01T00:00:00Z";
    log.command(at, json!({"command": "logic", "version": 1}))
        .command(at, programme)
        .command(at, catalogue());
    log
}
