//! From the faults of a seed that differs to few of them that still make it differ.

use super::Faults;

/// Takes away faults, halves of them first, as long as what is left still `differs` (delta debugging).
pub fn shrink(faults: &Faults, mut differs: impl FnMut(&Faults) -> bool) -> Faults {
    let mut left = faults.0.clone();
    let mut pieces = 1;
    while !left.is_empty() {
        let size = left.len().div_ceil(pieces);
        let mut start = 0;
        let before = left.len();
        while start < left.len() {
            let mut fewer = left.clone();
            fewer.drain(start..(start + size).min(left.len()));
            match differs(&Faults(fewer.clone())) {
                true => left = fewer,
                false => start += size,
            }
        }
        if size == 1 && left.len() == before {
            break;
        }
        pieces = (pieces * 2).min(left.len().max(1));
    }
    Faults(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_faults_that_matter_are_left() {
        let text: Vec<String> = (1..40).map(|step| format!("{step} sink-out 0 1 0")).collect();
        let all: Faults = text.join(";").parse().unwrap();
        let has = |faults: &Faults, step| faults.0.iter().any(|fault| fault.step == step);
        let left = shrink(&all, |faults| has(faults, 7) && has(faults, 31));
        assert_eq!(left.to_string(), "7 sink-out 0 1 0; 31 sink-out 0 1 0");
    }
}
