//! The balance of an account in a cycle (Q7, Q9, Q10, Q13).

/// How a SIM stands in an account and a cycle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Balance {
    /// Its place in the order in which the SIM's balances were opened.
    pub(crate) opened: u64,
    /// Rolled bytes included.
    pub(crate) limit: u64,
    /// What came over from the cycle before (Q11).
    pub(crate) rolled: u64,
    /// What the SIM brought along (Q13), and by which revision.
    pub(crate) opening: u64,
    pub(crate) opening_revision: u64,
    /// Bytes of the SIM's rows, and what was held of them.
    pub(crate) rows: u64,
    pub(crate) from_grants: u64,
    /// As it was set last (Q9).
    pub(crate) granted: u64,
    /// Percents that are reached, and since when.
    pub(crate) thresholds: Vec<(u32, i64)>,
}

impl Balance {
    pub(crate) fn used(&self) -> u64 {
        self.opening.saturating_add(self.rows)
    }

    /// What is left of the limit for a row (Q7), and for the cycle behind (Q11).
    pub(crate) fn left_of_limit(&self) -> u64 {
        self.limit.saturating_sub(self.used() - self.from_grants)
    }

    pub(crate) fn quota(&self) -> u64 {
        self.limit.saturating_add(self.granted)
    }

    pub(crate) fn drawn(&self) -> u64 {
        (self.used() - self.from_grants).min(self.limit) + self.from_grants
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.drawn() >= self.quota()
    }

    /// Whether a threshold is reached (Q10).
    pub(crate) fn has_reached(&self, percent: u32) -> bool {
        u128::from(self.drawn()) * 100 >= u128::from(self.quota()) * u128::from(percent)
    }

    /// Forgets thresholds that are no longer reached or asked for, and notes new ones (Q12).
    pub(crate) fn note_thresholds(&mut self, percents: &[u32], at: i64) {
        let reached = percents
            .iter()
            .filter(|&&percent| self.has_reached(percent));
        let since = |percent: u32| {
            self.thresholds
                .iter()
                .find(|known| known.0 == percent)
                .map_or(at, |known| known.1)
        };
        self.thresholds = reached.map(|&percent| (percent, since(percent))).collect();
    }

    /// Adds a row's bytes: first to the limit, then to grants in their order, given as what is left of each. Gives what
    /// each of them paid.
    pub(crate) fn charge(
        &mut self,
        bytes: u64,
        grants: impl Iterator<Item = (usize, u64)>,
    ) -> Vec<(usize, u64)> {
        let mut open = bytes.saturating_sub(self.left_of_limit());
        let mut paid = Vec::new();
        for (grant, left) in grants {
            if open == 0 {
                break;
            }
            let part = open.min(left);
            if part > 0 {
                paid.push((grant, part));
                open -= part;
                self.from_grants += part;
            }
        }
        self.rows += bytes;
        paid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balance(limit: u64) -> Balance {
        Balance {
            limit,
            ..Balance::default()
        }
    }

    #[test]
    fn bytes_use_the_limit_then_grants_and_the_rest_goes_over() {
        let mut balance = balance(10);
        assert_eq!(balance.charge(8, [(0, 5)].into_iter()), []);
        assert_eq!(
            balance.charge(9, [(0, 3), (1, 2)].into_iter()),
            [(0, 3), (1, 2)]
        );
        assert_eq!(
            (balance.used(), balance.from_grants, balance.drawn()),
            (17, 5, 15)
        );
    }

    #[test]
    fn a_top_up_restores_however_much_was_leaked_before() {
        let mut balance = balance(10);
        balance.charge(100, std::iter::empty());
        assert!(balance.is_exhausted());
        balance.granted = 5;
        assert!(!balance.is_exhausted());
        balance.charge(5, [(0, 5)].into_iter());
        assert!(balance.is_exhausted());
    }

    #[test]
    fn an_allowance_of_no_bytes_is_exhausted_from_the_start() {
        assert!(balance(0).is_exhausted());
    }

    #[test]
    fn an_opening_never_uses_grants() {
        let mut balance = balance(10);
        balance.charge(12, [(0, 2)].into_iter());
        balance.opening = 7;
        assert_eq!(
            (balance.used(), balance.from_grants, balance.drawn()),
            (19, 2, 12)
        );
        balance.opening = 0;
        assert_eq!(balance.drawn(), 12);
    }

    #[test]
    fn thresholds_keep_their_time_while_they_are_reached() {
        let mut balance = balance(100);
        balance.charge(80, std::iter::empty());
        balance.note_thresholds(&[50, 80, 100], 1);
        assert_eq!(balance.thresholds, [(50, 1), (80, 1)]);
        balance.limit = 120;
        balance.note_thresholds(&[50, 80], 2);
        assert_eq!(balance.thresholds, [(50, 1)]);
        balance.charge(40, std::iter::empty());
        balance.note_thresholds(&[50, 80, 100], 3);
        assert_eq!(balance.thresholds, [(50, 1), (80, 3), (100, 3)]);
    }
}
