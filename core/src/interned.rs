//! Names told once and then meant by number: cohorts, places, services. Numbers follow the order of the log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Values by number, and numbers by value. Nothing is ever removed: the registry bounds them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Vec<T>", into = "Vec<T>")]
#[serde(bound(
    serialize = "T: Ord + Clone + Serialize",
    deserialize = "T: Ord + Clone + Deserialize<'de>"
))]
pub(crate) struct Interned<T> {
    values: Vec<T>,
    numbers: BTreeMap<T, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Interned {
            values: Vec::new(),
            numbers: BTreeMap::new(),
        }
    }
}

impl<T: Ord + Clone> Interned<T> {
    /// The number of `value`, a new one where it was not known.
    pub(crate) fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        assert!(number < u32::MAX, "more than 2³² names");
        self.values.push(value.clone());
        self.numbers.insert(value.clone(), number);
        number
    }

    /// The number of a value that is known.
    pub(crate) fn known(&self, value: &T) -> Option<u32> {
        self.numbers.get(value).copied()
    }

    /// How many there are; their numbers are below.
    pub(crate) fn count(&self) -> u32 {
        // `number` keeps them below 2³².
        self.values.len() as u32
    }

    /// The value of a number that [`number`](Interned::number) gave.
    pub(crate) fn value(&self, number: u32) -> &T {
        &self.values[number as usize]
    }
}

impl<T: Ord + Clone> From<Vec<T>> for Interned<T> {
    fn from(values: Vec<T>) -> Self {
        let mut interned = Interned::default();
        for value in &values {
            interned.number(value);
        }
        interned
    }
}

impl<T> From<Interned<T>> for Vec<T> {
    fn from(interned: Interned<T>) -> Vec<T> {
        interned.values
    }
}
