//! The cells of `sim_day` of the open booked day.
//!
//! The cells of a SIM hang on each other, and the first hangs on the SIM, so that no table is needed to find them; those
//! that wait to be taken hang on each other as well. Both are links by number; neither is part of the state.

use serde::{Deserialize, Serialize};

use crate::catalogue::ServiceNumber;
use crate::chunks::Chunks;
use crate::facts::{Fact, SimDay};
use crate::fixed_hash::FixedMap;
use crate::interned::Interned;
use crate::registry::Class;
use crate::roster::Roster;
use crate::sim::SimId;
use crate::zone::Day;

/// The number of what comes next in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link(u32);

impl Link {
    /// The end of a chain, and all of an empty one.
    pub(crate) const END: Link = Link(u32::MAX);
    /// Of what stands in no chain.
    pub(crate) const OUTSIDE: Link = Link(u32::MAX - 1);

    /// To a number of a list, which is below 2³¹.
    pub(crate) fn to(number: u32) -> Link {
        Link(number)
    }

    pub(crate) fn number(self) -> Option<u32> {
        (self.0 < Link::OUTSIDE.0).then_some(self.0)
    }
}

impl Default for Link {
    fn default() -> Link {
        Link::END
    }
}

/// What a cell of a SIM is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CellKey {
    pub(crate) usage_day: Day,
    pub(crate) class: Class,
    pub(crate) service: ServiceNumber,
}

/// What a row adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub(crate) uplink: u64,
    pub(crate) downlink: u64,
    /// The offset of its entry.
    pub(crate) version: u64,
}

/// A usage day and a class in one word: a cell is 48 bytes, and there are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct DayAndClass(i32);

impl DayAndClass {
    fn of(key: CellKey) -> DayAndClass {
        // Days of the years that a shard admits take 22 bits; classes are four.
        DayAndClass(key.usage_day.0 << 8 | i32::from(key.class.index() as u8))
    }

    fn day(self) -> Day {
        Day(self.0 >> 8)
    }

    fn class(self) -> Class {
        Class::ALL[(self.0 & 3).unsigned_abs() as usize]
    }
}

/// Whose a cell is: a known SIM's number, or a stranger's behind [`STRANGER`].
type Owner = u32;

/// The bit that a list's numbers leave free.
const STRANGER: Owner = 1 << 31;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    uplink_bytes: u64,
    downlink_bytes: u64,
    version: u64,
    owner: Owner,
    day_and_class: DayAndClass,
    service: ServiceNumber,
    /// A booked day has fewer rows of a cell than 2³².
    records: u32,
    /// Of the same owner.
    #[serde(skip)]
    next: Link,
    /// Among those that wait; outside where it does not.
    #[serde(skip, default = "outside")]
    next_waiting: Link,
}

const _: () = assert!(size_of::<Cell>() == 48);

impl Cell {
    /// Reads the first and the last bytes: a cell may lie in two cache lines.
    pub(crate) fn touch(&self) -> u64 {
        self.uplink_bytes.wrapping_add(self.next_waiting.0.into())
    }
}

fn outside() -> Link {
    Link::OUTSIDE
}

/// In the order of their first row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Cells {
    cells: Chunks<Cell>,
    /// SIMs that were not known when their first row came, in that order.
    strangers: Vec<SimId>,
    /// By stranger: the number, and the first cell.
    #[serde(skip)]
    of_strangers: FixedMap<SimId, (u32, Link)>,
    #[serde(skip)]
    first_waiting: Link,
    #[serde(skip)]
    waiting: usize,
}

impl Cells {
    /// Adds a row to a cell of a known SIM, whose first cell is `first`.
    pub(crate) fn add(&mut self, sim: u32, first: &mut Link, key: CellKey, added: Added) {
        let number = self.find_or_open(sim, first, key);
        self.add_to(number, added);
    }

    /// Adds a row to a cell of a SIM that is not known.
    pub(crate) fn add_of_stranger(&mut self, sim: SimId, key: CellKey, added: Added) {
        let next = self.strangers.len() as u32;
        let (stranger, mut first) = match self.of_strangers.get(&sim) {
            Some(known) => *known,
            None => {
                assert!(next < STRANGER, "a day has fewer than 2³¹ strangers");
                self.strangers.push(sim);
                (next, Link::END)
            }
        };
        let number = self.find_or_open(stranger | STRANGER, &mut first, key);
        self.of_strangers.insert(sim, (stranger, first));
        self.add_to(number, added);
    }

    /// Hands a stranger's cells to the SIM that it becomes; returns the first.
    pub(crate) fn adopt(&mut self, id: &SimId, sim: u32) -> Link {
        let Some((_, first)) = self.of_strangers.remove(id) else {
            return Link::END;
        };
        let mut at = first;
        while let Some(number) = at.number() {
            let cell = self.cells.get_mut(number);
            cell.owner = sim;
            at = cell.next;
        }
        first
    }

    fn find(&self, first: Link, key: CellKey) -> Option<u32> {
        let day_and_class = DayAndClass::of(key);
        let mut at = first;
        while let Some(number) = at.number() {
            let cell = self.cells.get(number);
            if cell.day_and_class == day_and_class && cell.service == key.service {
                break;
            }
            at = cell.next;
        }
        at.number()
    }

    fn find_or_open(&mut self, owner: Owner, first: &mut Link, key: CellKey) -> u32 {
        if let Some(number) = self.find(*first, key) {
            return number;
        }
        let number = self.cells.push(Cell {
            uplink_bytes: 0,
            downlink_bytes: 0,
            version: 0,
            owner,
            day_and_class: DayAndClass::of(key),
            service: key.service,
            records: 0,
            next: *first,
            next_waiting: Link::OUTSIDE,
        });
        *first = Link::to(number);
        number
    }

    fn add_to(&mut self, number: u32, added: Added) {
        let cell = self.cells.get_mut(number);
        cell.uplink_bytes += added.uplink;
        cell.downlink_bytes += added.downlink;
        cell.records += 1;
        cell.version = added.version;
        if cell.next_waiting == Link::OUTSIDE {
            cell.next_waiting = std::mem::replace(&mut self.first_waiting, Link::to(number));
            self.waiting += 1;
        }
    }

    /// The first cell of a SIM.
    pub(crate) fn first(&self, first: Link) -> Option<&Cell> {
        first.number().map(|number| self.cells.get(number))
    }

    /// How many wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// The numbers of those that wait, the next to be taken first.
    pub(crate) fn numbers_waiting(&self) -> Vec<u32> {
        let first = self.first_waiting.number();
        let next = |number: &u32| self.cells.get(*number).next_waiting.number();
        std::iter::successors(first, next).collect()
    }

    /// Takes one that waits.
    pub(crate) fn take(
        &mut self,
        booked_day: Day,
        roster: &Roster,
        services: &Interned<String>,
    ) -> Option<Fact> {
        let number = self.first_waiting.number()?;
        let cell = self.cells.get_mut(number);
        self.first_waiting = std::mem::replace(&mut cell.next_waiting, Link::OUTSIDE);
        self.waiting -= 1;
        let sim = match cell.owner & STRANGER {
            0 => roster.get(cell.owner).id,
            _ => self.strangers[(cell.owner ^ STRANGER) as usize],
        };
        Some(Fact::SimDay(SimDay {
            version: cell.version,
            sim,
            usage_day: cell.day_and_class.day().date(),
            class: cell.day_and_class.class(),
            service: services.value(cell.service).clone(),
            booked_day: booked_day.date(),
            uplink_bytes: cell.uplink_bytes,
            downlink_bytes: cell.downlink_bytes,
            records: cell.records.into(),
        }))
    }

    /// Forgets all; the links of known SIMs to their first cells end with it.
    pub(crate) fn clear(&mut self) {
        *self = Cells::default();
    }

    /// Builds what a snapshot leaves out, with the numbers of those that wait.
    ///
    /// # Errors
    /// The parts of the snapshot contradict each other.
    pub(crate) fn reindex(
        &mut self,
        roster: &mut Roster,
        waiting: &[u32],
    ) -> Result<(), &'static str> {
        for number in 0..self.cells.len() as u32 {
            let cell = self.cells.get(number);
            let owner = cell.owner;
            let key = CellKey {
                usage_day: cell.day_and_class.day(),
                class: cell.day_and_class.class(),
                service: cell.service,
            };
            let first = if owner & STRANGER == 0 {
                if !roster.numbers().contains(&owner) {
                    return Err("a cell is of an unknown SIM");
                }
                &mut roster.get_mut(owner).first_cell
            } else {
                let stranger = owner ^ STRANGER;
                let id = self.strangers.get(stranger as usize);
                let id = id.ok_or("a cell is of an unknown stranger")?;
                let known = self.of_strangers.entry(*id);
                &mut known.or_insert((stranger, Link::END)).1
            };
            let before = std::mem::replace(first, Link::to(number));
            if self.find(before, key).is_some() {
                return Err("a cell stands twice");
            }
            self.cells.get_mut(number).next = before;
        }
        for number in waiting.iter().rev() {
            if *number as usize >= self.cells.len() {
                return Err("an unknown cell waits");
            }
            let cell = self.cells.get_mut(*number);
            if cell.next_waiting != Link::OUTSIDE {
                return Err("a cell waits twice");
            }
            cell.next_waiting = std::mem::replace(&mut self.first_waiting, Link::to(*number));
            self.waiting += 1;
        }
        Ok(())
    }
}
