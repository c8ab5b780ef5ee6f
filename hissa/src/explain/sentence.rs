//! What `explain` says: one paragraph for people, from a decision and what the log says of it.

use hissa_core::decision::{Action, Decision, Reason};
use jiff::tz::TimeZone;

use super::evidence::Evidence;
use crate::figures::{gb, gb_short, local};

/// The paragraph: who, what, when; how much of how much; the record that crossed; under which versions; until when.
/// Below it, what the log says of that.
pub fn text(name: &str, decision: &Decision, evidence: &Evidence, zone: &TimeZone) -> String {
    let mut said = vec![format!(
        "{name} {} {} {}.",
        decision.class.as_str(),
        action(decision.action),
        local(decision.effective_at_ms, zone, true),
    )];
    said.push(amount(decision));
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
    if decision.apply_after_ms != decision.effective_at_ms {
        said.push(format!(
            "The carrier applies it from {} on, for resets are spread.",
            local(decision.apply_after_ms, zone, false)
        ));
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

/// How much of how much; the allowance is named where it is not the class's own.
fn amount(decision: &Decision) -> String {
    let allowance = &decision.allowance;
    if allowance.id.is_empty() {
        return "No allowance limits it.".into();
    }
    let of = if allowance.id == decision.class.as_str() {
        String::new()
    } else {
        format!(" of allowance {}", allowance.id)
    };
    format!(
        "{} of {} GB{of}, grants {}.",
        gb(allowance.used_bytes, 2),
        gb_short(allowance.limit_bytes),
        gb_short(allowance.granted_bytes),
    )
}

/// The rule behind the reason, in words: all that there is where no record caused the decision.
fn because(decision: &Decision) -> String {
    let cycle = decision.cycle;
    match decision.reason {
        Reason::Exhausted if decision.cause.is_some() => {
            format!("The allowance of the cycle from {cycle} was used up.")
        }
        Reason::Exhausted => {
            format!("A grant ended, and the allowance of the cycle from {cycle} is used up.")
        }
        Reason::Enrolled => "Decided when the SIM was enrolled, as for every class then.".into(),
        Reason::EnforcementStarted => format!(
            "Decided when enforcement of cohort {} began; before, it was observed only.",
            decision.cohort
        ),
        Reason::Reset => format!("The cycle from {cycle} began."),
        Reason::Granted => "A grant began, or was entered.".into(),
        Reason::PolicyChanged => {
            "A programme, a calendar, an assignment or the end of a grant changed what holds."
                .into()
        }
        Reason::Calendar => "An entry of the calendar began or ended.".into(),
        Reason::Retired => "The SIM left the programme.".into(),
        Reason::Released => "The breaker had held it, until it was released.".into(),
    }
}
