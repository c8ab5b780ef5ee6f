//! The message of an alert change: what leaves, and under which id.

use hissa_core::alert::{AlertChange, AlertKind, Change};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::directory::Entry;
use crate::text::{self, Texts};

/// The body of a webhook message, as Standard Webhooks shapes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Body {
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When it happened, by the shard's clock; not when it was sent.
    pub timestamp: String,
    pub data: Data,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventType {
    #[serde(rename = "hissa.alert.fired")]
    Fired,
    #[serde(rename = "hissa.alert.resolved")]
    Resolved,
}

/// The alert, without an identifier of a SIM, a device or a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    /// Opaque; the same for all revisions of an alert.
    pub alert_id: String,
    /// From 1; a change with a revision that is not above the last one known says nothing new.
    pub revision: u32,
    /// `SimQuota80` or `SimExhausted`.
    pub alert: String,
    /// `info` or `warning`.
    pub severity: String,
    /// Who is to read it: `head`.
    pub audience: String,
    /// Absent where the directory does not know the tablet.
    pub asset_tag: Option<String>,
    pub school_name_fr: Option<String>,
    pub school_name_ar: Option<String>,
    pub cohort: String,
    /// First day of the cycle.
    pub cycle: Date,
    pub used_bytes: u64,
    pub limit_bytes: u64,
    /// `used_bytes` in GB, one decimal, rounded down.
    pub used_gb: String,
    /// `limit_bytes` in GB, exactly.
    pub limit_gb: String,
    /// What learning sites are when the allowance is used up: `block`, `throttle` or `allow`.
    pub state: String,
    pub resets_on: Date,
    /// When the allowance runs out at this pace; null where it lasts until the reset, or has run out.
    pub runs_out_on: Option<Date>,
    /// What a person reads, by language.
    pub text: Words,
}

/// The text by language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    pub fr: String,
}

/// A message that is ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The `webhook-id`: the same whenever this change is sent.
    pub id: String,
    /// JSON.
    pub body: String,
}

/// Writes messages.
#[derive(Debug)]
pub struct Writer {
    texts: Texts,
    /// With `{alert}` in it.
    link: String,
}

impl Writer {
    /// A writer with the texts in the binary and a template for links.
    ///
    /// # Errors
    /// A text is missing (a test forbids that).
    pub fn new(link: &str) -> Result<Writer, toml::de::Error> {
        Ok(Writer {
            texts: Texts::french()?,
            link: link.to_owned(),
        })
    }

    /// The message of a change, for the tablet as the directory knows it.
    ///
    /// # Errors
    /// The change's time is no time (before year -9999 or after 9999).
    pub(crate) fn write(
        &self,
        change: &AlertChange,
        entry: Option<&Entry>,
    ) -> anyhow::Result<Message> {
        let alert_id = opaque(&["alert", &change.id]);
        let link = self.link.replace("{alert}", &alert_id);
        let asset_tag = entry.and_then(|entry| entry.asset_tag.clone());
        let body = Body {
            kind: match change.change {
                Change::Fire => EventType::Fired,
                Change::Resolve => EventType::Resolved,
            },
            timestamp: Timestamp::from_millisecond(change.at_ms)?.to_string(),
            data: Data {
                revision: change.revision,
                alert: change.kind.as_str().into(),
                severity: severity(change.kind).into(),
                audience: "head".into(),
                school_name_fr: entry.and_then(|entry| entry.school_name_fr.clone()),
                school_name_ar: entry.and_then(|entry| entry.school_name_ar.clone()),
                cohort: change.cohort.clone(),
                cycle: change.cycle,
                used_bytes: change.used_bytes,
                limit_bytes: change.limit_bytes,
                used_gb: text::tenths(change.used_bytes),
                limit_gb: text::exact(change.limit_bytes),
                state: change.state.clone(),
                resets_on: change.resets_on,
                runs_out_on: change.runs_out_on,
                text: Words {
                    fr: self.texts.say(change, asset_tag.as_deref(), &link),
                },
                alert_id,
                asset_tag,
            },
        };
        Ok(Message {
            id: format!(
                "msg_{}",
                opaque(&["message", &change.id, &change.revision.to_string()])
            ),
            body: serde_json::to_string(&body)?,
        })
    }
}

fn severity(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::SimQuota80 => "info",
        AlertKind::SimExhausted => "warning",
    }
}

/// A name for something whose own name holds a pseudonym. It is no secret that protects the pseudonym, for that is
/// itself 128 bits of a cipher's output, which nobody can guess and try.
fn opaque(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        // No part contains a zero, so that two lists of parts never run into each other.
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..16])
}

#[cfg(test)]
pub(crate) mod tests {
    use hissa_core::sim::SimId;
    use jiff::civil::date;

    use super::*;

    /// A change of February, of a SIM whose pseudonym is all 0xab.
    pub(crate) fn change(kind: AlertKind, change: Change) -> AlertChange {
        let sim = SimId([0xab; 16]);
        AlertChange {
            generation: 1,
            partition: 10,
            id: format!("{}/{sim}/2026-02-01", kind.as_str()),
            revision: if change == Change::Fire { 1 } else { 2 },
            kind,
            change,
            sim,
            cohort: "pilote-rural".into(),
            school: "06.211.99.01".into(),
            cycle: date(2026, 2, 1),
            limit_bytes: 20_000_000_000,
            used_bytes: 16_040_000_000,
            at_ms: 1_771_000_000_000,
            on: date(2026, 2, 13),
            resets_at_ms: 1_772_323_200_000,
            resets_on: date(2026, 3, 1),
            runs_out_on: Some(date(2026, 2, 24)),
            state: "throttle".into(),
        }
    }

    fn entry() -> Entry {
        Entry {
            asset_tag: Some("T-0412".into()),
            school_name_fr: Some("École Al Amal (fictif)".into()),
            school_name_ar: None,
        }
    }

    #[test]
    fn no_identifier_of_a_sim_leaves() {
        let writer = Writer::new("https://h.example/{alert}").unwrap();
        for entry in [None, Some(&entry())] {
            for kind in [AlertKind::SimQuota80, AlertKind::SimExhausted] {
                let message = writer.write(&change(kind, Change::Fire), entry).unwrap();
                let sent = format!("{} {}", message.id, message.body);
                assert!(!sent.contains("abab"), "{sent}");
            }
        }
    }

    #[test]
    fn an_id_says_which_change_it_is_and_nothing_else() {
        let writer = Writer::new("https://h.example/{alert}").unwrap();
        let id =
            |change: &AlertChange, entry: Option<&Entry>| writer.write(change, entry).unwrap().id;
        let fired = change(AlertKind::SimQuota80, Change::Fire);
        let mut again = fired.clone();
        again.generation = 2;
        assert_eq!(id(&fired, None), id(&again, Some(&entry())));
        assert_ne!(
            id(&fired, None),
            id(&change(AlertKind::SimQuota80, Change::Resolve), None)
        );
        assert_ne!(
            id(&fired, None),
            id(&change(AlertKind::SimExhausted, Change::Fire), None)
        );
    }

    #[test]
    fn a_message_says_all_that_a_receiver_needs() {
        let writer = Writer::new("https://h.example/{alert}").unwrap();
        let message = writer
            .write(&change(AlertKind::SimQuota80, Change::Fire), Some(&entry()))
            .unwrap();
        let expected = serde_json::json!({
            "type": "hissa.alert.fired",
            "timestamp": "2026-02-13T16:26:40Z",
            "data": {
                "alert_id": opaque(&["alert", &format!("SimQuota80/{}/2026-02-01", "ab".repeat(16))]),
                "revision": 1,
                "alert": "SimQuota80",
                "severity": "info",
                "audience": "head",
                "asset_tag": "T-0412",
                "school_name_fr": "École Al Amal (fictif)",
                "school_name_ar": null,
                "cohort": "pilote-rural",
                "cycle": "2026-02-01",
                "used_bytes": 16_040_000_000_u64,
                "limit_bytes": 20_000_000_000_u64,
                "used_gb": "16.0",
                "limit_gb": "20",
                "state": "throttle",
                "resets_on": "2026-03-01",
                "runs_out_on": "2026-02-24",
                "text": { "fr": format!(
                    "Tablette T-0412 : 16,0 Go sur 20 utilisés. À ce rythme, fin vers le 24 février 2026. Remise à zéro : 1 mars 2026. https://h.example/{}",
                    opaque(&["alert", &format!("SimQuota80/{}/2026-02-01", "ab".repeat(16))]),
                ) },
            },
        });
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&message.body).unwrap(),
            expected
        );
        let body: Body = serde_json::from_str(&message.body).unwrap();
        assert_eq!(body.kind, EventType::Fired);
    }
}
