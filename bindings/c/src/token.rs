//! Tokens, one by one and many at once, into memory of the caller's.

use core::ffi::c_char;
use core::ptr;

use blindtally::{MAX_TOKEN_VALUE, Record, RecordError, Token, TokenBatch, TokenClass};

use crate::agent::Agent;
use crate::class::class;
use crate::error::{Error, Refused};
use crate::pointer::{Out, Outs, entry, put_text};

/// The longest value that can be tokenized, in bytes of UTF-8.
pub const BLINDTALLY_VALUE_MAX: usize = 4096;

/// Room for the token of any value, with its NUL, in bytes.
pub const BLINDTALLY_TOKEN_MAX: usize = 5837;

const _: () = assert!(BLINDTALLY_VALUE_MAX == MAX_TOKEN_VALUE);
const _: () = assert!(BLINDTALLY_TOKEN_MAX == room(MAX_TOKEN_VALUE));

/// So many values are sealed together: enough that what a batch costs does not show, few enough that their tokens are still
/// in a near cache when they are copied.
const CHUNK: usize = 128;

/// Room for the tokens of values of up to 511 bytes, whose padding goes by sixteens: a look is faster than reckoning.
const SHORT: [usize; 32] = {
    let (mut short, mut index) = ([0; 32], 0);
    while index < short.len() {
        short[index] = room(16 * index);
        assert!(short[index] == room(16 * index + 15));
        index += 1;
    }
    short
};

/// What a token takes among others, and a NUL.
const fn room(value_length: usize) -> usize {
    Token::text_len(value_length).next_multiple_of(4) + 1
}

/// A value that takes no room among others, since it is refused: it stands for those that are no text.
const TOO_LONG: &str = match str::from_utf8(&[0; MAX_TOKEN_VALUE + 1]) {
    Ok(text) => text,
    Err(_) => "",
};

/// A text that is lent to the library for the time of a call.
#[repr(C)]
pub struct Text {
    /// UTF-8, without a NUL. NULL if `length` is 0.
    pub data: *const c_char,
    /// How many bytes.
    pub length: usize,
}

/// What became of one value of many.
#[repr(C)]
pub struct TokenResult {
    /// Why there is no token; NULL if there is one.
    pub error: *const Error,
    /// Where in the buffer its token starts; 0 if there is none.
    pub offset: usize,
    /// How many bytes it has; 0 if there is none. There is no NUL behind it.
    pub length: usize,
}

/// Room for the token of a value of `value_length` bytes, with its NUL: 53 for one of up to 15 bytes. For a value of more
/// than BLINDTALLY_VALUE_MAX bytes it is BLINDTALLY_TOKEN_MAX. It depends on nothing but the length, and is always enough;
/// the form that a policy sets can make the token of a value shorter, and a value short enough that is too long as it is:
/// of a URL the host, for one.
#[unsafe(no_mangle)]
pub extern "C" fn blindtally_token_length(value_length: usize) -> usize {
    match SHORT.get(value_length / 16) {
        Some(room) => *room,
        None => room(value_length.min(MAX_TOKEN_VALUE)),
    }
}

/// Brings a value into the form that the policy sets, and seals what that is, up to BLINDTALLY_VALUE_MAX bytes of UTF-8,
/// into the text of its token. For many values blindtally_agent_tokenize_many() is several times as fast.
///
/// Errors: c.value for what is no token class, c.utf8, tokenize.too-long, tokenize.no-key, agent.needs-upgrade,
/// agent.revoked, c.buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_tokenize(
    agent: *const Agent,
    token_class: u32,
    value: *const c_char,
    value_length: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let (class, value) = (class(token_class, TokenClass::from_id)?, given.text(value, value_length)?);
        let token = given.handle(agent)?.0.look(|agent| agent.tokenize(class, value))??;
        put_token(buffer, length.as_ref(), &token)
    })
}

/// Hands the text of a token out as `put_text` would.
fn put_token(mut buffer: Outs<c_char>, length: Option<&Out<usize>>, token: &Token) -> Result<(), Refused> {
    let text_length = (token.as_bytes().len() * 4).div_ceil(3) + 4;
    let written = buffer.room(text_length + 1).and_then(|room| token.write_text(room)).is_some();
    if let Some(length) = length {
        length.put(if written { text_length } else { text_length + 1 });
    }
    if written { Ok(()) } else { Err(Refused::BUFFER) }
}

/// Seals `count` values of one class. `results` has room for as many, and says for each where its token is in `buffer`, or
/// why there is none: a value that is refused does not keep the others from being sealed. Tokens have no NUL behind them
/// here, and some characters between them belong to none.
///
/// `capacity` must be at least the sum of blindtally_token_length() of all values. If it is less the error is c.buffer,
/// `length` is that sum, and nothing is written. Otherwise `length`, which may be NULL, is how much of the buffer was used.
/// `buffer` and `results` must not overlap the values.
///
/// Errors of a value: c.null, c.utf8, c.value, tokenize.too-long. Errors of the whole call, which leave `results` as it was: c.value
/// for what is no token class, tokenize.no-key, agent.needs-upgrade, agent.revoked, c.buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_tokenize_many(
    agent: *const Agent,
    token_class: u32,
    values: *const Text,
    count: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
    results: *mut TokenResult,
) -> *const Error {
    entry(|given| {
        let (mut buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let (values, results) = (given.slice(values, count)?, given.outs(results, count)?);
        let class = class(token_class, TokenClass::from_id)?;
        let needed = values.iter().map(|value| blindtally_token_length(value.length)).fold(0, usize::saturating_add);
        if needed > buffer.count() {
            length.inspect(|length| length.put(needed));
            return Err(Refused::BUFFER);
        }
        let used = given.handle(agent)?.0.look(|agent| {
            let mut batch = TokenBatch::new();
            // Whether there is a key does not depend on there being values.
            agent.tokenize_batch(class, [], &mut batch)?;
            let (mut used, mut refused) = (0, Vec::new());
            for (chunk, first) in values.chunks(CHUNK).zip((0..).step_by(CHUNK)) {
                refused.clear();
                let texts = chunk.iter().zip(first..).map(|(value, index)| {
                    given.text(value.data, value.length).unwrap_or_else(|error| {
                        refused.push((index, error));
                        TOO_LONG
                    })
                });
                let text = buffer.unwritten().get_mut(used..).unwrap_or_default();
                let taken = agent.tokenize_batch_to(class, texts, &mut batch, text)?.ok_or(Refused::INTERNAL)?;
                for (token, index) in batch.ranges().zip(first..) {
                    let result = match token {
                        Ok(range) => {
                            TokenResult { error: ptr::null(), offset: used + range.start, length: range.len() }
                        }
                        Err(error) => {
                            let found = refused.iter().find(|(at, _)| *at == index);
                            let error = found.map_or_else(|| Refused::from(error), |(_, refused)| *refused);
                            TokenResult { error: error.as_ptr(), offset: 0, length: 0 }
                        }
                    };
                    results.set(index, result);
                }
                used += taken;
            }
            Ok::<_, Refused>(used)
        })??;
        length.inspect(|length| length.put(used));
        Ok(())
    })
}

/// Opens a value that blindtally_pending_queue() sealed before the keys arrived, and seals it into the text of its token.
///
/// Errors: record.no-key for a record of another device, record.tampered, malformed.*, otherwise as
/// blindtally_agent_tokenize().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_agent_dequeue(
    agent: *const Agent,
    record: *const c_char,
    record_length: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let agent = given.handle(agent)?;
        let record = Record::parse(given.text(record, record_length)?).map_err(RecordError::from)?;
        let token = agent.0.look(|agent| agent.dequeue(&record))??;
        put_token(buffer, length.as_ref(), &token)
    })
}

/// The index of a token, a short name that anyone computes from its text without a key: 32 hexadecimal digits, which fit a
/// UUID column.
///
/// Errors: malformed.* for what is no token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn blindtally_token_index(
    token: *const c_char,
    token_length: usize,
    buffer: *mut c_char,
    capacity: usize,
    length: *mut usize,
) -> *const Error {
    entry(|given| {
        let (buffer, length) = (given.outs(buffer, capacity)?, given.optional_out(length)?);
        let token: Token = given.text(token, token_length)?.parse()?;
        put_text(&buffer, length.as_ref(), &token.index().to_string())
    })
}
