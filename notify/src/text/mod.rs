//! What people read. Templates are data (`templates/fr.toml`); numbers and dates are written as the language does.

mod numbers;
mod templates;
#[cfg(test)]
mod tests;

use hissa_core::alert::{AlertChange, Change, Quota, Subject};
use hissa_core::registry::Class;
use jiff::civil::Date;

pub use numbers::{exact, tenths};
pub use templates::Texts;

use numbers::{decimal_comma, fill};

const FRENCH: &str = include_str!("../../templates/fr.toml");

/// The values of a text, by the names of their placeholders.
type Values = Vec<(&'static str, String)>;

impl Texts {
    /// The French texts.
    ///
    /// # Errors
    /// The file in the binary lacks a text (its test forbids that).
    pub fn french() -> Result<Texts, toml::de::Error> {
        toml::from_str(FRENCH)
    }

    /// The text of a change, for the tablet with this asset tag.
    pub fn say(&self, change: &AlertChange, asset_tag: Option<&str>, link: &str) -> String {
        let mut values = self.values(change);
        values.extend(self.tablet(asset_tag));
        values.push(("link", link.to_owned()));
        fill(self.template(change), &values)
    }

    fn template(&self, change: &AlertChange) -> &str {
        let resolved = change.change == Change::Resolve;
        // What a row brought about, and not a midnight or a command.
        let by_use = change.cause.is_some();
        match &change.subject {
            Subject::SimQuota80(quota) => {
                let texts = &self.sim_quota_80;
                match quota.runs_out_on {
                    _ if resolved && !is_lifted(change, quota) => {
                        &self.sim_restored.resolve_without_quota
                    }
                    _ if resolved => &texts.resolve,
                    Some(_) => &texts.fire,
                    None => &texts.fire_without_date,
                }
            }
            Subject::SimExhausted(quota) => {
                let cut = quota.state != "allow";
                match (resolved, cut) {
                    (false, true) => &self.sim_exhausted.fire,
                    (false, false) => &self.sim_exhausted.fire_without_cut,
                    _ if !is_lifted(change, quota) => &self.sim_restored.resolve_without_quota,
                    (true, true) => &self.sim_restored.resolve,
                    (true, false) => &self.sim_restored.resolve_without_cut,
                }
            }
            Subject::TabletIdle(_) => match resolved {
                false => &self.tablet_idle.fire,
                true if by_use => &self.tablet_idle.resolve,
                true => &self.tablet_idle.resolve_unused,
            },
            Subject::SimMoved(_) => match change.change {
                Change::Fire => &self.sim_moved.fire,
                Change::Update => &self.sim_moved.update,
                Change::Resolve if by_use => &self.sim_moved.resolve,
                Change::Resolve => &self.sim_moved.resolve_assigned,
            },
            Subject::PossibleSharing(_) if resolved => &self.possible_sharing.resolve,
            Subject::PossibleSharing(_) => &self.possible_sharing.fire,
            Subject::RecordConflict(_) if resolved => &self.record_conflict.resolve,
            Subject::RecordConflict(conflict) if conflict.records < 2 => &self.record_conflict.one,
            Subject::RecordConflict(_) => &self.record_conflict.many,
            Subject::GrantExpiring(grant) => match resolved {
                false => &self.grant_expiring.fire,
                true if change.on >= grant.valid_until => &self.grant_expiring.resolve_ended,
                true => &self.grant_expiring.resolve,
            },
            Subject::OrdersHeld(_) if resolved => &self.orders_held.resolve,
            Subject::OrdersHeld(orders) if orders.held < 2 => &self.orders_held.one,
            Subject::OrdersHeld(_) => &self.orders_held.many,
        }
    }

    fn values(&self, change: &AlertChange) -> Values {
        let in_tenths = |bytes| decimal_comma(&tenths(bytes));
        let exactly = |bytes| decimal_comma(&exact(bytes));
        match &change.subject {
            Subject::SimQuota80(quota) | Subject::SimExhausted(quota) => {
                // Of a term there may be no end yet.
                let reset = quota.resets_on.map(|day| self.date(day));
                let with_reset = |phrase: &str| match &reset {
                    Some(reset) => phrase.replace("{reset}", reset),
                    None => String::new(),
                };
                let reason = match ended_by_reset(change, quota) {
                    true => with_reset(&self.reasons.reset),
                    false => self.reasons.limit_raised.clone(),
                };
                let state = match quota.state.as_str() {
                    "throttle" => &self.states.throttle,
                    _ => &self.states.block,
                };
                let date = quota.runs_out_on.map(|day| self.date(day));
                vec![
                    ("used", in_tenths(quota.used_bytes)),
                    ("quota", exactly(quota_bytes(quota))),
                    ("date", date.unwrap_or_default()),
                    ("ends", with_reset(&self.resets.ends)),
                    ("until", with_reset(&self.resets.until)),
                    ("up_to", with_reset(&self.resets.up_to)),
                    ("reason", reason),
                    ("state", state.clone()),
                ]
            }
            Subject::TabletIdle(idle) => vec![("days", idle.school_days.to_string())],
            Subject::SimMoved(moved) => vec![("date", self.date(moved.since))],
            Subject::PossibleSharing(sharing) => vec![
                ("gb", in_tenths(sharing.bytes)),
                ("date", self.date(sharing.usage_day)),
            ],
            Subject::RecordConflict(conflict) => vec![
                ("n", conflict.records.to_string()),
                ("feed", conflict.feed.to_string()),
            ],
            Subject::GrantExpiring(grant) => vec![
                ("grant", grant.grant.clone()),
                ("left", in_tenths(grant.left_bytes)),
                ("given", exactly(grant.given_bytes)),
                ("date", self.date(grant.valid_until)),
            ],
            Subject::OrdersHeld(orders) => vec![
                ("held", orders.held.to_string()),
                ("class", self.class(orders.class).to_owned()),
                ("cohort", orders.cohort.clone()),
            ],
        }
    }

    fn tablet(&self, asset_tag: Option<&str>) -> Values {
        let forms = &self.tablet;
        let form = |tagged: &str, untagged: &str| match asset_tag {
            Some(tag) => tagged.replace("{tag}", tag),
            None => untagged.to_owned(),
        };
        vec![
            ("tablet", form(&forms.tagged, &forms.untagged)),
            ("of_tablet", form(&forms.of_tagged, &forms.of_untagged)),
            ("for_tablet", form(&forms.for_tagged, &forms.for_untagged)),
        ]
    }

    fn class(&self, class: Class) -> &str {
        match class {
            Class::Education => &self.classes.education,
            Class::System => &self.classes.system,
            Class::Other => &self.classes.other,
            Class::Unknown => &self.classes.unknown,
        }
    }

    fn date(&self, day: Date) -> String {
        // A month is 1 to 12.
        let month = &self.months[usize::from(day.month().unsigned_abs()) - 1];
        format!("{} {month} {}", day.day(), day.year())
    }
}

/// The limit and what was granted on top of it.
pub(crate) fn quota_bytes(quota: &Quota) -> u64 {
    quota.limit_bytes.saturating_add(quota.granted_bytes)
}

/// Whether an alert is over because its cycle is.
fn ended_by_reset(change: &AlertChange, quota: &Quota) -> bool {
    quota
        .resets_at_ms
        .is_some_and(|reset| change.at_ms >= reset)
}

/// Whether the SIM has bytes again, as far as the figures tell: without a grant, and with the share still used that the
/// alert speaks of, the alert ended because no quota is applied to the SIM any more. (With a grant, use that went over
/// the limit before it came is not paid by it, so that figures alone do not tell.)
fn is_lifted(change: &AlertChange, quota: &Quota) -> bool {
    let percent: u128 = match change.subject {
        Subject::SimQuota80(_) => 80,
        _ => 100,
    };
    let reached = u128::from(quota.used_bytes) * 100 >= u128::from(quota.limit_bytes) * percent;
    ended_by_reset(change, quota) || quota.granted_bytes > 0 || !reached
}
