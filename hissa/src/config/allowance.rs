//! `allowance.<id>` and `on_exhausted.<id>` of a cohort: how many bytes of what, how often, and what comes then.

use hissa_core::registry::{Allowance, OnExhausted, Period, Scope};

use super::cohort::check_id;
use super::quantity::{bytes_text, per};
use super::section::{Located, Section};

/// What an allowance can be for. The first three are ids as well, which say their class themselves.
const CLASSES: [(&str, Scope); 4] = [
    ("education", Scope::Education),
    ("system", Scope::System),
    ("other", Scope::Other),
    ("all", Scope::All),
];

/// An allowance, as far as it could be read.
pub struct AllowanceRead {
    /// Its key in the file.
    pub id: Located<String>,
    scope: Option<Scope>,
    bytes: Option<Located<u64>>,
    /// Its period, for checks against the calendar.
    pub every: Option<Located<Period>>,
    rollover_max_bytes: u64,
}

/// Reads the table `allowance` of a cohort, in the order of the file: it decides among equals.
pub fn read_all(section: &Section<'_>) -> Vec<AllowanceRead> {
    section.named_tables(|key, allowance| read(key.map(str::to_owned), allowance))
}

fn read(id: Located<String>, section: &Section<'_>) -> AllowanceRead {
    check_id(section, &id, "an allowance");
    let implied = CLASSES[..3].iter().find(|(name, _)| *name == id.value);
    let implied = implied.map(|(_, scope)| *scope);
    if implied.is_none() {
        section.need(&["class"]);
    }
    section.need(&["bytes", "every"]);
    let class = section.word("class", &CLASSES);
    if let (Some(implied), Some(class)) = (implied, &class)
        && implied != class.value
    {
        section.report(
            class.span.clone(),
            format!(
                "`allowance.{}` is of class {}: its name would mislead",
                id.value,
                class.value.as_str()
            ),
            "give the allowance a name of its own, or remove `class`",
        );
    }
    let bytes = section.bytes("bytes");
    let every = section.period("every");
    let rollover = section.bytes("rollover_max");
    if let (Some(bytes), Some(rollover)) = (&bytes, &rollover)
        && bytes.value == 0
        && rollover.value > 0
    {
        section.report(
            rollover.span.clone(),
            "`rollover_max` of an allowance of 0 bytes: nothing is ever left of it",
            "remove it, or give the allowance bytes",
        );
    }
    AllowanceRead {
        scope: implied.or(class.map(|class| class.value)),
        id,
        bytes,
        every,
        rollover_max_bytes: rollover.map_or(0, |rollover| rollover.value),
    }
}

/// What an allowance leads to, under its id.
pub type Then = (Located<String>, OnExhausted);

/// Reads the table `on_exhausted` of a cohort.
pub fn read_actions(section: &Section<'_>, allowances: &[AllowanceRead]) -> Vec<Then> {
    let read = section.named_tables(|id, action| {
        let then = read_action(action);
        let id = id.map(str::to_owned);
        let known = allowances.iter().find(|known| known.id.value == id.value);
        match known {
            None => section.report(
                id.span.clone(),
                format!(
                    "`on_exhausted.{0}` without `allowance.{0}`: there is nothing to exhaust",
                    id.value
                ),
                format!(
                    "add `allowance.{} = {{ bytes = \"…\", every = \"month\" }}`, or remove it",
                    id.value
                ),
            ),
            Some(known) if known.scope == Some(Scope::System) => section.report(
                id.span.clone(),
                format!("`on_exhausted.{}` has no effect: system traffic is never blocked, for tablets break without it", id.value),
                "remove it",
            ),
            Some(_) => {}
        }
        then.map(|then| (id, then))
    });
    read.into_iter().flatten().collect()
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

/// The allowances that could be read whole. Where the file says nothing, an exhausted allowance blocks.
pub fn with_actions(read: &[AllowanceRead], actions: &[Then]) -> Vec<Allowance> {
    let whole = |allowance: &AllowanceRead| {
        let action = actions
            .iter()
            .find(|(id, _)| id.value == allowance.id.value);
        Some(Allowance {
            id: allowance.id.value.clone(),
            scope: allowance.scope?,
            bytes: allowance.bytes.as_ref()?.value,
            every: allowance.every.as_ref()?.value,
            rollover_max_bytes: allowance.rollover_max_bytes,
            on_exhausted: action.map_or(OnExhausted::Block, |(_, action)| *action),
        })
    };
    read.iter().filter_map(whole).collect()
}

/// Where everything is blocked, a class cannot use more in the same time: its allowance would be a promise that nobody
/// keeps.
pub fn refuse_unreachable(section: &Section<'_>, read: &[AllowanceRead], whole: &[Allowance]) {
    let blocks_all =
        |of: &&Allowance| of.scope == Scope::All && of.on_exhausted == OnExhausted::Block;
    for all in whole.iter().filter(blocks_all) {
        let most = all.bytes.saturating_add(all.rollover_max_bytes);
        for small in whole.iter().filter(|of| {
            matches!(of.scope, Scope::Education | Scope::Other)
                && of.every == all.every
                && of.bytes > most
        }) {
            let place = |id: &str| {
                let found = read.iter().find(|read| read.id.value == id);
                let bytes = found.and_then(|found| found.bytes.as_ref());
                bytes.map_or(section.span(), |bytes| bytes.span.clone())
            };
            let source = section.source();
            let per = per(all.every);
            section.add(
                source
                    .finding(
                        place(&all.id),
                        format!(
                            "`allowance.{}` blocks all traffic at {} {per}: the {} of `allowance.{}` can never be used",
                            all.id,
                            bytes_text(all.bytes),
                            bytes_text(small.bytes),
                            small.id
                        ),
                        format!(
                            "give `allowance.{0}` as much at the least, or let `on_exhausted.{0}` throttle",
                            all.id
                        ),
                    )
                    .seeing(source.place(place(&small.id), "more than that")),
            );
        }
    }
}
