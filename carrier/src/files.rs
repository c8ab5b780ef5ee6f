//! Writes a scenario into a folder: feed, registry files with their times, truth.
//!
//! - `feed.jsonl`: one line a message, `{"delivered_at_ms":…,"message":"…"}` with the message's text as a JSON string;
//!   a message that is not UTF-8 has `"message_hex"` instead.
//! - `programme.toml`, `catalogue.toml`, `roster.csv`, later rosters, replacements of SIMs and what they bring along:
//!   what is entered into the registry.
//! - `events.json`: `[{"entered_at_ms":…,"kind":"roster","file":"roster.csv"},…]`, in the order of time.
//! - `truth.json`: what Hissa must find.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::feed::FeedMessage;
use crate::roster::{RegistryFile, roster_csv};
use crate::{Generated, Truth};

/// Why a folder cannot be written, or a feed not read.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    #[error("writing {path} failed ({why}): is there space, and may this user write there?")]
    Write { path: PathBuf, why: io::Error },
    #[error(
        "a line of a feed cannot be read ({0}): expected {{\"delivered_at_ms\":…,\"message\":\"…\"}}"
    )]
    Line(#[from] serde_json::Error),
    #[error("a line of a feed has a `message_hex` that is no hexadecimal text")]
    Hex,
}

/// An entry of `events.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventEntry {
    pub entered_at_ms: i64,
    /// `programme`, `catalogue`, `roster`, `replacement` or `openings`.
    pub kind: String,
    pub file: String,
}

#[derive(Serialize, Deserialize)]
struct Line {
    delivered_at_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_hex: Option<String>,
}

/// Writes everything into `folder`, which is created, and returns the truth. `tell` hears how many messages are
/// written, now and then.
///
/// # Errors
/// The folder or a file in it cannot be written.
pub fn write_files(
    folder: &Path,
    mut generated: Generated,
    mut tell: impl FnMut(u64),
) -> Result<Truth, FilesError> {
    std::fs::create_dir_all(folder).map_err(|why| FilesError::Write {
        path: folder.to_owned(),
        why,
    })?;
    let mut entries = Vec::new();
    for event in &generated.events {
        let (kind, text) = match &event.file {
            RegistryFile::Programme => ("programme", generated.programme_toml.clone()),
            RegistryFile::Catalogue => ("catalogue", generated.catalogue_toml.clone()),
            RegistryFile::Roster(rows) => ("roster", roster_csv(rows)),
            RegistryFile::Replacement(replacement) => ("replacement", json(replacement)),
            RegistryFile::Openings(openings) => ("openings", json(openings)),
        };
        written(&folder.join(&event.file_name), |out| {
            out.write_all(text.as_bytes())
        })?;
        entries.push(EventEntry {
            entered_at_ms: event.entered_at_ms,
            kind: kind.to_owned(),
            file: event.file_name.clone(),
        });
    }
    written(&folder.join("events.json"), |out| {
        Ok(serde_json::to_writer_pretty(out, &entries)?)
    })?;
    written(&folder.join("feed.jsonl"), |out| {
        for (count, message) in (1..).zip(generated.feed.by_ref()) {
            serde_json::to_writer(&mut *out, &line(message))?;
            out.write_all(b"\n")?;
            if count % 10_000 == 0 {
                tell(count);
            }
        }
        Ok(())
    })?;
    let truth = generated.feed.into_truth();
    written(&folder.join("truth.json"), |out| {
        Ok(serde_json::to_writer(out, &truth)?)
    })?;
    Ok(truth)
}

fn json(value: &impl Serialize) -> String {
    // Structs of texts, numbers and dates always have a JSON form.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Reads a line of `feed.jsonl`.
///
/// # Errors
/// The line has another form.
pub fn parse_line(text: &str) -> Result<FeedMessage, FilesError> {
    let line: Line = serde_json::from_str(text)?;
    let payload = match (line.message, line.message_hex) {
        (Some(text), _) => text.into_bytes(),
        (None, Some(hex)) => from_hex(&hex).ok_or(FilesError::Hex)?,
        (None, None) => return Err(FilesError::Hex),
    };
    Ok(FeedMessage {
        delivered_at_ms: line.delivered_at_ms,
        payload,
    })
}

fn line(message: FeedMessage) -> Line {
    let delivered_at_ms = message.delivered_at_ms;
    match String::from_utf8(message.payload) {
        Ok(text) => Line {
            delivered_at_ms,
            message: Some(text),
            message_hex: None,
        },
        Err(bytes) => {
            let hex = bytes
                .as_bytes()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            Line {
                delivered_at_ms,
                message: None,
                message_hex: Some(hex),
            }
        }
    }
}

fn from_hex(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = hex.chars().map(|c| c.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    // Two digits of 16 make a byte.
    Some(
        digits
            .chunks(2)
            .map(|pair| (pair[0] * 16 + pair[1]) as u8)
            .collect(),
    )
}

fn written(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FilesError> {
    let failed = |why| FilesError::Write {
        path: path.to_owned(),
        why,
    };
    let mut out = BufWriter::new(File::create(path).map_err(failed)?);
    write(&mut out).map_err(failed)?;
    out.flush().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_its_line_also_when_it_is_no_text() {
        for payload in [b"{\"node\":\"pgw-1\"}".to_vec(), vec![b'{', 0xff, b'"']] {
            let message = FeedMessage {
                delivered_at_ms: 1_770_000_000_000,
                payload,
            };
            let text = serde_json::to_string(&line(message.clone())).unwrap();
            assert_eq!(parse_line(&text).unwrap(), message, "{text}");
        }
        assert!(parse_line("{}").is_err());
        assert!(parse_line("{\"delivered_at_ms\":1,\"message_hex\":\"zz\"}").is_err());
    }
}
