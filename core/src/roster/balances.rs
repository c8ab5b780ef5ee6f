//! The balances of a SIM: few, and with the SIM itself, so that a row finds them where it finds the SIM.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize, Serializer};

use crate::ledger::Balance;

/// Balances at hand: three allowances a month need no more, but for the days until the month before is closed.
const NEAR: usize = 3;

/// Balances in the order in which they were opened.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Vec<Balance>")]
pub(crate) struct Balances {
    /// Taken from the first on.
    near: [Option<Balance>; NEAR],
    #[allow(
        clippy::box_collection,
        reason = "8 bytes of each SIM, where a list takes 24"
    )]
    far: Option<Box<Vec<Balance>>>,
}

impl Balances {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Balance> {
        let far = self.far.iter().flat_map(|far| far.iter());
        self.near.iter().flatten().chain(far)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Balance> {
        let far = self.far.iter_mut().flat_map(|far| far.iter_mut());
        self.near.iter_mut().flatten().chain(far)
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().count()
    }

    pub(crate) fn get(&self, place: usize) -> Option<&Balance> {
        match self.near.get(place) {
            Some(near) => near.as_ref(),
            None => self.far.as_ref()?.get(place - NEAR),
        }
    }

    fn get_mut(&mut self, place: usize) -> Option<&mut Balance> {
        match self.near.get_mut(place) {
            Some(near) => near.as_mut(),
            None => self.far.as_mut()?.get_mut(place - NEAR),
        }
    }

    pub(crate) fn push(&mut self, balance: Balance) {
        match self.near.iter_mut().find(|near| near.is_none()) {
            Some(free) => *free = Some(balance),
            None => self.far.get_or_insert_default().push(balance),
        }
    }

    /// Keeps those of which `stays` says so.
    pub(crate) fn retain(&mut self, stays: impl Fn(&Balance) -> bool) {
        if self.iter().all(&stays) {
            return;
        }
        let old = std::mem::take(self);
        let far = old.far.into_iter().flat_map(|far| *far);
        let all = old.near.into_iter().flatten().chain(far);
        all.filter(&stays).for_each(|balance| self.push(balance));
    }
}

impl Index<usize> for Balances {
    type Output = Balance;

    fn index(&self, place: usize) -> &Balance {
        match self.get(place) {
            Some(balance) => balance,
            None => panic!("a SIM has no balance {place}"),
        }
    }
}

impl IndexMut<usize> for Balances {
    fn index_mut(&mut self, place: usize) -> &mut Balance {
        match self.get_mut(place) {
            Some(balance) => balance,
            None => panic!("a SIM has no balance {place}"),
        }
    }
}

impl From<Vec<Balance>> for Balances {
    fn from(list: Vec<Balance>) -> Balances {
        let mut balances = Balances::default();
        list.into_iter().for_each(|balance| balances.push(balance));
        balances
    }
}

/// As a list.
impl Serialize for Balances {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The length stands before the values, as the iterator alone could not tell it.
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for balance in self.iter() {
            serde::ser::SerializeSeq::serialize_element(&mut list, balance)?;
        }
        serde::ser::SerializeSeq::end(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::Cycle;
    use crate::zone::Day;

    fn starts(balances: &Balances) -> Vec<i32> {
        balances.iter().map(|balance| balance.start.0).collect()
    }

    #[test]
    fn balances_stand_in_their_order_also_where_some_go() {
        let mut balances = Balances::default();
        for day in 0..8 {
            let (start, end) = (Day(day), Day(day + 1));
            balances.push(Balance::new(0, Cycle { start, end }));
        }
        assert_eq!(starts(&balances), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(balances[7].start, Day(7));
        assert!(balances.get(8).is_none());
        balances.retain(|balance| balance.start.0 % 3 != 1);
        assert_eq!(starts(&balances), [0, 2, 3, 5, 6]);
        for balance in balances.iter_mut() {
            balance.used_bytes = 7;
        }
        balances[4].used_bytes = 8;
        let used: Vec<u64> = balances.iter().map(|balance| balance.used_bytes).collect();
        assert_eq!(used, [7, 7, 7, 7, 8]);
        let bytes = postcard::to_stdvec(&balances).unwrap();
        let copy: Balances = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(starts(&copy), starts(&balances));
    }
}
