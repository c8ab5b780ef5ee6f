//! What the registry holds, in one line each, for differences and lists.

use hissa_core::registry::{
    CalendarEntry, CalendarKind, Cohort, Counter, Feed, Grant, OnExhausted, Rule, Scope,
};

use crate::config::quantity::{bytes_text, duration_text, per};

/// A cohort with its allowances.
pub fn cohort(cohort: &Cohort) -> String {
    let allowances: Vec<String> = cohort
        .allowances
        .iter()
        .map(|allowance| {
            let (id, scope) = (&allowance.id, allowance.scope);
            let of = if id == scope.as_str() {
                String::new()
            } else {
                format!(" of {}", scope.as_str())
            };
            let (bytes, per) = (bytes_text(allowance.bytes), per(allowance.every));
            let rolled = match allowance.rollover_max_bytes {
                0 => String::new(),
                most => format!(", up to {} rolled over", bytes_text(most)),
            };
            let then = match (scope, allowance.on_exhausted) {
                (Scope::System, _) => String::new(),
                (_, OnExhausted::Block) => ", then block".into(),
                (_, OnExhausted::Throttle { kbit_s }) => {
                    format!(", then throttle to {kbit_s} kbit/s")
                }
                (_, OnExhausted::Notify) => ", then notify".into(),
            };
            format!("{id} {bytes}{of} {per}{rolled}{then}")
        })
        .collect();
    let from = match cohort.enforce_from {
        Some(date) => format!("enforced from {date}"),
        None => "observed only".into(),
    };
    format!("cohort {}: {}; {from}", cohort.id, allowances.join("; "))
}

/// What of a cohort its allowances do not say; for differences alone.
pub fn cohort_rest(cohort: &Cohort) -> String {
    let thresholds: Vec<String> = cohort.thresholds.iter().map(u16::to_string).collect();
    let breaker = cohort.breaker;
    format!(
        "thresholds {}; restored over {}; breaker {}.{} %, {} SIMs",
        if thresholds.is_empty() {
            "none".into()
        } else {
            thresholds.join(", ")
        },
        duration_text(u64::from(cohort.restore_over_ms)),
        breaker.share_permille / 10,
        breaker.share_permille % 10,
        breaker.at_least
    )
}

/// A feed.
pub fn feed(feed: &Feed) -> String {
    let tolerance = duration_text(u64::from(feed.future_tolerance_ms));
    let counter = match feed.counter {
        Counter::Delta => "",
        Counter::Cumulative32 => ", cumulative counters of 32 bits",
        Counter::Cumulative64 => ", cumulative counters of 64 bits",
    };
    format!("feed {}: tolerance {tolerance}{counter}", feed.id)
}

/// A grant; `whose` is a cohort, or what people call a SIM.
pub fn grant(grant: &Grant, whose: &str) -> String {
    let donor = match grant.donor.as_str() {
        "" => String::new(),
        donor => format!(", from {donor}"),
    };
    format!(
        "grant {}: {} of {} for {whose}, {} to {} (exclusive), priority {}{donor}",
        grant.id,
        bytes_text(grant.bytes),
        grant.allowance,
        grant.valid_from,
        grant.valid_until,
        grant.priority
    )
}

/// An entry of the calendar.
pub fn entry(entry: &CalendarEntry) -> String {
    let kind = kind(entry.kind);
    let cohorts = match &entry.cohorts {
        None => String::new(),
        Some(ids) => format!(" for {}", ids.join(", ")),
    };
    let opens: Vec<&str> = entry.opens.iter().map(|class| class.as_str()).collect();
    let opens = match opens.as_slice() {
        [] => String::new(),
        some => format!(", opens {}", some.join(" and ")),
    };
    let quiet = match &entry.quiet_hours {
        None => String::new(),
        Some(hours) => format!(", quiet {hours}"),
    };
    format!(
        "{kind} {} to {}{cohorts}{opens}{quiet}",
        entry.from, entry.to
    )
}

fn kind(kind: CalendarKind) -> &'static str {
    match kind {
        CalendarKind::Term => "term",
        CalendarKind::Break => "break",
        CalendarKind::Holiday => "holiday",
        CalendarKind::Exam => "exam",
        CalendarKind::Ramadan => "ramadan",
    }
}

/// A rule of the catalogue.
pub fn rule(rule: &Rule) -> String {
    let traffic = match rule.service_id {
        Some(id) => format!("rating group {}, service id {id}", rule.rating_group),
        None => format!("rating group {}", rule.rating_group),
    };
    let from = match rule.valid_from {
        Some(date) => format!(" from {date}"),
        None => String::new(),
    };
    match rule.service.as_str() {
        "" => format!("{traffic}: {}{from}", rule.class.as_str()),
        service => format!("{traffic}: {service} ({}){from}", rule.class.as_str()),
    }
}
