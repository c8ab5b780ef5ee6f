//! The identities of a day that is past: sorted by their hashes, in pieces of some hundred.
//!
//! The piece of a hash follows from its high bits, and its place within from interpolation, since hashes are spread
//! evenly. The few that still come are inserted into their piece. Pieces are shared between clones until one of them
//! changes a piece; then it has that one for itself.

use std::sync::Arc;

use super::Met;
use super::entry::Entry;

/// The average number of entries of a piece at which every piece is cut in two.
const PIECE_MAX: usize = 512;

/// Room for late entries that a full piece gets at once.
const ROOM: usize = 16;

type Piece = Arc<Vec<Entry>>;

#[derive(Clone, Debug)]
pub(super) struct Past {
    /// By the high bits of the hashes: 2^`bits` pieces.
    pieces: Arc<Vec<Piece>>,
    bits: u32,
    len: usize,
}

impl Default for Past {
    fn default() -> Past {
        Builder::new(0).finish()
    }
}

impl Past {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Entries, and what the pieces themselves need: a pointer, two counts and a vector.
    pub(super) fn bytes_in_memory(&self) -> usize {
        let entries: usize = self.pieces.iter().map(|piece| piece.capacity()).sum();
        let piece = size_of::<Piece>() + 2 * size_of::<usize>() + size_of::<Vec<Entry>>();
        entries * size_of::<Entry>() + self.pieces.capacity() * piece
    }

    /// In the order of the hashes.
    pub(super) fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        self.pieces.iter().flat_map(|piece| piece.iter().copied())
    }

    /// Where the pieces lie.
    #[cfg(test)]
    pub(super) fn iter_pieces(&self) -> impl Iterator<Item = *const Vec<Entry>> + '_ {
        self.pieces.iter().map(Arc::as_ptr)
    }

    /// Looks an identity up, and enters it where it is new and `enter` says so.
    pub(super) fn meet(&mut self, hash: u64, digest: u32, enter: bool) -> Met {
        match self.find(hash) {
            Ok(known) => return Met::known(known, digest),
            Err(_) if !enter => return Met::New,
            Err(place) => self.insert(place, Entry::new(hash, digest)),
        }
        if self.len > PIECE_MAX << self.bits {
            self.cut();
        }
        Met::New
    }

    /// The digest of a hash, or its place in its piece.
    fn find(&self, hash: u64) -> Result<u32, usize> {
        let piece = &self.pieces[piece_of(hash, self.bits)];
        // The bits behind those that name the piece say how far into it.
        let within = u128::from(hash << self.bits);
        let mut place = ((within * piece.len() as u128) >> 64) as usize;
        while place > 0 && piece[place - 1].hash() >= hash {
            place -= 1;
        }
        while place < piece.len() && piece[place].hash() < hash {
            place += 1;
        }
        match piece.get(place) {
            Some(entry) if entry.hash() == hash => Ok(entry.digest),
            _ => Err(place),
        }
    }

    fn insert(&mut self, place: usize, entry: Entry) {
        let pieces = Arc::make_mut(&mut self.pieces);
        let piece = Arc::make_mut(&mut pieces[piece_of(entry.hash(), self.bits)]);
        if piece.len() == piece.capacity() {
            piece.reserve_exact(ROOM);
        }
        piece.insert(place, entry);
        self.len += 1;
    }

    /// Cuts every piece in two, one after the other.
    fn cut(&mut self) {
        let mut halves = Vec::with_capacity(self.pieces.len() * 2);
        self.bits += 1;
        let bit = 1 << (64 - self.bits);
        for piece in Arc::make_mut(&mut self.pieces) {
            let entries = std::mem::take(piece);
            let at = entries.partition_point(|entry| entry.hash() & bit == 0);
            let (low, high) = entries.split_at(at);
            halves.push(Arc::new(low.to_vec()));
            halves.push(Arc::new(high.to_vec()));
        }
        self.pieces = Arc::new(halves);
    }
}

/// The number of the piece of a hash, of 2^`bits`.
fn piece_of(hash: u64, bits: u32) -> usize {
    hash.checked_shr(64 - bits).unwrap_or(0) as usize
}

/// Takes entries in the order of their hashes, and makes the array of them.
#[derive(Debug)]
pub(super) struct Builder {
    pieces: Vec<Piece>,
    /// The entries of the piece that comes next.
    open: Vec<Entry>,
    bits: u32,
    len: usize,
}

impl Builder {
    /// For so many entries.
    pub(super) fn new(len: usize) -> Builder {
        let mut bits = 0;
        while len > PIECE_MAX << bits {
            bits += 1;
        }
        Builder {
            pieces: Vec::with_capacity(1 << bits),
            open: Vec::new(),
            bits,
            len: 0,
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        let piece = piece_of(entry.hash(), self.bits);
        while self.pieces.len() < piece {
            self.seal();
        }
        self.open.push(entry);
        self.len += 1;
    }

    /// Ends a piece, with no byte more than its entries need.
    fn seal(&mut self) {
        self.pieces.push(Arc::new(self.open.as_slice().to_vec()));
        self.open.clear();
    }

    pub(super) fn finish(mut self) -> Past {
        while self.pieces.len() < 1 << self.bits {
            self.seal();
        }
        Past {
            pieces: Arc::new(self.pieces),
            bits: self.bits,
            len: self.len,
        }
    }
}
