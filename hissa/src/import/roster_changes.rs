//! What the rows of one SIM change in what the registry holds of it.

use hissa_core::registry::{Command, Enrolment, Retirement};
use jiff::civil::Date;

use super::plan::Difference;
use super::registry_view::DirectoryEntry;
use super::sim_history::SimHistory;

/// The changes of one SIM: commands, and words for people.
pub struct Changes {
    /// What the registry would hold after the commands so far.
    history: SimHistory,
    is_new: bool,
    pub commands: Vec<Command>,
    words: Vec<String>,
}

impl Changes {
    /// None yet.
    pub fn of(held: Option<&SimHistory>) -> Changes {
        Changes {
            history: held.cloned().unwrap_or_default(),
            is_new: held.is_none(),
            commands: Vec::new(),
            words: Vec::new(),
        }
    }

    /// Takes a row. Where the SIM is retired with it, a `retire` says so; what else lasts longer ends by that as well.
    pub fn row(&mut self, wanted: &Enrolment, retires: bool) {
        let held = self.history.beginning(wanted.valid_from);
        let stands =
            held == Some(wanted) || held.is_some_and(|held| retires && is_longer(held, wanted));
        if !stands {
            let before = held.or_else(|| self.history.speaking_of(wanted.valid_from));
            self.words.push(words(before, wanted));
            self.enter(Command::Enrol(wanted.clone()));
        }
        let Some(at) = wanted.valid_until.filter(|_| retires) else {
            return;
        };
        if self.history.retired() != Some(at) {
            self.words.push(format!("retired from {at} on"));
            self.enter(Command::Retire(Retirement {
                sim: wanted.sim,
                at,
            }));
        }
    }

    fn enter(&mut self, command: Command) {
        match &command {
            Command::Enrol(enrolment) => self.history.enrol(enrolment.clone()),
            Command::Retire(retirement) => self.history.retire(retirement.at),
            _ => {}
        }
        self.commands.push(command);
    }

    /// Tells of assignments that begin behind the last row: they stay, whatever the file says of the time before.
    pub fn kept_behind(&mut self, last: Date) {
        if self.commands.is_empty() {
            return;
        }
        for kept in self.history.assignments() {
            if kept.valid_from > last {
                self.words.push(format!(
                    "what is registered from {} on ({}) stays, though it is not in the file",
                    kept.valid_from, kept.cohort
                ));
            }
        }
    }

    /// Compares what people call the tablet.
    pub fn entry(&mut self, entry: &DirectoryEntry, known: Option<&DirectoryEntry>) {
        match known {
            None if self.is_new => {}
            None => self.words.push("tag not known before".into()),
            Some(known) if known.asset_tag != entry.asset_tag => {
                self.words
                    .push(format!("tag {} → {}", known.asset_tag, entry.asset_tag));
            }
            Some(known) if known != entry => {
                self.words.push("school name, language or groups".into());
            }
            Some(_) => {}
        }
    }

    /// Adds the SIM to the difference.
    pub fn note(&self, difference: &mut Difference, tag: &str) {
        let line = || format!("{tag}: {}", self.words.join(", "));
        if self.words.is_empty() {
            difference.unchanged += 1;
        } else if self.is_new {
            difference.add_new(line);
        } else {
            difference.add_changed(line);
        }
    }
}

/// Whether the one is the other but for its end, which lies later.
fn is_longer(held: &Enrolment, wanted: &Enrolment) -> bool {
    let longer = match (held.valid_until, wanted.valid_until) {
        (None, Some(_)) => true,
        (Some(held), Some(wanted)) => held > wanted,
        (_, None) => false,
    };
    let same = Enrolment {
        valid_until: wanted.valid_until,
        ..held.clone()
    };
    longer && same == *wanted
}

/// An assignment, beside the one that spoke of its first day before.
fn words(before: Option<&Enrolment>, wanted: &Enrolment) -> String {
    let mut from = format!("from {}", wanted.valid_from);
    if let Some(until) = wanted.valid_until {
        from += &format!(" until {until} (exclusive)");
    }
    let Some(before) = before else {
        return format!("{} {from}", wanted.cohort);
    };
    let mut changes = Vec::new();
    let mut compare = |what: &str, before: &str, after: &str| {
        if before != after {
            changes.push(format!("{what} {before} → {after}"));
        }
    };
    compare("cohort", &before.cohort, &wanted.cohort);
    let (was, is) = (&before.place, &wanted.place);
    compare("school", &was.school, &is.school);
    compare("commune", &was.commune, &is.commune);
    compare("province", &was.province, &is.province);
    compare("region", &was.region, &is.region);
    compare("milieu", &was.milieu, &is.milieu);
    if (before.device, before.device_tac) != (wanted.device, wanted.device_tac) {
        changes.push("another tablet".into());
    }
    let end = |of: &Enrolment| {
        of.valid_until
            .map_or("none".into(), |until| until.to_string())
    };
    if before.valid_from == wanted.valid_from && before.valid_until != wanted.valid_until {
        changes.push(format!("end {} → {}", end(before), end(wanted)));
    }
    if changes.is_empty() {
        return format!("assigned anew {from}");
    }
    format!("{} {from}", changes.join(", "))
}
