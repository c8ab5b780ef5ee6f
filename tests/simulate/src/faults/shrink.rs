//! From a list that makes a seed differ to few of its items that still do.

/// Takes items away, halves of the list first, as long as what is left still `differs` (delta debugging).
pub fn shrink<T: Clone>(all: &[T], mut differs: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = all.to_vec();
    let mut pieces = 1;
    while !left.is_empty() {
        let size = left.len().div_ceil(pieces);
        let before = left.len();
        let mut start = 0;
        while start < left.len() {
            let mut fewer = left.clone();
            fewer.drain(start..(start + size).min(left.len()));
            match differs(&fewer) {
                true => left = fewer,
                false => start += size,
            }
        }
        if size == 1 && left.len() == before {
            break;
        }
        pieces = (pieces * 2).min(left.len().max(1));
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_items_that_matter_are_left() {
        let all: Vec<u32> = (0..40).collect();
        assert_eq!(
            shrink(&all, |left| left.contains(&7) && left.contains(&31)),
            [7, 31]
        );
        assert!(shrink(&all, |_| true).is_empty());
    }
}
