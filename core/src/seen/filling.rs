//! The identities of a day that still fills: open addressing over buckets of one cache line each.
//!
//! A bucket has room for five identities, and on average at most three stand in one, so that nearly all looks end in
//! the bucket where they begin. The bucket where a hash begins follows from its high bits, so that buckets stand in the
//! order of the hashes: growing, and turning into an array, run through memory from front to back. Nothing is ever
//! taken out, so there are no tombstones.
//!
//! The highest bits choose one of [`PARTS`] tables, each of which grows for itself: no row waits for all of a day's
//! identities to move, and they never stand in memory twice.

use super::Met;
use super::entry::Entry;

/// Identities in a bucket.
const PLACES: usize = 5;

/// The average number of identities in a bucket at which the table grows.
const FILLED_MAX: usize = 3;

/// Tables of a day.
const PARTS: usize = 1 << PART_BITS;
const PART_BITS: u32 = 4;

/// One cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Bucket {
    hashes: [u64; PLACES],
    digests: [u32; PLACES],
    /// How many of the places are taken, from the first.
    filled: u32,
}

const _: () = assert!(size_of::<Bucket>() == 64);

#[derive(Clone, Debug)]
pub(super) struct Filling {
    parts: Box<[Part; PARTS]>,
}

/// The identities whose hashes begin with the same bits.
#[derive(Clone, Debug, Default)]
struct Part {
    /// None before the first identity.
    buckets: Vec<Bucket>,
    len: usize,
}

/// The bucket where a look begins, and those behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home<'a>(&'a [Bucket]);

impl Home<'_> {
    /// Reads the bucket.
    pub(crate) fn touch(self) -> u64 {
        self.0.first().map_or(0, |bucket| bucket.filled.into())
    }

    /// Reads the next bucket, where a look goes on when the first is full.
    pub(crate) fn touch_next(self) -> u64 {
        match self.0 {
            [first, next, ..] if first.filled as usize == PLACES => next.filled.into(),
            _ => 0,
        }
    }
}

/// Where a look has ended.
enum Found {
    /// With this digest.
    Known(u32),
    /// Nowhere; this bucket has room for it.
    Room(usize),
}

impl Default for Filling {
    fn default() -> Filling {
        Filling::with_room(0)
    }
}

impl Filling {
    /// Tables for `len` identities, with some room where one gets more of them than others.
    pub(super) fn with_room(len: usize) -> Filling {
        let buckets = match len {
            0 => 0,
            _ => len.div_ceil(FILLED_MAX * PARTS) * 17 / 16 + 1,
        };
        let part = || Part {
            buckets: vec![Bucket::default(); buckets],
            len: 0,
        };
        Filling {
            parts: Box::new(std::array::from_fn(|_| part())),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.len).sum()
    }

    pub(super) fn bytes_in_memory(&self) -> usize {
        let buckets = self.parts.iter().map(|part| part.buckets.capacity());
        size_of_val(&*self.parts) + buckets.sum::<usize>() * size_of::<Bucket>()
    }

    /// Looks an identity up, and enters it where it is new and `enter` says so.
    pub(super) fn meet(&mut self, hash: u64, digest: u32, enter: bool) -> Met {
        self.parts[part_of(hash)].meet(hash, digest, enter)
    }

    /// Where a hash begins; reads no bucket.
    pub(super) fn home(&self, hash: u64) -> Option<Home<'_>> {
        let part = &self.parts[part_of(hash)];
        part.buckets.get(part.home(hash)..).map(Home)
    }

    /// Calls `take` with every entry in the order of the hashes.
    pub(super) fn for_each_sorted(&self, mut take: impl FnMut(Entry)) {
        for part in self.parts.iter() {
            part.for_each_sorted(&mut take);
        }
    }

    /// The same; frees each table behind its last entry.
    pub(super) fn into_sorted(self, mut take: impl FnMut(Entry)) {
        for part in *self.parts {
            part.for_each_sorted(&mut take);
        }
    }
}

fn part_of(hash: u64) -> usize {
    (hash >> (u64::BITS - PART_BITS)) as usize
}

impl Part {
    fn meet(&mut self, hash: u64, digest: u32, enter: bool) -> Met {
        if enter && self.len >= self.buckets.len() * FILLED_MAX {
            self.grow();
        }
        if self.buckets.is_empty() {
            return Met::New;
        }
        match self.find(hash) {
            Found::Known(known) => return Met::known(known, digest),
            Found::Room(at) if enter => self.enter(at, hash, digest),
            Found::Room(_) => {}
        }
        Met::New
    }

    fn for_each_sorted(&self, mut take: impl FnMut(Entry)) {
        // Entries never stand before their bucket, and never behind the next bucket with room: what stands from one
        // bucket with room to the next is sorted for itself. Those that ran over the last bucket stand in the first.
        let (mut run, mut wrapped) = (Vec::new(), Vec::new());
        for (at, bucket) in self.buckets.iter().enumerate() {
            for place in 0..bucket.filled as usize {
                let hash = bucket.hashes[place];
                let entry = Entry::new(hash, bucket.digests[place]);
                if self.home(hash) > at {
                    wrapped.push(entry);
                } else {
                    run.push(entry);
                }
            }
            if (bucket.filled as usize) < PLACES {
                run.sort_unstable();
                run.drain(..).for_each(&mut take);
            }
        }
        run.append(&mut wrapped);
        run.sort_unstable();
        run.into_iter().for_each(take);
    }

    fn home(&self, hash: u64) -> usize {
        let rest = hash << PART_BITS;
        // The high half of the product is below the number of buckets.
        ((u128::from(rest) * self.buckets.len() as u128) >> 64) as usize
    }

    fn after(&self, at: usize) -> usize {
        let next = at + 1;
        if next == self.buckets.len() { 0 } else { next }
    }

    #[inline]
    fn find(&self, hash: u64) -> Found {
        let mut at = self.home(hash);
        // Of five places two are free on average, so a bucket with room comes.
        loop {
            let bucket = &self.buckets[at];
            let filled = bucket.filled as usize;
            // All places are compared, taken or not, which needs no branches.
            let mut equal = 0_u32;
            for place in 0..PLACES {
                equal |= u32::from(bucket.hashes[place] == hash) << place;
            }
            let found = equal.trailing_zeros() as usize;
            if found < filled {
                return Found::Known(bucket.digests[found]);
            }
            if filled < PLACES {
                return Found::Room(at);
            }
            at = self.after(at);
        }
    }

    /// Enters an identity in a bucket that has room.
    fn enter(&mut self, at: usize, hash: u64, digest: u32) {
        let bucket = &mut self.buckets[at];
        let place = bucket.filled as usize;
        bucket.hashes[place] = hash;
        bucket.digests[place] = digest;
        bucket.filled += 1;
        self.len += 1;
    }

    fn grow(&mut self) {
        let old = std::mem::take(self);
        self.buckets = vec![Bucket::default(); grown(old.buckets.len())];
        for bucket in &old.buckets {
            for place in 0..bucket.filled as usize {
                let hash = bucket.hashes[place];
                let mut at = self.home(hash);
                while self.buckets[at].filled as usize == PLACES {
                    at = self.after(at);
                }
                self.enter(at, hash, bucket.digests[place]);
            }
        }
    }
}

/// The number of buckets behind that of a full table: four fifths more, and at least one. An identity then has at most
/// 64 ÷ 3 × 1.8 = 38.4 bytes.
fn grown(buckets: usize) -> usize {
    buckets + (buckets * 4 / 5).max(1)
}
