//! The grants of the registry, for people.

use jiff::civil::Date;
use serde::Serialize;

use crate::figures::gb;
use crate::import::RegistryView;
use crate::import::commands::name;

/// A grant, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub id: String,
    /// A cohort, or what people call a SIM.
    pub whose: String,
    pub allowance: String,
    pub bytes: u64,
    pub valid_from: Date,
    /// Exclusive.
    pub valid_until: Date,
    pub priority: u32,
    pub donor: String,
    pub state: State,
    /// Whether a programme's file gave it, and takes it back when it no longer names it.
    pub of_programme: bool,
}

/// How a grant stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Coming,
    Valid,
    Ended,
    Void,
}

/// All grants, by their first day.
pub fn of(view: &RegistryView, today: Date) -> Vec<Listed> {
    let mut listed: Vec<Listed> = view
        .grants
        .values()
        .map(|held| {
            let grant = &held.grant;
            let sim = grant.sim.map(|sim| name(view, sim));
            Listed {
                id: grant.id.clone(),
                whose: sim.or(grant.cohort.clone()).unwrap_or_default(),
                allowance: grant.allowance.clone(),
                bytes: grant.bytes,
                valid_from: grant.valid_from,
                valid_until: grant.valid_until,
                priority: grant.priority,
                donor: grant.donor.clone(),
                state: match today {
                    _ if held.void => State::Void,
                    today if today < grant.valid_from => State::Coming,
                    today if today >= grant.valid_until => State::Ended,
                    _ => State::Valid,
                },
                of_programme: held.of_programme,
            }
        })
        .collect();
    listed.sort_by(|a, b| (a.valid_from, &a.id).cmp(&(b.valid_from, &b.id)));
    listed
}

/// One line each.
pub fn text(listed: &[Listed]) -> String {
    if listed.is_empty() {
        return "no grants are registered; `hissa grant add`, or a [[grant]] of the programme, gives one\n".into();
    }
    let lines = listed.iter().map(|grant| {
        let state = match grant.state {
            State::Coming => "coming",
            State::Valid => "valid",
            State::Ended => "ended",
            State::Void => "void",
        };
        let last = grant.valid_until.yesterday().unwrap_or(grant.valid_until);
        let donor = match grant.donor.as_str() {
            "" => String::new(),
            donor => format!("; {donor}"),
        };
        format!(
            "{:<24} {state:<7} {} to {last}  {} GB of {} for {}, priority {}{donor}\n",
            grant.id,
            grant.valid_from,
            gb(grant.bytes, 0),
            grant.allowance,
            grant.whose,
            grant.priority
        )
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use hissa_core::registry::{Command, Entered, Grant, Void};

    use super::*;

    #[test]
    fn a_grant_is_coming_valid_ended_or_void() {
        let grant = |id: &str, from: &str, until: &str| {
            Command::Grant(Grant {
                id: id.into(),
                cohort: Some("khatwat-khir".into()),
                sim: None,
                allowance: "education".into(),
                bytes: 10_000_000_000,
                valid_from: from.parse().unwrap(),
                valid_until: until.parse().unwrap(),
                priority: 10,
                donor: "Khatwat Khir".into(),
            })
        };
        let mut view = RegistryView::default();
        for command in [
            grant("don-ramadan-1447", "2026-02-19", "2026-03-21"),
            grant("winter", "2026-01-01", "2026-02-20"),
            grant("spring", "2026-04-01", "2026-05-01"),
            grant("error", "2026-02-01", "2026-05-01"),
            Command::Void(Void {
                grant: "error".into(),
                sim: None,
            }),
        ] {
            let entered = Entered {
                entered_at_ms: 0,
                command,
            };
            view.enter(entered, false);
        }
        insta::assert_snapshot!(text(&of(&view, "2026-02-20".parse().unwrap())), @r"
        winter                   ended   2026-01-01 to 2026-02-19  10 GB of education for khatwat-khir, priority 10; Khatwat Khir
        error                    void    2026-02-01 to 2026-04-30  10 GB of education for khatwat-khir, priority 10; Khatwat Khir
        don-ramadan-1447         valid   2026-02-19 to 2026-03-20  10 GB of education for khatwat-khir, priority 10; Khatwat Khir
        spring                   coming  2026-04-01 to 2026-04-30  10 GB of education for khatwat-khir, priority 10; Khatwat Khir
        ");
    }
}
