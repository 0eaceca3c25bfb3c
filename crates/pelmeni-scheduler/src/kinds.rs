//! What is known of kinds of work, each by the address of a table of functions: [`Kinds`].

use std::cell::Cell;

/// How many are known at a time: so many pairs.
const PAIRS: usize = 128;

/// Something about each of some kinds. Those of which nobody has noted anything for long are forgotten.
#[derive(Debug)]
pub(crate) struct Kinds<T: Copy>(Box<[Pair<T>; PAIRS]>);

/// The last two kinds that belong there, the newer one first.
type Pair<T> = [Cell<(usize, T)>; 2];

impl<T: Copy + Default> Default for Kinds<T> {
    fn default() -> Self {
        Kinds(Box::new(std::array::from_fn(|_| Pair::default())))
    }
}

impl<T: Copy> Kinds<T> {
    /// What is known of this kind.
    #[inline]
    pub(crate) fn get(&self, kind: usize) -> Option<T> {
        let known = self.pair(kind).iter().map(Cell::get).find(|(known, _)| *known == kind);
        known.map(|(_, about)| about)
    }

    /// Notes this of a kind, in place of what was known of it, or of another one.
    pub(crate) fn set(&self, kind: usize, about: T) {
        let pair = self.pair(kind);
        match pair.iter().find(|place| place.get().0 == kind) {
            Some(place) => place.set((kind, about)),
            None => pair[1].set(pair[0].replace((kind, about))),
        }
    }

    fn pair(&self, kind: usize) -> &Pair<T> {
        // The addresses are aligned and close to one another.
        &self.0[((kind >> 4) ^ (kind >> 11)) % PAIRS]
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn two_kinds_of_one_place_are_known_and_a_third_takes_that_of_the_older() {
        let known = Kinds::default();
        let together = |kind: &usize| ptr::eq(known.pair(*kind), known.pair(0x1000));
        let kinds: Vec<_> = (0x1000..).step_by(16).filter(together).take(3).collect();
        let numbers = || [0, 1, 2].map(|kind| known.get(kinds[kind]));
        known.set(kinds[0], 7);
        known.set(kinds[1], 8);
        known.set(kinds[0], 9);
        assert_eq!(numbers(), [Some(9), Some(8), None]);
        known.set(kinds[2], 10);
        assert_eq!(numbers(), [None, Some(8), Some(10)]);
    }
}
