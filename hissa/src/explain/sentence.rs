//! What `explain` says: one paragraph for people, from a decision and what the log says of it.

use hissa_core::decision::{Action, Decision, Reason};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::evidence::Evidence;

/// The paragraph: who, what, when; how much of how much; the record that crossed; under which versions; until when.
/// Below it, what the log says of that.
pub fn text(name: &str, decision: &Decision, evidence: &Evidence, zone: &TimeZone) -> String {
    let mut said = vec![format!(
        "{name} {} {} {}.",
        decision.class.as_str(),
        action(decision.action),
        local(decision.effective_at_ms, zone, true),
    )];
    let allowance = &decision.allowance;
    said.push(
        match (decision.reason, allowance.limit_bytes, allowance.used_bytes) {
            (Reason::Enrolled | Reason::EnforcementStarted, 0, 0)
                if decision.action == Action::Allow =>
            {
                "No allowance limits it.".into()
            }
            (_, limit, used) => format!("{} of {} GB.", gb(used, 2), gb(limit, 0)),
        },
    );
    said.push(because(decision));
    if let Some(cause) = &decision.cause {
        let record = &cause.record;
        said.push(format!(
            "Crossing record: hissa.usage/{} @{} row {} ({} partition {} @{}, {} CDR {} sequence {}, rating group {}, service id {}).",
            decision.partition,
            cause.offset,
            cause.row,
            cause.source.feed,
            cause.source.partition,
            cause.source_position.offset,
            record.node,
            record.charging_id,
            record.record_sequence,
            record.rating_group,
            record.service_id,
        ));
    }
    said.push(if decision.policy_version == decision.catalogue_version {
        format!("Policy and catalogue {}.", decision.policy_version)
    } else {
        format!(
            "Policy {}, catalogue {}.",
            decision.policy_version, decision.catalogue_version
        )
    });
    if !decision.rule.is_empty() {
        said.push(format!("Rule: {}.", decision.rule.trim_end_matches('.')));
    }
    if let Some(until_ms) = decision.until_ms {
        let what = match decision.action {
            Action::Allow => "Next known change",
            _ => "Resets",
        };
        said.push(format!("{what} {}.", local(until_ms, zone, false)));
    }
    format!(
        "{}\n{}\n",
        said.join(" "),
        evidence.sentences(decision).join(" ")
    )
}

fn action(action: Action) -> String {
    match action {
        Action::Allow => "allowed".into(),
        Action::Block => "blocked".into(),
        Action::Throttle { kbit_s } => format!("throttled to {kbit_s} kbit/s"),
    }
}

/// The rule behind the reason, in words: all that there is where no record caused the decision.
fn because(decision: &Decision) -> String {
    let cycle = decision.cycle;
    match decision.reason {
        Reason::Exhausted => format!("The allowance of the month from {cycle} was used up."),
        Reason::Enrolled => "Decided when the SIM was enrolled, as for every class then.".into(),
        Reason::EnforcementStarted => format!(
            "Decided when enforcement of cohort {} began; before, it was observed only.",
            decision.cohort
        ),
        Reason::Reset => format!("The month from {cycle} began with a whole allowance."),
        Reason::PolicyChanged => "A later programme or enrolment changed what holds.".into(),
    }
}

/// Gigabytes with so many decimals, rounded down: what is nearly used up is not shown as used up. Whole figures of
/// limits keep their decimals where they have some.
pub fn gb(bytes: u64, decimals: usize) -> String {
    let (whole, rest) = (bytes / 1_000_000_000, bytes % 1_000_000_000);
    let digits = format!("{rest:09}");
    let kept = match decimals {
        0 => digits.trim_end_matches('0'),
        some => &digits[..some],
    };
    if kept.is_empty() {
        whole.to_string()
    } else {
        format!("{whole}.{kept}")
    }
}

/// A local time to the minute, with the zone's offset where that is asked for: `2026-02-22 19:04 (+00)`.
pub fn local(at_ms: i64, zone: &TimeZone, with_offset: bool) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let civil = zone.to_datetime(at);
    let text = format!("{} {:02}:{:02}", civil.date(), civil.hour(), civil.minute());
    if !with_offset {
        return text;
    }
    let minutes = zone.to_offset(at).seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
    match rest {
        0 => format!("{text} ({sign}{hours:02})"),
        rest => format!("{text} ({sign}{hours:02}:{rest:02})"),
    }
}
