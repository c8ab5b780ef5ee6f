//! A cohort of `programme.toml`: its allowances, its thresholds, and what happens when an allowance is used up.

use hissa_core::registry::{Allowance, Class, Cohort, OnExhausted};
use jiff::civil::Date;

use super::section::{Located, Section};

/// The classes that an allowance can be of, under their keys.
const CLASSES: [(&str, Class); 3] = [
    ("education", Class::Education),
    ("system", Class::System),
    ("other", Class::Other),
];

/// Reads a cohort; its id comes apart, for it serves also where the rest is wrong.
pub fn read(
    section: &Section<'_>,
    valid: Option<(Date, Date)>,
) -> (Option<Located<String>>, Option<Cohort>) {
    section.need(&["id", "allowance"]);
    let id = section.text("id").filter(|id| check_id(section, id));
    let enforce_from = section.date("enforce_from");
    if let (Some(enforce_from), Some((from, to))) = (&enforce_from, valid)
        && !(from..=to).contains(&enforce_from.value)
    {
        section.report(
            enforce_from.span.clone(),
            format!(
                "`enforce_from` lies outside of the programme, which is valid from {from} to {to}"
            ),
            "choose a day of the programme, or leave `enforce_from` out: the cohort is then observed only",
        );
    }
    let allowances = section.table("allowance", read_allowances);
    let thresholds = read_thresholds(section);
    let actions = section.table("on_exhausted", |actions| {
        read_actions(actions, allowances.as_deref().unwrap_or_default())
    });
    let cohort = id.as_ref().map(|id| Cohort {
        id: id.value.clone(),
        enforce_from: enforce_from.map(|date| date.value),
        allowances: with_actions(
            &allowances.unwrap_or_default(),
            &actions.unwrap_or_default(),
        ),
        thresholds,
    });
    (id, cohort)
}

fn check_id(section: &Section<'_>, id: &Located<String>) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let fine = id.value.len() <= 64 && id.value.chars().all(plain);
    if !fine {
        section.report(
            id.span.clone(),
            format!("\"{}\" cannot be a cohort's id", id.value),
            "use up to 64 lower-case letters, digits, `-`, `_` and `.`",
        );
    }
    fine
}

/// The allowances that are named; without bytes where these could not be read.
type Named = (Class, Option<u64>);

fn read_allowances(section: &Section<'_>) -> Vec<Named> {
    let mut all = Vec::new();
    for (key, class) in CLASSES {
        let read = section.table(key, |allowance| {
            allowance.need(&["bytes", "every"]);
            allowance.word("every", &[("month", ())]);
            allowance.bytes("bytes").map(|bytes| bytes.value)
        });
        all.extend(read.map(|bytes| (class, bytes)));
    }
    all
}

/// Percent, rising; none unless said.
fn read_thresholds(section: &Section<'_>) -> Vec<u16> {
    let found = section.integers("thresholds", 1, 100).unwrap_or_default();
    for pair in found.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if after.value <= before.value {
            let mut sorted: Vec<u64> = found.iter().map(|found| found.value).collect();
            sorted.sort_unstable();
            sorted.dedup();
            let source = section.source();
            section.add(
                source
                    .finding(
                        after.span.clone(),
                        format!(
                            "`thresholds` must rise: {} follows {}",
                            after.value, before.value
                        ),
                        format!("write `thresholds = {sorted:?}`"),
                    )
                    .noting(format!("not above {}", before.value)),
            );
            // One finding says it; the rest of the list follows from it.
            break;
        }
    }
    // At most 100, so they fit.
    found
        .iter()
        .filter_map(|found| u16::try_from(found.value).ok())
        .collect()
}

fn read_actions(section: &Section<'_>, allowances: &[Named]) -> Vec<(Class, OnExhausted)> {
    let mut all = Vec::new();
    if let Some(system) = section.keys().find(|key| key.value == "system") {
        section.report(
            system.span,
            "`on_exhausted.system` has no effect: system traffic is never blocked, for tablets break without it",
            "remove it",
        );
        section.table("system", read_action);
    }
    for (key, class) in CLASSES
        .into_iter()
        .filter(|(_, class)| *class != Class::System)
    {
        let Some(action) = section.table(key, read_action) else {
            continue;
        };
        if !allowances.iter().any(|(of, _)| *of == class) {
            let place = section.keys().find(|found| found.value == key);
            section.report(
                place.map_or(section.span(), |place| place.span),
                format!(
                    "`on_exhausted.{key}` without an allowance of {key}: it can never be exhausted"
                ),
                format!(
                    "add `allowance.{key} = {{ bytes = \"…\", every = \"month\" }}`, or remove it"
                ),
            );
        }
        all.extend(action.map(|action| (class, action)));
    }
    all
}

fn read_action(section: &Section<'_>) -> Option<OnExhausted> {
    section.need(&["action"]);
    let action = section.word("action", &[("block", 0), ("throttle", 1), ("notify", 2)])?;
    let rate = section.integer("kbit_s", 1, 10_000_000);
    match action.value {
        1 => {
            if !section.has("kbit_s") {
                section.report(
                    action.span,
                    "a throttle needs a rate",
                    "add `kbit_s = 512` (kilobits a second)",
                );
            }
            let kbit_s = u32::try_from(rate?.value).ok()?;
            Some(OnExhausted::Throttle { kbit_s })
        }
        other => {
            if let Some(rate) = rate {
                section.report(
                    rate.span,
                    "`kbit_s` belongs to a throttle",
                    "remove it, or write `action = \"throttle\"`",
                );
            }
            Some(if other == 0 {
                OnExhausted::Block
            } else {
                OnExhausted::Notify
            })
        }
    }
}

/// Where the file says nothing, an exhausted allowance blocks.
fn with_actions(allowances: &[Named], actions: &[(Class, OnExhausted)]) -> Vec<Allowance> {
    let mut all: Vec<Allowance> = allowances
        .iter()
        .filter_map(|(class, bytes)| {
            let action = actions.iter().find(|(of, _)| of == class);
            Some(Allowance {
                class: *class,
                bytes: (*bytes)?,
                on_exhausted: action.map_or(OnExhausted::Block, |(_, action)| *action),
            })
        })
        .collect();
    all.sort_by_key(|allowance| allowance.class);
    all
}
