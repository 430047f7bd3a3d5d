//! AES-256-GCM-SIV (RFC 8452) for many messages under one key, nonce and associated data, all prepared once.
//!
//! A message lies in a frame as POLYVAL wants it: zero blocks, the message padded with zeros to whole blocks, the length
//! block. Leading zero blocks do not change POLYVAL; they make every frame a multiple of the blocks that POLYVAL takes at
//! once, for no more than one costs.
//!
//! What is short is written and read by whole blocks: a load that must collect several smaller stores waits for all that
//! the processor has under way, which costs more than POLYVAL does.

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt, BlockSizeUser, KeyInit};
use aes::{Aes256Enc, Block};
use polyval::Polyval;
use polyval::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::{Zeroizing, optimization_barrier, zeroize_stack};

/// How many blocks POLYVAL takes at once: one where there is no carry-less multiplication.
const FRAME: usize = if cfg!(target_arch = "wasm32") { 1 } else { 4 };

/// The two keys that RFC 8452 §4 derives from key and nonce, expanded, and what POLYVAL makes of the associated data.
pub(crate) struct Siv(Box<Keys>);

struct Keys {
    aes: Aes256Enc,
    polyval: Polyval,
    nonce: Block,
    /// The sum of the associated data, to be added to the first block after it.
    associated: Block,
    /// Added to the other blocks that are made in registers, lest they be stored word by word.
    zero: Block,
    /// The length blocks of messages of so many blocks.
    lengths: [Block; 8],
}

/// A message to seal: some bytes and then, for whole blocks, `end` and zeros.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    bytes: &'a [u8],
    end: u8,
    len: usize,
}

impl<'a> Message<'a> {
    /// `bytes` and nothing more.
    pub(crate) fn exact(bytes: &'a [u8]) -> Self {
        Self { bytes, end: 0, len: bytes.len() }
    }

    /// `bytes`, 0x80, and zeros to `len` bytes: a multiple of 16 that leaves room for the 0x80.
    pub(crate) fn padded(bytes: &'a [u8], len: usize) -> Self {
        Self { bytes, end: 0x80, len }
    }
}

impl Siv {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; 12], associated: &[u8]) -> Self {
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
        let mut polyval = Polyval::new(&mac_key);
        polyval.update_padded(associated);
        let associated_sum = polyval.finalize_reset();
        let mut padded_nonce = Block::default();
        padded_nonce[..12].copy_from_slice(nonce);
        let mut lengths = [Block::default(); 8];
        for (count, length) in (0..).zip(&mut lengths) {
            write_length_block(length, associated.len() as u64 * 8, count * 128);
        }
        Self(Box::new(Keys {
            aes: Aes256Enc::new(&enc_key),
            polyval,
            nonce: padded_nonce,
            associated: associated_sum,
            zero: Block::default(),
            lengths,
        }))
    }

    /// Writes the encrypted message and its tag to `out`, which has just their length.
    #[inline]
    pub(crate) fn seal(&self, message: Message<'_>, out: &mut [u8]) {
        let place = Place::after(0, message.len);
        match place.end {
            4 => self.seal_short::<4>(message, place, out),
            8 => self.seal_short::<8>(message, place, out),
            _ => self.seal_long(message, out),
        }
    }

    /// Without the heap.
    #[inline]
    fn seal_short<const N: usize>(&self, message: Message<'_>, place: Place, out: &mut [u8]) {
        let mut frame = [Block::default(); N];
        self.0.fill(&mut frame, place, message);
        let mut tag = self.0.sum(&frame);
        self.0.aes.encrypt_with_backend(Seal { keys: &self.0, sum: &mut tag, message: place.message(&mut frame) });
        write(out, place.read(&frame).iter().copied(), &tag);
    }

    fn seal_long(&self, message: Message<'_>, out: &mut [u8]) {
        let mut frames = Frames::default();
        self.push(&mut frames, message);
        self.seal_all(&mut frames);
        for sealed in self.sealed(&frames) {
            sealed.write(out);
        }
        frames.wipe();
    }

    /// Decrypts `message` in place if the tag is its own; otherwise leaves it as it is and returns `false`.
    #[must_use]
    pub(crate) fn open(&self, message: &mut [u8], tag: &[u8; 16]) -> bool {
        let place = Place::after(0, message.len());
        match (place.end, message.len() % 16) {
            (4, 0) => self.open_short::<4>(message, place, &Array(*tag)),
            (8, 0) => self.open_short::<8>(message, place, &Array(*tag)),
            _ => self.open_long(message, tag),
        }
    }

    #[inline]
    fn open_short<const N: usize>(&self, message: &mut [u8], place: Place, tag: &Block) -> bool {
        let mut frame = [Block::default(); N];
        self.0.fill(&mut frame, place, Message::exact(message));
        self.0.aes.encrypt_with_backend(Stream { tag, message: place.message(&mut frame) });
        let mut expected = self.0.sum(&frame);
        self.0.aes.encrypt_with_backend(Seal { keys: &self.0, sum: &mut expected, message: &mut [] });
        let authentic = same(&expected, tag);
        if authentic {
            self.0.associate(&mut frame, place);
            message.copy_from_slice(Array::slice_as_flattened(place.read(&frame)));
        }
        frame = [Block::default(); N];
        optimization_barrier(&frame);
        authentic
    }

    fn open_long(&self, message: &mut [u8], tag: &[u8; 16]) -> bool {
        let mut frames = Frames::default();
        self.open_all(&mut frames, core::iter::once((&*message, tag)));
        let opened = frames.opened().next().flatten();
        if let Some(opened) = opened {
            message.copy_from_slice(opened);
        }
        let authentic = opened.is_some();
        frames.wipe();
        authentic
    }

    /// Adds a message to those to be sealed together.
    #[inline]
    pub(crate) fn push(&self, frames: &mut Frames, message: Message<'_>) {
        let place = frames.place(message.len);
        self.0.fill(&mut frames.blocks, place, message);
    }

    /// Seals the messages in `frames`, to be read with [`Siv::sealed`].
    pub(crate) fn seal_all(&self, frames: &mut Frames) {
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

    /// Opens `sealed`, messages and their tags, into `frames`, to be read with [`Frames::opened`].
    pub(crate) fn open_all<'a>(
        &self,
        frames: &mut Frames,
        sealed: impl Iterator<Item = (&'a [u8], &'a [u8; 16])> + Clone,
    ) {
        frames.clear();
        let mut end = 0;
        frames.places.extend(sealed.clone().map(|(message, _)| {
            let place = Place::after(end, message.len());
            end = place.end;
            place
        }));
        frames.tags.extend(sealed.clone().map(|(_, tag)| Array(*tag)));
        make_room(&mut frames.blocks, end);
        frames.blocks.resize(end, Block::default());
        self.stream(frames);
        let mut keys = frames.stream.iter();
        for (&place, (message, _)) in frames.places.iter().zip(sealed) {
            let blocks = &mut frames.blocks;
            if let Some(length) = blocks.get_mut(place.end - 1) {
                self.0.write_length(length, place.len);
            }
            let (whole, rest) = message.as_chunks();
            let mut opened = place.message(blocks).iter_mut();
            for ((bytes, block), key) in whole.iter().zip(&mut opened).zip(&mut keys) {
                *block = xor(&Array(*bytes), key);
            }
            if let (Some(block), false) = (opened.next(), rest.is_empty()) {
                *block = keys.next().map_or_else(Block::default, |key| xor(&last_block(rest, 0), key));
            }
            self.0.associate(blocks, place);
        }
        self.sums(frames);
        for &place in &frames.places {
            self.0.associate(&mut frames.blocks, place);
        }
    }

    /// The tags that the messages in `frames` should have.
    #[inline(never)]
    fn sums(&self, frames: &mut Frames) {
        let Frames { blocks, places, sums, .. } = frames;
        let mut polyval = self.0.polyval.clone();
        sums.clear();
        sums.extend(places.iter().map(|place| {
            polyval.update(place.frame(blocks));
            polyval.finalize_reset()
        }));
        sums.iter_mut().for_each(|sum| *sum = self.0.tag_input(sum));
        self.0.aes.encrypt_blocks(sums);
    }

    /// The key streams of all messages in `frames`, one after the other.
    fn stream(&self, frames: &mut Frames) {
        let Frames { places, tags, stream, .. } = frames;
        stream.clear();
        make_room(stream, places.iter().map(|place| place.count()).sum());
        for (place, tag) in places.iter().zip(tags) {
            stream.extend((0..place.count() as u32).map(|i| counter(tag, i)));
        }
        self.0.aes.encrypt_blocks(stream);
        // The key stream is longer than a message that ends within a block.
        let mut end = 0;
        for place in places {
            end += place.count();
            if let (1.., Some(key)) = (place.len % 16, stream.get_mut(end.wrapping_sub(1))) {
                key[place.len % 16..].fill(0);
            }
        }
    }
}

impl Keys {
    /// Makes the frame of a message in zeroed blocks.
    #[inline(always)]
    fn fill(&self, blocks: &mut [Block], place: Place, message: Message<'_>) {
        if let Some(length) = blocks.get_mut(place.end - 1) {
            self.write_length(length, message.len);
        }
        let (whole, rest) = message.bytes.as_chunks();
        let mut filled = place.message(blocks).iter_mut();
        for (bytes, block) in whole.iter().zip(&mut filled) {
            *block = Array(*bytes);
        }
        if let Some(block) = filled.next() {
            *block = xor(&last_block(rest, message.end), &self.zero);
        }
        self.associate(blocks, place);
    }

    /// Adds the sum of the associated data to the first block after that, which is the length block if the message is
    /// empty; or takes it away again.
    #[inline(always)]
    fn associate(&self, blocks: &mut [Block], place: Place) {
        if let Some(block) = blocks.get_mut(place.message) {
            *block = xor(block, &self.associated);
        }
    }

    #[inline(always)]
    fn write_length(&self, block: &mut Block, message_len: usize) {
        match self.lengths.get(message_len / 16) {
            Some(known) if message_len.is_multiple_of(16) => *block = *known,
            _ => write_length_block(block, number(&self.lengths[0]) as u64, message_len as u64 * 8),
        }
    }

    /// What POLYVAL makes of a frame.
    #[inline(always)]
    fn sum(&self, frame: &[Block]) -> Block {
        let mut polyval = self.polyval.clone();
        polyval.update(frame);
        polyval.finalize_reset()
    }

    /// What becomes the tag when it is encrypted.
    #[inline(always)]
    fn tag_input(&self, sum: &Block) -> Block {
        zip(&xor(sum, &self.nonce), &from_lanes([!0, !0, !0, !(1 << 31)]), |a, b| a & b)
    }
}

/// The AES schedule wipes itself; the rest is overwritten with what a key of zeros gives. Then the stack below, where
/// sealing one message leaves a copy of the keyed POLYVAL: wiping that at every message would cost a fifth of its time.
impl Drop for Keys {
    fn drop(&mut self) {
        self.polyval = Polyval::new(&polyval::Key::default());
        self.nonce = Block::default();
        self.associated = Block::default();
        optimization_barrier(self);
        zeroize_stack::<16_384>();
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
    #[inline(always)]
    fn after(start: usize, len: usize) -> Self {
        let count = len.div_ceil(16);
        let end = start + (count + 1).next_multiple_of(FRAME);
        Self { start, message: end - 1 - count, end, len }
    }

    #[inline(always)]
    fn count(self) -> usize {
        self.end - 1 - self.message
    }

    #[inline(always)]
    fn frame(self, blocks: &[Block]) -> &[Block] {
        blocks.get(self.start..self.end).unwrap_or_default()
    }

    #[inline(always)]
    fn message(self, blocks: &mut [Block]) -> &mut [Block] {
        blocks.get_mut(self.message..self.end - 1).unwrap_or_default()
    }

    #[inline(always)]
    fn read(self, blocks: &[Block]) -> &[Block] {
        blocks.get(self.message..self.end - 1).unwrap_or_default()
    }
}

/// Many messages, sealed or opened together: each step is done for all of them before the next, so that AES works on
/// many blocks at once.
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

    /// Overwrites every message that was ever in here, the key streams, and what sealing or opening left on the stack.
    pub(crate) fn wipe(&mut self) {
        self.clear();
        wipe(&mut self.blocks);
        wipe(&mut self.stream);
        zeroize_stack::<4096>();
    }

    /// Whether so many messages wait that more would not make any of them faster: 64 fill the widest AES unit.
    pub(crate) fn is_full(&self) -> bool {
        self.places.len() >= 64 || self.blocks.len() >= 1024
    }

    /// Makes room for a message of `len` bytes: all zeros yet.
    #[inline]
    fn place(&mut self, len: usize) -> Place {
        let place = Place::after(self.blocks.len(), len);
        make_room(&mut self.blocks, place.end - place.start);
        // A few blocks of a known number are written faster than memory of any length is set.
        while self.blocks.len() < place.end {
            self.blocks.extend([Array([0; 16]); FRAME]);
        }
        self.places.push(place);
        place
    }

    /// The messages after [`Siv::open_all`]; `None` for one whose tag is not its own.
    pub(crate) fn opened(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.places.iter().zip(self.tags.iter().zip(&self.sums)).map(|(place, (tag, expected))| {
            let opened = || Array::slice_as_flattened(place.read(&self.blocks)).get(..place.len);
            if same(expected, tag) { opened() } else { None }
        })
    }
}

/// Room for `more` blocks, without leaving any behind unwiped.
#[inline(always)]
fn make_room(blocks: &mut Vec<Block>, more: usize) {
    if blocks.capacity() - blocks.len() < more {
        let mut grown = Vec::with_capacity((blocks.len() + more).next_power_of_two());
        grown.extend_from_slice(blocks);
        wipe(blocks);
        *blocks = grown;
    }
}

/// Overwrites all that was ever in `blocks`.
fn wipe(blocks: &mut Vec<Block>) {
    blocks.clear();
    blocks.resize(blocks.capacity(), Block::default());
    optimization_barrier(&blocks[..]);
    blocks.clear();
}

/// A sealed message, not yet put together.
pub(crate) struct Sealed<'a> {
    message: &'a [Block],
    keys: &'a [Block],
    associated: &'a Block,
    tag: &'a Block,
}

impl Sealed<'_> {
    /// The length of the encrypted message, which is of whole blocks, and its tag.
    pub(crate) fn len(&self) -> usize {
        (self.message.len() + 1) * 16
    }

    /// Writes the encrypted message and its tag to `out`, which has just their length.
    #[inline(always)]
    pub(crate) fn write(&self, out: &mut [u8]) {
        let mut associated = *self.associated;
        let blocks = self.message.iter().zip(self.keys).map(|(block, key)| {
            let sealed = xor(&xor(block, &associated), key);
            associated = Block::default();
            sealed
        });
        write(out, blocks, self.tag);
    }
}

/// Writes a message, as long as there is room before the tag, and the tag.
#[inline(always)]
fn write(out: &mut [u8], mut message: impl Iterator<Item = Block>, tag: &Block) {
    let Some((out, end)) = out.split_last_chunk_mut() else { return };
    *end = tag.0;
    let (whole, rest) = out.as_chunks_mut();
    for (out, block) in whole.iter_mut().zip(&mut message) {
        *out = block.0;
    }
    for (out, byte) in rest.iter_mut().zip(message.next().unwrap_or_default()) {
        *out = byte;
    }
}

/// Makes the tag of the sum of a frame, and adds its key stream to the message in it: one call, so that no load waits for
/// the tag's store.
struct Seal<'a> {
    keys: &'a Keys,
    sum: &'a mut Block,
    message: &'a mut [Block],
}

impl BlockSizeUser for Seal<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Seal<'_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut tag = self.keys.tag_input(self.sum);
        backend.encrypt_block_inplace(&mut tag);
        *self.sum = tag;
        if let Some(first) = self.message.first_mut() {
            *first = xor(first, &self.keys.associated);
        }
        Stream { tag: &tag, message: self.message }.call(backend);
    }
}

/// Adds the key stream of a tag to a message that is too short to gain from more than one block at a time.
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
        for (block, i) in self.message.iter_mut().zip(0..) {
            let mut key = counter(self.tag, i);
            backend.encrypt_block_inplace(&mut key);
            *block = xor(block, &key);
        }
    }
}

/// The counter blocks of a message: its tag with the highest bit set, and the lowest 32 bits counting, little-endian.
#[inline(always)]
fn counter(tag: &Block, i: u32) -> Block {
    let start = zip(tag, &from_lanes([0, 0, 0, 1 << 31]), |a, b| a | b);
    zip(&start, &from_lanes([i, 0, 0, 0]), u32::wrapping_add)
}

/// `bytes`, fewer than 16, then `end` and zeros. Made in registers.
#[inline(always)]
fn last_block(bytes: &[u8], end: u8) -> Block {
    let word = |bytes: &[u8; 8]| u128::from(u64::from_le_bytes(*bytes));
    let half = |bytes: &[u8; 4]| u128::from(u32::from_le_bytes(*bytes));
    let bits = bytes.len() * 8;
    // Two words that overlap say the same where they do.
    let number = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        word(first) | word(last) << (bits - 64)
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        half(first) | half(last) << (bits - 32)
    } else {
        bytes.iter().rev().fold(0, |number, &byte| number << 8 | u128::from(byte))
    };
    Array((number | u128::from(end) << bits).to_le_bytes())
}

/// Never inlined: what it makes in words must not meet what is copied in whole.
#[inline(never)]
fn write_length_block(block: &mut Block, associated_bits: u64, message_bits: u64) {
    *block = Array((u128::from(associated_bits) | u128::from(message_bits) << 64).to_le_bytes());
}

#[inline(always)]
fn xor(left: &Block, right: &Block) -> Block {
    zip(left, right, |a, b| a ^ b)
}

/// Four lanes that are all treated alike become one vector register.
#[inline(always)]
fn zip(left: &Block, right: &Block, op: impl Fn(u32, u32) -> u32) -> Block {
    let ([a, b, c, d], [e, f, g, h]) = (lanes(left), lanes(right));
    from_lanes([op(a, e), op(b, f), op(c, g), op(d, h)])
}

#[inline(always)]
fn lanes(block: &Block) -> [u32; 4] {
    let (lanes, _) = block.0.as_chunks();
    let lane = u32::from_le_bytes;
    [lane(lanes[0]), lane(lanes[1]), lane(lanes[2]), lane(lanes[3])]
}

#[inline(always)]
fn from_lanes(lanes: [u32; 4]) -> Block {
    let mut block = Array([0; 16]);
    let (bytes, _) = block.as_chunks_mut();
    bytes[0] = lanes[0].to_le_bytes();
    bytes[1] = lanes[1].to_le_bytes();
    bytes[2] = lanes[2].to_le_bytes();
    bytes[3] = lanes[3].to_le_bytes();
    block
}

/// Whether two tags are equal, in constant time: faster for one number each than for sixteen bytes.
#[inline(always)]
fn same(left: &Block, right: &Block) -> bool {
    number(left).ct_eq(&number(right)).into()
}

#[inline(always)]
fn number(block: &Block) -> u128 {
    u128::from_le_bytes(block.0)
}
