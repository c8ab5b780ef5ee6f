//! The message of an alert change: what leaves, and under which id.

use hissa_core::alert::{AlertChange, AlertKind, Change, Subject};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::details::About;
use crate::directory::Entry;
use crate::text::Texts;

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
    /// Its figures changed; it is not over.
    #[serde(rename = "hissa.alert.updated")]
    Updated,
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
    /// `alert`, the kind, and `details`, its figures.
    #[serde(flatten)]
    pub about: About,
    /// `info`, `warning` or `critical`.
    pub severity: String,
    /// Who is to read it: `head` (of the school), or `operators` of Hissa.
    pub audience: String,
    /// Absent where the directory does not know the tablet, or the alert is about none.
    pub asset_tag: Option<String>,
    pub school_name_fr: Option<String>,
    pub school_name_ar: Option<String>,
    /// Absent where the alert is about a feed.
    pub cohort: Option<String>,
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
        let kind = change.subject.kind();
        let body = Body {
            kind: match change.change {
                Change::Fire => EventType::Fired,
                Change::Update => EventType::Updated,
                Change::Resolve => EventType::Resolved,
            },
            timestamp: Timestamp::from_millisecond(change.at_ms)?.to_string(),
            data: Data {
                revision: change.revision,
                about: About::of(&change.subject)?,
                severity: severity(kind).into(),
                audience: audience(kind).into(),
                school_name_fr: entry.and_then(|entry| entry.school_name_fr.clone()),
                school_name_ar: entry.and_then(|entry| entry.school_name_ar.clone()),
                cohort: cohort(&change.subject).map(str::to_owned),
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
        AlertKind::SimQuota80
        | AlertKind::TabletIdle
        | AlertKind::PossibleSharing
        | AlertKind::GrantExpiring => "info",
        AlertKind::SimExhausted | AlertKind::SimMoved | AlertKind::RecordConflict => "warning",
        AlertKind::OrdersHeld => "critical",
    }
}

fn audience(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::RecordConflict | AlertKind::OrdersHeld => "operators",
        AlertKind::SimQuota80
        | AlertKind::SimExhausted
        | AlertKind::TabletIdle
        | AlertKind::SimMoved
        | AlertKind::PossibleSharing
        | AlertKind::GrantExpiring => "head",
    }
}

fn cohort(subject: &Subject) -> Option<&str> {
    match subject {
        Subject::OrdersHeld(orders) => Some(&orders.cohort),
        _ => subject.tablet().map(|tablet| tablet.cohort.as_str()),
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
mod tests;
