//! The identities that a shard has seen (rules O2, O3, O10, O11), in one segment for each UTC opening day.
//!
//! An identity names its own day, so a segment is whole and can be dropped at once, when its rows have long become too
//! old. What is kept of an identity is its hash (8 bytes) and its digest (4 bytes). A segment has one of two forms:
//!
//! - the days that still fill, the clock's UTC day and the day before it, are a [`filling`] table, where a look costs
//!   one cache line, mostly;
//! - earlier days are a [`past`] array, which is as small as can be, takes the late few, and is shared, not copied,
//!   where a shard is cloned.
//!
//! | bytes an identity | at rest | at its worst moment |
//! |---|---|---|
//! | filling | 21.3 to 38.4 | 39.7, while one of its tables grows |
//! | past | 12.3 to 13.2 | the same: it grows by pieces of some hundred |
//!
//! The form follows from the clock's day alone. It shows nowhere: bytes and digest of the state depend on the set of
//! identities only.

mod entry;
mod filling;
mod form;
mod past;
#[cfg(test)]
mod tests;

use crate::usage::Identity;
use filling::Filling;
pub(crate) use filling::Home;
use past::Past;

/// Days that a segment is kept beyond the horizon.
pub(crate) const KEPT_BEYOND_HORIZON_DAYS: i32 = 7;

/// Days before the clock's that still fill: records are opened today, or came over midnight.
const FILLING_BEFORE_TODAY_DAYS: i32 = 1;

/// What is known of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    New,
    /// With the same digest.
    Same,
    /// With another digest.
    Conflict,
}

impl Met {
    fn known(known: u32, digest: u32) -> Met {
        if known == digest {
            Met::Same
        } else {
            Met::Conflict
        }
    }
}

/// How much is kept, and in how many bytes of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeenSize {
    /// Identities of days that still fill.
    pub filling: usize,
    pub filling_bytes: usize,
    /// Identities of days that are past.
    pub past: usize,
    pub past_bytes: usize,
}

/// All segments.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// By day.
    segments: Vec<Segment>,
    /// The first day that still fills. Follows from the clock; no part of the state.
    filling_from: i32,
}

#[derive(Clone, Debug)]
struct Segment {
    opening_day: i32,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Filling(Filling),
    Past(Past),
}

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            segments: Vec::new(),
            // Until the clock is known every day fills.
            filling_from: i32::MIN,
        }
    }
}

impl Seen {
    /// Looks an identity up, and enters it where it is new and `enter` says so.
    pub(crate) fn meet(&mut self, identity: Identity, digest: u32, enter: bool) -> Met {
        let place = match self.place(identity.opening_day) {
            Ok(place) => place,
            Err(_) if !enter => return Met::New,
            Err(place) => {
                let segment = Segment::new(identity.opening_day, self.filling_from);
                self.segments.insert(place, segment);
                place
            }
        };
        match &mut self.segments[place].form {
            Form::Filling(table) => table.meet(identity.hash, digest, enter),
            Form::Past(array) => array.meet(identity.hash, digest, enter),
        }
    }

    /// Where an identity would stand; none of past days, of which few rows come.
    pub(crate) fn home(&self, identity: Identity) -> Option<Home<'_>> {
        let place = self.place(identity.opening_day).ok()?;
        match &self.segments[place].form {
            Form::Filling(table) => table.home(identity.hash),
            Form::Past(_) => None,
        }
    }

    /// Follows the clock to its UTC day: drops the segments that it has left behind, and gives the others the form of
    /// their days. To be called whenever that day changes, and after a restore.
    pub(crate) fn forget(&mut self, clock_day: i32, horizon_days: u16) {
        let kept = 1 + i32::from(horizon_days) + KEPT_BEYOND_HORIZON_DAYS;
        self.segments
            .retain(|segment| segment.opening_day.saturating_add(kept) > clock_day);
        self.filling_from = clock_day.saturating_sub(FILLING_BEFORE_TODAY_DAYS);
        for segment in &mut self.segments {
            segment.take_form(self.filling_from);
        }
    }

    /// How much is kept.
    pub(crate) fn size(&self) -> SeenSize {
        let mut size = SeenSize::default();
        for segment in &self.segments {
            match &segment.form {
                Form::Filling(table) => {
                    size.filling += table.len();
                    size.filling_bytes += table.bytes_in_memory();
                }
                Form::Past(array) => {
                    size.past += array.len();
                    size.past_bytes += array.bytes_in_memory();
                }
            }
        }
        size
    }

    /// Where the segment of a day stands, or would.
    fn place(&self, day: i32) -> Result<usize, usize> {
        let day_of = |segment: &Segment| segment.opening_day;
        self.segments.binary_search_by_key(&day, day_of)
    }
}

impl Segment {
    fn new(opening_day: i32, filling_from: i32) -> Segment {
        let form = if opening_day >= filling_from {
            Form::Filling(Filling::default())
        } else {
            Form::Past(Past::default())
        };
        Segment { opening_day, form }
    }

    fn take_form(&mut self, filling_from: i32) {
        let fills = self.opening_day >= filling_from;
        let form = std::mem::replace(&mut self.form, Form::Past(Past::default()));
        self.form = match form {
            Form::Filling(table) if !fills => {
                let mut entries = past::Builder::new(table.len());
                table.into_sorted(|entry| entries.push(entry));
                Form::Past(entries.finish())
            }
            Form::Past(array) if fills => {
                let mut table = Filling::with_room(array.len());
                for entry in array.iter() {
                    table.meet(entry.hash(), entry.digest, true);
                }
                Form::Filling(table)
            }
            fit => fit,
        };
    }
}
