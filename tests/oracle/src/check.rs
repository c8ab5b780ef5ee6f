//! What a shard refuses of the registry, before it has changed anything (T4, R2 to R4, K3).

use std::collections::BTreeSet;

use crate::day::Day;
use crate::names::Class;
use crate::period::Every;
use crate::registry::{
    Catalogue, Command, Enrol, Grant, Message, OnExhausted, Programme, Span, SpanKind,
};
use crate::rules::Rules;
use crate::zone::Zone;

/// First instant that a shard does not accept (T4): 9000-01-01.
const YEAR_9000: i64 = 221_845_392_000_000;
/// How long before its midnight a rule of the catalogue is entered (K3).
const AHEAD: i64 = 15 * 60_000;

type Checked = Result<(), String>;

fn ensure(fine: bool, why: impl FnOnce() -> String) -> Checked {
    if fine { Ok(()) } else { Err(why()) }
}

/// A time that moves the clock lies in the years 1970 to 8999 (T4).
pub(crate) fn time(ms: i64) -> Checked {
    ensure((0..YEAR_9000).contains(&ms), || {
        format!("{ms} ms is outside the years 1970 to 8999")
    })
}

fn date(day: Day) -> Checked {
    ensure(day.is_accepted(), || {
        format!("{day} is outside the years 1970 to 8999")
    })
}

/// Whether a command can follow what `rules` say.
pub(crate) fn command(message: &Message, rules: &Rules) -> Checked {
    time(message.entered_at_ms)?;
    match &message.command {
        Command::Programme(new) => programme(new),
        Command::Calendar { entries } => calendar(entries),
        Command::Catalogue(new) => catalogue(new, message.entered_at_ms, rules),
        Command::Feed(_) | Command::Breaker { .. } => Ok(()),
        Command::Enrol(new) => enrol(new),
        Command::Retire { at, .. } => date(*at),
        Command::Opening(opening) => date(opening.as_of),
        Command::Grant(new) => grant(new, rules),
        Command::Void { grant, .. } => ensure(rules.grant(grant).is_some(), || {
            format!("grant {grant:?} is not known")
        }),
        Command::Logic { version } => {
            ensure(*version == 1, || format!("logic {version} is not known"))
        }
    }
}

fn programme(new: &Programme) -> Checked {
    ensure(Zone::named(&new.timezone).is_some(), || {
        format!("zone {:?} is not known", new.timezone)
    })?;
    ensure((0..=366).contains(&new.closes_after_days), || {
        "closes_after_days is over 366".to_owned()
    })?;
    ensure(new.unknown_charged_to != Class::Unknown, || {
        "unknown is charged to unknown".to_owned()
    })?;
    let ids: BTreeSet<&str> = new
        .cohorts
        .iter()
        .map(|cohort| cohort.id.as_str())
        .collect();
    ensure(ids.len() == new.cohorts.len(), || {
        "two cohorts have one id".to_owned()
    })?;
    for cohort in &new.cohorts {
        cohort.enforce_from.map_or(Ok(()), date)?;
        let ids: BTreeSet<&str> = cohort
            .allowances
            .iter()
            .map(|allowance| allowance.id.as_str())
            .collect();
        ensure(ids.len() == cohort.allowances.len(), || {
            format!("two allowances of {:?} have one id", cohort.id)
        })?;
        let percents = &cohort.thresholds;
        let rising = percents.is_sorted_by(|one, next| one < next)
            && percents.iter().all(|percent| (1..=100).contains(percent));
        ensure(rising, || {
            format!("thresholds of {:?} do not rise from 1 to 100", cohort.id)
        })?;
        ensure(cohort.breaker.share_permille <= 1000, || {
            "a share is over 1,000 per mille".to_owned()
        })?;
        for allowance in &cohort.allowances {
            if let Every::Days(days) = allowance.every {
                ensure((1..=366).contains(&days), || {
                    format!("{days} days are no period")
                })?;
            }
            if let OnExhausted::Throttle { kbit_s } = allowance.on_exhausted {
                ensure(kbit_s > 0, || "a throttle to 0 kbit/s".to_owned())?;
            }
        }
    }
    Ok(())
}

fn calendar(entries: &[Span]) -> Checked {
    for entry in entries {
        date(entry.from)?;
        date(entry.to)?;
        ensure(entry.from <= entry.to, || {
            format!("an entry from {} ends before it begins", entry.from)
        })?;
    }
    let mut terms: Vec<&Span> = entries
        .iter()
        .filter(|entry| entry.kind == SpanKind::Term)
        .collect();
    terms.sort_by_key(|term| term.from);
    ensure(terms.is_sorted_by(|one, next| one.to < next.from), || {
        "terms overlap".to_owned()
    })
}

fn catalogue(new: &Catalogue, entered_at: i64, rules: &Rules) -> Checked {
    let mut seen = BTreeSet::new();
    for rule in &new.rules {
        rule.valid_from.map_or(Ok(()), date)?;
        let fresh = seen.insert((rule.rating_group, rule.service_id, rule.valid_from));
        ensure(fresh, || {
            format!(
                "two rules for rating group {} and one date",
                rule.rating_group
            )
        })?;
        let ahead = |from: Day| rules.zone.midnight(from) >= entered_at + AHEAD;
        let allowed =
            rules.catalogues.is_empty() || rules.stands(rule) || rule.valid_from.is_some_and(ahead);
        ensure(allowed, || {
            format!(
                "the rule for rating group {} changes the past",
                rule.rating_group
            )
        })?;
    }
    Ok(())
}

fn enrol(new: &Enrol) -> Checked {
    date(new.valid_from)?;
    let Some(until) = new.valid_until else {
        return Ok(());
    };
    date(until)?;
    ensure(new.valid_from < until, || {
        "an enrolment has no days".to_owned()
    })
}

fn grant(new: &Grant, rules: &Rules) -> Checked {
    date(new.valid_from)?;
    date(new.valid_until)?;
    ensure(new.bytes > 0, || format!("grant {:?} has no bytes", new.id))?;
    ensure(new.valid_from < new.valid_until, || {
        format!("grant {:?} has no days", new.id)
    })?;
    ensure(new.cohort.is_some() != new.sim.is_some(), || {
        format!("grant {:?} names both or neither", new.id)
    })?;
    ensure(rules.grant(&new.id).is_none(), || {
        format!("grant {:?} is known", new.id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn check(command: Value, rules: &Rules) -> Checked {
        let message = json!({"entered_at_ms": 1_770_000_000_000_i64, "command": command});
        super::command(&serde_json::from_value(message).unwrap(), rules)
    }

    #[test]
    fn the_year_9000_is_not_accepted() {
        assert_eq!(time(YEAR_9000 - 1), Ok(()));
        assert!(time(YEAR_9000).is_err());
        assert!(time(-1).is_err());
        assert_eq!(YEAR_9000, crate::instant::ms("9000-01-01T00:00:00Z"));
    }

    #[test]
    fn another_logic_than_1_is_refused() {
        assert_eq!(
            check(json!({"command": "logic", "version": 1}), &Rules::new()),
            Ok(())
        );
        assert!(check(json!({"command": "logic", "version": 2}), &Rules::new()).is_err());
    }

    #[test]
    fn terms_that_overlap_are_refused() {
        let term = |from: &str, to: &str| json!({"kind": "term", "from": from, "to": to});
        let calendar = |entries: Value| {
            check(
                json!({"command": "calendar", "entries": entries}),
                &Rules::new(),
            )
        };
        assert_eq!(
            calendar(json!([
                term("2026-02-01", "2026-02-02"),
                term("2026-01-01", "2026-01-31")
            ])),
            Ok(())
        );
        assert!(
            calendar(json!([
                term("2026-01-01", "2026-02-01"),
                term("2026-02-01", "2026-02-02")
            ]))
            .is_err()
        );
    }

    #[test]
    fn a_later_catalogue_leaves_the_past_as_it_is() {
        let mut rules = Rules::new();
        let version = |class: &str, from: Value| {
            json!({"command": "catalogue", "version": "1", "rules": [
                {"rating_group": 1, "service_id": null, "class": class, "service": "s", "valid_from": from}]})
        };
        let first = version("other", Value::Null);
        assert_eq!(check(first.clone(), &rules), Ok(()));
        rules
            .catalogues
            .push(Arc::new(serde_json::from_value(first.clone()).unwrap()));
        assert_eq!(check(first, &rules), Ok(()));
        assert!(check(version("education", Value::Null), &rules).is_err());
        // It was entered on 2 February 2026 at 02:40.
        assert!(check(version("education", json!("2026-02-02")), &rules).is_err());
        assert_eq!(
            check(version("education", json!("2026-02-03")), &rules),
            Ok(())
        );
    }

    #[test]
    fn a_grant_is_for_a_cohort_or_a_sim_and_has_bytes_and_days() {
        let grant = |cohort: Value, bytes: u64, until: &str| {
            let grant = json!({"command": "grant", "id": "g", "cohort": cohort, "allowance": "e", "bytes": bytes,
                "valid_from": "2026-02-01", "valid_until": until, "priority": 1, "donor": "d"});
            check(grant, &Rules::new())
        };
        assert_eq!(grant(json!("c"), 1, "2026-02-02"), Ok(()));
        assert!(grant(Value::Null, 1, "2026-02-02").is_err());
        assert!(grant(json!("c"), 0, "2026-02-02").is_err());
        assert!(grant(json!("c"), 1, "2026-02-01").is_err());
    }
}
