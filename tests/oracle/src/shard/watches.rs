//! TabletIdle, SimMoved and PossibleSharing (W5 to W7).

use serde_json::{Value, json};

use super::rows::Usage;
use super::{Because, Shard};
use crate::day::Day;
use crate::names::{Class, Pseudonym};
use crate::watch::{Idle, Moved, MovedAlert, Sharing, SharingAlert, looks_shared};

/// How many school days without use make a tablet idle.
const SCHOOL_DAYS: u32 = 10;
/// After how many days without another one sharing is over.
const QUIET_DAYS: i32 = 7;

impl Shard {
    /// What a `counted` or `late` row tells of its SIM.
    pub(super) fn watch_row(
        &mut self,
        sim: usize,
        usage: &Usage<'_>,
        day: Day,
        class: Class,
        bytes: u64,
        because: &Because,
    ) {
        if self.has_left(sim) {
            return;
        }
        if class != Class::System && bytes > 0 {
            self.watch_use(sim, day, because);
        }
        if let Some((device, tac)) = usage.device {
            let place = usage.row.offset;
            self.watch_device(sim, (device, tac), place, day, because);
        }
        self.watch_sharing(sim, day, class, bytes, because);
    }

    /// Use ends a row of days without it (W5).
    fn watch_use(&mut self, sim: usize, day: Day, because: &Because) {
        let today = self.today;
        let idle = &mut self.sims[sim].idle;
        idle.last_used = idle.last_used.max(Some(day));
        if day >= today.plus(-1) {
            idle.used.insert(day);
        }
        if idle.last_counted.is_none_or(|last| day >= last) {
            idle.days = 0;
            self.end_idle(sim, because);
        }
    }

    /// Step 1: a day has ended, with or without use. `heard` tells that it was not deaf.
    pub(super) fn watch_idle(&mut self, sim: usize, day: Day, heard: bool, because: &Because) {
        let cohort = self.sims[sim]
            .cohort(self.steps.assignments)
            .unwrap_or_default();
        let counts = heard && self.rules.is_school_day(day, cohort);
        let enrolled = self.sims[sim].is_enrolled(day);
        let Idle {
            days,
            last_counted,
            used,
            fires,
            ..
        } = &mut self.sims[sim].idle;
        let was_used = used.contains(&day);
        used.retain(|&used| used > day);
        if was_used || (counts && !enrolled) {
            *days = 0;
        } else if counts {
            *days += 1;
            *last_counted = Some(day);
            if *days >= SCHOOL_DAYS && fires.is_none() {
                let id = format!("TabletIdle/{}/{}", self.sims[sim].name, self.today);
                self.sims[sim].idle.fires = Some(id.clone());
                self.say(&id, "TabletIdle", "fire", self.idle_details(sim), because);
            }
        }
    }

    pub(super) fn end_idle(&mut self, sim: usize, because: &Because) {
        if let Some(id) = self.sims[sim].idle.fires.take() {
            self.say(
                &id,
                "TabletIdle",
                "resolve",
                self.idle_details(sim),
                because,
            );
        }
    }

    fn idle_details(&self, sim: usize) -> Value {
        let last_used = self.sims[sim].idle.last_used;
        self.about(
            sim,
            json!({"last_used_on": last_used, "school_days": SCHOOL_DAYS}),
        )
    }

    /// W6.
    fn watch_device(
        &mut self,
        sim: usize,
        (device, tac): (Pseudonym, u32),
        place: u64,
        day: Day,
        because: &Because,
    ) {
        let Some(present) = self.sims[sim].present(self.steps.assignments) else {
            return;
        };
        let Some(enrolled) = present.device else {
            return;
        };
        if device == enrolled {
            self.end_moved(sim, because);
            return;
        }
        let programme = self.rules.programme.as_ref();
        let is_tablet = programme.is_some_and(|programme| programme.tablet_tacs.contains(&tac));
        if tac == present.device_tac || is_tablet {
            return;
        }
        let (name, today) = (self.sims[sim].name, self.today);
        let Moved { evidence, fires } = &mut self.sims[sim].moved;
        let change = if let Some(alert) = fires {
            if alert.device == device {
                return;
            }
            (alert.device, alert.tac) = (device, tac);
            "update"
        } else {
            match *evidence {
                None => {
                    *evidence = Some((place, day));
                    return;
                }
                Some((last, _)) if last == place => return,
                Some((_, since)) => {
                    let fired_on = today;
                    let id = format!("SimMoved/{name}/{fired_on}");
                    *fires = Some(MovedAlert {
                        id,
                        since,
                        device,
                        tac,
                    });
                    "fire"
                }
            }
        };
        self.say_moved(sim, change, because);
    }

    /// The enrolled device is back, or another one is enrolled, or the SIM has left.
    pub(super) fn end_moved(&mut self, sim: usize, because: &Because) {
        if self.sims[sim].moved.fires.is_some() {
            self.say_moved(sim, "resolve", because);
        }
        self.sims[sim].moved = Moved::default();
    }

    fn say_moved(&mut self, sim: usize, change: &'static str, because: &Because) {
        let Some(MovedAlert { id, since, tac, .. }) = self.sims[sim].moved.fires.clone() else {
            return;
        };
        let details = self.about(sim, json!({"since": since, "device_tac": tac}));
        self.say(&id, "SimMoved", change, details, because);
    }

    /// W7.
    fn watch_sharing(&mut self, sim: usize, day: Day, class: Class, bytes: u64, because: &Because) {
        let today = self.today;
        let yesterday = today.plus(-1);
        if bytes == 0 || day < yesterday || day > today {
            return;
        }
        let name = self.sims[sim].name;
        let tac = self.sims[sim]
            .present(self.steps.assignments)
            .map_or(0, |present| present.device_tac);
        let programme = self.rules.programme.as_ref();
        let is_router = programme.is_some_and(|programme| programme.router_tacs.contains(&tac));
        let Sharing { days, found, fires } = &mut self.sims[sim].sharing;
        days.retain(|&day, _| day >= yesterday);
        let (all, education) = days.entry(day).or_default();
        *all += bytes;
        *education += if class == Class::Education { bytes } else { 0 };
        let told = (day, *all, *education);
        if is_router || !looks_shared(told.1, told.2) || !found.insert(day) {
            return;
        }
        let change = if let Some(alert) = fires {
            alert.latest = alert.latest.max(day);
            alert.told = told;
            "update"
        } else {
            *fires = Some(SharingAlert {
                id: format!("PossibleSharing/{name}/{day}"),
                latest: day,
                told,
            });
            "fire"
        };
        self.say_sharing(sim, change, because);
    }

    /// Step 1: a day has ended.
    pub(super) fn watch_sharing_end(&mut self, sim: usize, ended: Day, because: &Because) {
        let fires = self.sims[sim].sharing.fires.as_ref();
        if fires.is_some_and(|alert| ended.0 - alert.latest.0 >= QUIET_DAYS) {
            self.end_sharing(sim, because);
        }
    }

    pub(super) fn end_sharing(&mut self, sim: usize, because: &Because) {
        self.say_sharing(sim, "resolve", because);
        self.sims[sim].sharing.fires = None;
    }

    fn say_sharing(&mut self, sim: usize, change: &'static str, because: &Because) {
        let Some(SharingAlert { id, told, .. }) = self.sims[sim].sharing.fires.clone() else {
            return;
        };
        let (usage_day, bytes, education) = told;
        let more = json!({"usage_day": usage_day, "bytes": bytes, "education_bytes": education});
        self.say(
            &id,
            "PossibleSharing",
            change,
            self.about(sim, more),
            because,
        );
    }
}
