//! AES-256-GCM-SIV (RFC 8452) for many messages under one key, nonce and associated data, all prepared once.
//!
//! A message lies in a frame as POLYVAL wants it: zero blocks, the message padded with zeros to whole blocks, the length
//! block. Leading zero blocks do not change POLYVAL; they make every frame a multiple of the four blocks that POLYVAL
//! takes at once, for no more than one costs.

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes256Enc, Block};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::{Zeroizing, optimization_barrier, zeroize_stack};

/// The two keys that RFC 8452 §4 derives from key and nonce, expanded, and what POLYVAL makes of the associated data.
pub(crate) struct Siv(Box<Keys>);

struct Keys {
    aes: Aes256Enc,
    polyval: Polyval,
    nonce: Block,
    /// The sum of the associated data, to be added to the first block after it.
    associated: Block,
    associated_bits: u64,
}

impl Siv {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8]) -> Self {
        let siv = Self::expand(key, nonce, associated);
        zeroize_stack::<8192>();
        siv
    }

    /// Never inlined, so that what it leaves on the stack lies below its caller's frame and can be wiped.
    #[inline(never)]
    fn expand(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8]) -> Self {
        let generator = Aes256Enc::new(key.into());
        let mut derived = Zeroizing::new([0; 48]);
        for (counter, half) in (0u32..).zip(derived.chunks_exact_mut(8)) {
            let mut block = Block::default();
            block[..4].copy_from_slice(&counter.to_le_bytes());
            block[4..].copy_from_slice(nonce);
            generator.encrypt_block(&mut block);
            half.copy_from_slice(&block[..8]);
        }
        let mut mac_key = polyval::Key::default();
        mac_key.copy_from_slice(&derived[..16]);
        let mut enc_key = aes::cipher::Key::<Aes256Enc>::default();
        enc_key.copy_from_slice(&derived[16..]);
        let mut padded_nonce = Block::default();
        padded_nonce[..12].copy_from_slice(nonce);
        let mut polyval = Polyval::new(&mac_key);
        polyval.update_padded(associated);
        let associated_sum = polyval.finalize_reset();
        Self(Box::new(Keys {
            aes: Aes256Enc::new(&enc_key),
            polyval,
            nonce: padded_nonce,
            associated: associated_sum,
            associated_bits: associated.len() as u64 * 8,
        }))
    }

    /// Encrypts `message` in place and returns its tag.
    #[inline]
    pub(crate) fn seal(&self, message: &mut [u8]) -> [u8; 16] {
        with_frame(message.len(), |blocks, place| {
            place.bytes(blocks).copy_from_slice(message);
            let mut tag = self.sum(blocks, place);
            self.0.aes.encrypt_with_backend(Seal { tag: &mut tag, message: place.message(blocks) });
            self.add_associated(place.message(blocks));
            message.copy_from_slice(place.bytes(blocks));
            tag.0
        })
    }

    /// Decrypts `message` in place if the tag is its own; otherwise leaves it as it is and returns `false`.
    #[must_use]
    #[inline]
    pub(crate) fn open(&self, message: &mut [u8], tag: &[u8; 16]) -> bool {
        with_frame(message.len(), |blocks, place| {
            place.bytes(blocks).copy_from_slice(message);
            self.0.aes.encrypt_with_backend(Stream { tag: &Block::from(*tag), message: place.message(blocks) });
            let opened = Array::slice_as_flattened_mut(place.message(blocks));
            opened.get_mut(message.len()..).unwrap_or_default().fill(0);
            let mut expected = self.sum(blocks, place);
            self.0.aes.encrypt_block(&mut expected);
            let authentic = number(&expected).ct_eq(&u128::from_le_bytes(*tag)).into();
            if authentic {
                self.add_associated(place.message(blocks));
                message.copy_from_slice(place.bytes(blocks));
            }
            wipe(blocks);
            authentic
        })
    }

    /// Seals the messages written into `frames`, to be read with [`Siv::sealed`].
    ///
    /// Each step is done for all messages before the next: AES works on many blocks at once, and no load waits for a
    /// store of other width.
    pub(crate) fn seal_frames(&self, frames: &mut Frames) {
        for &place in &frames.places {
            self.frame(&mut frames.blocks, place);
        }
        self.sums(frames);
        core::mem::swap(&mut frames.tags, &mut frames.sums);
        self.stream(frames);
    }

    /// The messages that were sealed in `frames`.
    pub(crate) fn sealed<'a>(&'a self, frames: &'a Frames) -> impl Iterator<Item = Sealed<'a>> {
        let mut stream = &frames.stream[..];
        frames.places.iter().zip(&frames.tags).map(move |(place, tag)| {
            let (keys, rest) = stream.split_at_checked(place.count()).unwrap_or_default();
            stream = rest;
            Sealed { message: place.read(&frames.blocks), keys, associated: &self.0.associated, tag }
        })
    }

    /// Opens `sealed`, each a message of whole blocks and its tag, into `frames`, to be read with [`Frames::opened`].
    pub(crate) fn open_frames<'a>(
        &self,
        frames: &mut Frames,
        sealed: impl Iterator<Item = (&'a [u8], &'a [u8; 16])> + Clone,
    ) {
        frames.clear();
        for (message, tag) in sealed.clone() {
            frames.push(message.len());
            frames.tags.push(Array(*tag));
        }
        self.stream(frames);
        let mut keys = frames.stream.iter();
        for (&place, (message, _)) in frames.places.iter().zip(sealed) {
            for ((block, bytes), key) in
                place.message(&mut frames.blocks).iter_mut().zip(message.as_chunks().0).zip(&mut keys)
            {
                *block = xor(&Array(*bytes), key);
            }
            self.frame(&mut frames.blocks, place);
        }
        self.sums(frames);
        for place in &frames.places {
            self.add_associated(place.message(&mut frames.blocks));
        }
    }

    /// The tags that the messages in `frames` should have.
    fn sums(&self, frames: &mut Frames) {
        let Frames { blocks, places, sums, .. } = frames;
        sums.clear();
        self.with_polyval(|polyval| {
            sums.extend(places.iter().map(|place| {
                polyval.update(place.frame(blocks));
                polyval.finalize_reset()
            }));
        });
        sums.iter_mut().for_each(|sum| *sum = self.masked(sum));
        self.0.aes.encrypt_blocks(sums);
    }

    /// The key streams of all messages, one after the other.
    fn stream(&self, frames: &mut Frames) {
        let Frames { places, tags, stream, .. } = frames;
        stream.clear();
        for (place, tag) in places.iter().zip(tags) {
            let counters = Counters::after(tag);
            stream.extend((0..place.count() as u32).map(|i| counters.block(i)));
        }
        self.0.aes.encrypt_blocks(stream);
    }

    /// Adds to a message in its frame what POLYVAL needs: the length block, and the sum of the associated data.
    #[inline]
    fn frame(&self, blocks: &mut [Block], place: Place) {
        let frame = place.frame(blocks);
        if let Some(length) = frame.last_mut() {
            *length = Array((u128::from(self.0.associated_bits) | (place.len as u128 * 8) << 64).to_le_bytes());
        }
        // The first block after the associated data is the length block if the message is empty.
        if let Some(first) = frame.get_mut(place.message - place.start) {
            *first = xor(first, &self.0.associated);
        }
    }

    /// What becomes the tag when it is encrypted, from what POLYVAL made of the frame.
    #[inline]
    fn masked(&self, sum: &Block) -> Block {
        let [a, b, c, d] = lanes(&xor(sum, &self.0.nonce));
        from_lanes([a, b, c, d & !(1 << 31)])
    }

    #[inline]
    fn sum(&self, blocks: &mut [Block], place: Place) -> Block {
        self.frame(blocks, place);
        self.masked(&self.with_polyval(|polyval| {
            polyval.update(blocks);
            polyval.finalize_reset()
        }))
    }

    #[inline]
    fn add_associated(&self, message: &mut [Block]) {
        if let Some(first) = message.first_mut() {
            *first = xor(first, &self.0.associated);
        }
    }

    #[inline]
    fn with_polyval<R>(&self, run: impl FnOnce(&mut Polyval) -> R) -> R {
        let mut polyval = self.0.polyval.clone();
        run(&mut polyval)
    }
}

/// The AES schedule wipes itself; the rest is overwritten with what a key of zeros gives.
impl Drop for Keys {
    fn drop(&mut self) {
        self.polyval = Polyval::new(&polyval::Key::default());
        self.associated = Block::default();
        optimization_barrier(self);
    }
}

/// Where a message of `len` bytes lies: its frame is `start..end` of some blocks, itself `message..end - 1`.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    message: usize,
    end: usize,
    len: usize,
}

impl Place {
    #[inline]
    fn after(start: usize, len: usize) -> Self {
        let count = len.div_ceil(16);
        let end = start + (count + 1).next_multiple_of(4);
        Self { start, message: end - 1 - count, end, len }
    }

    #[inline]
    fn count(self) -> usize {
        self.end - 1 - self.message
    }

    #[inline]
    fn frame(self, blocks: &mut [Block]) -> &mut [Block] {
        blocks.get_mut(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    fn message(self, blocks: &mut [Block]) -> &mut [Block] {
        blocks.get_mut(self.message..self.end - 1).unwrap_or_default()
    }

    #[inline]
    fn bytes(self, blocks: &mut [Block]) -> &mut [u8] {
        Array::slice_as_flattened_mut(self.message(blocks)).get_mut(..self.len).unwrap_or_default()
    }

    #[inline]
    fn read(self, blocks: &[Block]) -> &[Block] {
        blocks.get(self.message..self.end - 1).unwrap_or_default()
    }
}

/// Runs `run` with a zeroed frame for a message of `len` bytes: on the stack if it is short, as most are.
#[inline]
fn with_frame<R>(len: usize, run: impl FnOnce(&mut [Block], Place) -> R) -> R {
    let place = Place::after(0, len);
    match place.end {
        4 => run(&mut [Block::default(); 4], place),
        8 => run(&mut [Block::default(); 8], place),
        end => run(&mut vec![Block::default(); end], place),
    }
}

/// Many messages of whole blocks, sealed or opened together so that AES works on all of them at once.
#[derive(Default)]
pub(crate) struct Frames {
    blocks: Vec<Block>,
    places: Vec<Place>,
    tags: Vec<Block>,
    sums: Vec<Block>,
    stream: Vec<Block>,
}

impl Frames {
    pub(crate) fn clear(&mut self) {
        self.blocks.clear();
        self.places.clear();
        self.tags.clear();
    }

    /// Overwrites every message that was ever in here.
    pub(crate) fn wipe(&mut self) {
        self.clear();
        self.blocks.resize(self.blocks.capacity(), Block::default());
        wipe(&mut self.blocks);
    }

    /// Whether so many messages wait that more would not make any of them faster: 64 fill the widest AES unit.
    pub(crate) fn is_full(&self) -> bool {
        self.places.len() >= 64 || self.blocks.len() >= 1024
    }

    /// Adds a message of `len` bytes, a multiple of 16, and returns it to be written: all zeros yet.
    #[inline]
    pub(crate) fn push(&mut self, len: usize) -> &mut [u8] {
        let place = Place::after(self.blocks.len(), len);
        self.blocks.resize(place.end, Block::default());
        self.places.push(place);
        place.bytes(&mut self.blocks)
    }

    /// The messages after [`Siv::open_frames`]; `None` for one whose tag is not its own.
    pub(crate) fn opened(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.places.iter().zip(self.tags.iter().zip(&self.sums)).map(|(place, (tag, expected))| {
            let authentic: bool = number(expected).ct_eq(&number(tag)).into();
            authentic.then(|| Array::slice_as_flattened(place.read(&self.blocks)))
        })
    }
}

/// A sealed message, not yet put together.
pub(crate) struct Sealed<'a> {
    message: &'a [Block],
    keys: &'a [Block],
    associated: &'a Block,
    tag: &'a Block,
}

impl Sealed<'_> {
    /// The length of the encrypted message and its tag.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        (self.message.len() + 1) * 16
    }

    /// Writes the encrypted message and its tag to `out`, which has just their length.
    #[inline]
    pub(crate) fn write(&self, out: &mut [u8]) {
        let mut blocks = out.as_chunks_mut().0.iter_mut();
        let mut associated = *self.associated;
        for ((block, key), out) in self.message.iter().zip(self.keys).zip(&mut blocks) {
            *out = xor(&xor(block, key), &associated).0;
            associated = Block::default();
        }
        if let Some(out) = blocks.next() {
            *out = self.tag.0;
        }
    }
}

/// Encrypts a sum to the tag it is, and then a message under it.
struct Seal<'a> {
    tag: &'a mut Block,
    message: &'a mut [Block],
}

impl BlockSizeUser for Seal<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Seal<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        backend.encrypt_block_inplace(self.tag);
        Stream { tag: self.tag, message: self.message }.call(backend);
    }
}

/// Adds the key stream of a tag to a message.
struct Stream<'a> {
    tag: &'a Block,
    message: &'a mut [Block],
}

impl BlockSizeUser for Stream<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Stream<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let counters = Counters::after(self.tag);
        let mut next = 0u32..;
        let (chunks, tail) = Array::<Block, B::ParBlocksSize>::slice_as_chunks_mut(self.message);
        for chunk in chunks {
            let mut keys = Array::from_fn(|_| counters.block(next.next().unwrap_or_default()));
            backend.encrypt_par_blocks_inplace(&mut keys);
            chunk.iter_mut().zip(&keys).for_each(|(block, key)| *block = xor(block, key));
        }
        for (block, i) in tail.iter_mut().zip(next) {
            let mut key = counters.block(i);
            backend.encrypt_block_inplace(&mut key);
            *block = xor(block, &key);
        }
    }
}

/// The counter blocks of a message: its tag with the highest bit set, and the lowest 32 bits counting, little-endian.
struct Counters([u32; 4]);

impl Counters {
    #[inline(always)]
    fn after(tag: &Block) -> Self {
        let [low, b, c, d] = lanes(tag);
        Self([low, b, c, d | 1 << 31])
    }

    #[inline(always)]
    fn block(&self, i: u32) -> Block {
        let [low, b, c, d] = self.0;
        from_lanes([low.wrapping_add(i), b, c, d])
    }
}

#[inline(always)]
fn xor(left: &Block, right: &Block) -> Block {
    let ([a, b, c, d], [e, f, g, h]) = (lanes(left), lanes(right));
    from_lanes([a ^ e, b ^ f, c ^ g, d ^ h])
}

/// Four lanes become one vector register, where a u128 becomes two words whose stores a vector load must wait for.
#[inline(always)]
fn lanes(block: &Block) -> [u32; 4] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = block.0;
    [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]].map(u32::from_le_bytes)
}

#[inline(always)]
fn from_lanes(lanes: [u32; 4]) -> Block {
    let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] = lanes.map(u32::to_le_bytes);
    Array([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p])
}

/// One number compares in constant time faster than sixteen bytes.
#[inline(always)]
fn number(block: &Block) -> u128 {
    u128::from_le_bytes(block.0)
}

fn wipe(blocks: &mut [Block]) {
    blocks.fill(Block::default());
    optimization_barrier(blocks);
}
