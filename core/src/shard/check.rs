//! What an entry must be before it is applied: rule T4 of `docs/semantics.md`.

use std::collections::BTreeSet;

use super::{Halt, LOGIC, Shard};
use crate::outcome::RejectReason;
use crate::registry::{Block, Catalogue, Command, Entered};
use crate::sim::{FeedId, NodeId};
use crate::usage::UsageRow;
use crate::wire::Entry;
use crate::zone::Zone;
use crate::{calendar, catalogue, grants, programme};

/// The instants that a shard admits: years 1970 to 8999, so that no local date around them leaves the years of dates.
pub(super) const INSTANTS_MS: std::ops::Range<i64> = 0..221_845_392_000_000;

/// Bytes of a row, each way, at the most: sums of them cannot overflow before 10,000 rows of that size.
const ROW_BYTES_MAX: u64 = 1_000_000_000_000_000;

impl Shard {
    pub(super) fn check(&self, entry: &Entry<'_>, offset: u64) -> Result<(), Halt> {
        if let Some(applied) = self.applied
            && offset <= applied
        {
            return Err(Halt::OutOfOrder { offset, applied });
        }
        match entry {
            Entry::Rows(rows) => check_rows(rows, offset),
            Entry::Block(block) => self.check_block(block, offset),
            Entry::Progress(progress) => check_instant(progress.as_of_ms, offset),
        }
    }

    fn check_block(&self, block: &Block, offset: u64) -> Result<(), Halt> {
        let (from_rev, to_rev) = (block.from_rev, block.to_rev);
        if from_rev > self.revision {
            return Err(Halt::Gap {
                offset,
                from_rev,
                to_rev,
                revision: self.revision,
            });
        }
        let mut above = from_rev;
        let mut before = Before::default();
        for revision in &block.commands {
            let rev = revision.rev;
            let refused = |why: String| Halt::Command { offset, rev, why };
            if !(above..to_rev).contains(&rev) {
                return Err(refused(format!(
                    "it does not stand in its order within the block {from_rev}..{to_rev}"
                )));
            }
            above = rev + 1;
            check_instant(revision.entered.entered_at_ms, offset)?;
            if rev >= self.revision {
                let checked = self.check_command(&revision.entered, &mut before);
                checked.map_err(refused)?;
            }
        }
        Ok(())
    }

    fn check_command<'a>(
        &self,
        entered: &'a Entered,
        before: &mut Before<'a>,
    ) -> Result<(), String> {
        let in_words = |error: &dyn ToString| error.to_string();
        check_dates(&entered.command)?;
        match &entered.command {
            Command::Programme(told) => {
                programme::check(told).map_err(|error| in_words(&error))?;
                before.zone = programme::zone_of(told).ok();
            }
            Command::Calendar(told) => {
                calendar::check(told).map_err(|error| in_words(&error))?;
            }
            Command::Catalogue(told) => {
                catalogue::check(told).map_err(|error| in_words(&error))?;
                let earlier = self.catalogue.sources();
                let earlier: Vec<_> = earlier.chain(before.catalogues.iter().copied()).collect();
                let zone = before.zone.as_ref().unwrap_or(&self.zone);
                catalogue::check_later(told, &earlier, zone, entered.entered_at_ms)
                    .map_err(|error| in_words(&error))?;
                before.catalogues.push(told);
            }
            Command::Grant(told) => {
                grants::check(told).map_err(|error| in_words(&error))?;
                let known = self.grants.number(&told.id).is_some();
                if known || !before.grants.insert(&told.id) {
                    return Err(format!("grant {:?} stands already; name a new id", told.id));
                }
            }
            Command::Void(told) => {
                let id = told.grant.as_str();
                if self.grants.number(id).is_none() && !before.grants.contains(id) {
                    return Err(format!("there is no grant {id:?} to be voided"));
                }
            }
            Command::Enrol(told) => {
                if told
                    .valid_until
                    .is_some_and(|until| until <= told.valid_from)
                {
                    return Err("the enrolment ends before it begins".to_owned());
                }
            }
            Command::Logic(told) => {
                if told.version != LOGIC {
                    return Err(format!(
                        "rules of logic {} are asked for, and this binary knows {LOGIC}; run a version that knows them",
                        told.version
                    ));
                }
            }
            Command::Feed(_) | Command::Retire(_) | Command::Opening(_) | Command::Breaker(_) => {}
        }
        Ok(())
    }
}

/// What earlier commands of the same block have said.
#[derive(Default)]
struct Before<'a> {
    zone: Option<Zone>,
    catalogues: Vec<&'a Catalogue>,
    grants: BTreeSet<&'a str>,
}

fn check_instant(at_ms: i64, offset: u64) -> Result<(), Halt> {
    if INSTANTS_MS.contains(&at_ms) {
        Ok(())
    } else {
        Err(Halt::Instant { offset, at_ms })
    }
}

/// The dates of a command lie in the same years.
fn check_dates(command: &Command) -> Result<(), String> {
    let mut dates = Vec::new();
    match command {
        Command::Programme(told) => {
            dates.extend(told.cohorts.iter().filter_map(|cohort| cohort.enforce_from));
        }
        Command::Calendar(told) => {
            dates.extend(told.entries.iter().flat_map(|entry| [entry.from, entry.to]));
        }
        Command::Catalogue(told) => {
            dates.extend(told.rules.iter().filter_map(|rule| rule.valid_from));
        }
        Command::Enrol(told) => dates.extend([told.valid_from].into_iter().chain(told.valid_until)),
        Command::Retire(told) => dates.push(told.at),
        Command::Opening(told) => dates.push(told.as_of),
        Command::Grant(told) => dates.extend([told.valid_from, told.valid_until]),
        Command::Feed(_) | Command::Void(_) | Command::Breaker(_) | Command::Logic(_) => {}
    }
    match dates
        .into_iter()
        .find(|date| !(1970..=8999).contains(&date.year()))
    {
        Some(date) => Err(format!("{date} lies outside of the years 1970 to 8999")),
        None => Ok(()),
    }
}

fn check_rows(rows: &[UsageRow], offset: u64) -> Result<(), Halt> {
    // Names are checked where they differ from the last row's: most rows name the same feed and node.
    let (mut feed, mut node) = (None, None);
    for (place, row) in rows.iter().enumerate() {
        let malformed = |why| Halt::Row {
            offset,
            row: place,
            why,
        };
        check_instant(row.delivered_at_ms.get(), offset)?;
        if feed != Some(row.feed) {
            feed = Some(row.feed);
            FeedId::from_bytes(row.feed).map_err(|_| malformed("its feed is not a name"))?;
        }
        match row.kind {
            0 => {}
            1 if RejectReason::from_code(row.reject_reason).is_some() => continue,
            1 => return Err(malformed("its reject_reason is not one of the codes")),
            _ => return Err(malformed("its kind is neither 0 nor 1")),
        }
        if node != Some(row.node) {
            node = Some(row.node);
            NodeId::from_bytes(row.node).map_err(|_| malformed("its node is not a name"))?;
        }
        row.counter().map_err(malformed)?;
        if row.started_at_ms.get() < 0 || row.ended_at_ms < row.started_at_ms {
            return Err(malformed(
                "its usage starts before 1970, or ends before it starts",
            ));
        }
        if row.uplink_bytes.get().max(row.downlink_bytes.get()) > ROW_BYTES_MAX {
            return Err(malformed("it has more than 10¹⁵ bytes one way"));
        }
    }
    Ok(())
}
