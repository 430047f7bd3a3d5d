//! `reveal`: any text in, the same text out with its tokens revealed, however much of it there is.

use std::io::{self, BufWriter, Read, Write};

use blindtally::{MAX_TOKEN_VALUE, RevealError, Token};
use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::ask::stdin_unbuffered;
use crate::backup;
use crate::cli::Reveal;
use crate::output::{Output, failed};
use crate::session::{Context, Session};

const CHUNK: usize = 64 << 10;
const PREFIX: &[u8] = b"bt1_";
/// Text of the longest token: the header, a value that is as long as can be and padded, and the tag, in base64url.
const TEXT_MAX: usize = PREFIX.len() + ((4 + MAX_TOKEN_VALUE + 256 + 16) * 4usize).div_ceil(3);

pub(crate) fn run(args: &Reveal, context: &mut Context) -> Result<(), Failure> {
    let output = context.output;
    let exact = args.exact;
    let text = |value: String| if exact { value } else { visible(&value).into_owned() };
    if let Some(file) = &args.backup {
        let backup = backup::open(file, context)?;
        return filter(output, |token| backup.reveal(token).map(text));
    }
    let session = Session::open(context)?;
    let filtered = filter(output, |token| session.owner.reveal(token).map(text));
    session.close();
    filtered
}

fn filter(output: Output, reveal: impl FnMut(&Token) -> Result<String, RevealError>) -> Result<(), Failure> {
    let unreadable = |error: io::Error| Failure::refused("input.failed", error);
    let mut input = stdin_unbuffered().map_err(unreadable)?;
    let mut filter = Filter::new(BufWriter::new(io::stdout().lock()), reveal);
    let mut chunk = vec![0; CHUNK];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => filter.feed(chunk.get(..n).unwrap_or_default()).map_err(|error| failed(&error))?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    let (_, counts) = filter.finish().map_err(|error| failed(&error))?;
    let Counts { revealed, unknown, damaged } = counts;
    match output {
        Output(blindtally_client::Format::Json) => {
            output.note(json!({ "revealed": revealed, "unknown_epoch": unknown, "damaged_or_foreign": damaged }));
        }
        Output(blindtally_client::Format::Text) if unknown + damaged > 0 => output.note(format_args!(
            "{revealed} token(s) revealed; left as they are: {unknown} of an epoch that is not known here, {damaged} \
             damaged or foreign"
        )),
        Output(blindtally_client::Format::Text) => {}
    }
    Ok(())
}

/// What became of the tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    revealed: u64,
    unknown: u64,
    damaged: u64,
}

/// Replaces tokens in a stream of bytes. A token is a whole run of letters, digits, `_` and `-` that begins with
/// `bt1_` (SPEC.md#token-text), so no more than the longest token is ever held back.
struct Filter<W, R> {
    out: W,
    reveal: R,
    state: State,
    /// The run so far, while it may become a token.
    run: Vec<u8>,
    counts: Counts,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between runs.
    Outside,
    /// In a run that may become a token.
    Candidate,
    /// In a run that cannot.
    Other,
}

impl<W: Write, R: FnMut(&Token) -> Result<String, RevealError>> Filter<W, R> {
    fn new(out: W, reveal: R) -> Self {
        Self { out, reveal, state: State::Outside, run: Vec::with_capacity(TEXT_MAX + 1), counts: Counts::default() }
    }

    /// Takes the next bytes. What can be told is written at once.
    fn feed(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let in_run = bytes.iter().position(|byte| !is_run(*byte)).unwrap_or(bytes.len());
            let (run, rest) = bytes.split_at(in_run);
            self.extend_run(run)?;
            let outside = rest.iter().position(|byte| is_run(*byte)).unwrap_or(rest.len());
            let (between, rest) = rest.split_at(outside);
            if !between.is_empty() {
                self.end_run()?;
                self.out.write_all(between)?;
            }
            bytes = rest;
        }
        self.out.flush()
    }

    fn finish(mut self) -> io::Result<(W, Counts)> {
        self.end_run()?;
        self.out.flush()?;
        Ok((self.out, self.counts))
    }

    fn extend_run(&mut self, more: &[u8]) -> io::Result<()> {
        if more.is_empty() {
            return Ok(());
        }
        if self.state == State::Other {
            return self.out.write_all(more);
        }
        self.state = State::Candidate;
        // One more than the longest token is enough to know that it is none.
        let (kept, beyond) = more.split_at(more.len().min(TEXT_MAX + 1 - self.run.len()));
        self.run.extend_from_slice(kept);
        let compared = self.run.len().min(PREFIX.len());
        let no_token = self.run.get(..compared) != PREFIX.get(..compared);
        if no_token || self.run.len() > TEXT_MAX {
            self.counts.damaged += u64::from(!no_token);
            self.state = State::Other;
            self.out.write_all(&self.run)?;
            self.run.clear();
            return self.out.write_all(beyond);
        }
        Ok(())
    }

    fn end_run(&mut self) -> io::Result<()> {
        let state = std::mem::replace(&mut self.state, State::Outside);
        if state != State::Candidate {
            return Ok(());
        }
        let token = str::from_utf8(&self.run).ok().and_then(|text| text.parse::<Token>().ok());
        let revealed = token.map(|token| (self.reveal)(&token));
        match &revealed {
            Some(Ok(value)) => {
                self.counts.revealed += 1;
                self.out.write_all(value.as_bytes())?;
            }
            Some(Err(RevealError::NoKey)) => self.counts.unknown += 1,
            Some(Err(_)) => self.counts.damaged += 1,
            None => self.counts.damaged += u64::from(self.run.starts_with(PREFIX)),
        }
        if !matches!(revealed, Some(Ok(_))) {
            self.out.write_all(&self.run)?;
        }
        self.run.clear();
        Ok(())
    }
}

fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use blindtally::{RevealError, Token, replace_tokens};

    use super::{Counts, Filter, TEXT_MAX};

    /// Tokens of every length that there is, by what is checked without a key.
    fn token(padded: usize) -> Option<String> {
        let bytes = [&[0x11, 2, 0, 1][..], &vec![padded as u8; padded + 16]].concat();
        Token::from_bytes(&bytes).ok().map(|token| token.to_string())
    }

    fn value(token: &Token) -> String {
        format!("<{}>", token.as_bytes().len())
    }

    fn filter(text: &str, cut: impl Fn(usize) -> usize) -> (String, Counts) {
        let mut filter = Filter::new(Vec::new(), |token: &Token| Ok(value(token)));
        let (mut rest, mut index) = (text.as_bytes(), 0);
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(cut(index).clamp(1, rest.len()));
            filter.feed(chunk).unwrap();
            (rest, index) = (tail, index + 1);
        }
        let (out, counts) = filter.finish().unwrap();
        (String::from_utf8(out).unwrap(), counts)
    }

    #[test]
    fn tokens_of_every_length_are_found_wherever_the_stream_is_cut() {
        let tokens: Vec<String> = (16..=4400).filter_map(token).collect();
        assert_eq!(tokens.iter().map(String::len).max(), Some(TEXT_MAX));
        let text = format!("ä{} bt1_ xbt1_y {}b", tokens.join("\n"), tokens.join("|"));
        let expected = replace_tokens(&text, |token| Some(value(token))).into_owned();
        for cut in [1, 2, 3, 5, 52, 53, 4096, TEXT_MAX - 1, TEXT_MAX, TEXT_MAX + 1, usize::MAX] {
            let (out, counts) = filter(&text, |_| cut);
            assert_eq!(out, expected, "{cut}");
            // The last one has a letter too many, and "bt1_" alone is none.
            assert_eq!((counts.revealed, counts.damaged), (2 * tokens.len() as u64 - 1, 2));
        }
        assert_eq!(filter(&text, |index| index * 7 % 61).0, expected);
    }

    #[test]
    fn a_cut_at_every_place_of_a_token_changes_nothing() {
        let token = token(96).unwrap();
        let text = format!("a {token}, b");
        for place in 1..text.len() {
            let (out, _) = filter(&text, |index| if index == 0 { place } else { usize::MAX });
            assert_eq!(out, "a <116>, b", "{place}");
        }
    }

    #[test]
    fn runs_that_are_too_long_pass_without_being_kept() {
        let mut filter = Filter::new(std::io::sink(), |_: &Token| -> Result<String, _> { Err(RevealError::NoKey) });
        let run = vec![b'A'; 1 << 16];
        filter.feed(b"bt1_").unwrap();
        for _ in 0..64 {
            filter.feed(&run).unwrap();
            assert!(filter.run.capacity() <= 2 * TEXT_MAX);
        }
        let (_, counts) = filter.finish().unwrap();
        assert_eq!(counts, Counts { revealed: 0, unknown: 0, damaged: 1 });
    }

    #[test]
    fn what_cannot_be_read_stays_and_is_counted() {
        let token = token(16).unwrap();
        let text = format!("{token} bt1_short bt1 \u{fffd}");
        let mut filter = Filter::new(Vec::new(), |_: &Token| -> Result<String, _> { Err(RevealError::NoKey) });
        filter.feed(text.as_bytes()).unwrap();
        filter.feed(&[0xff, 0xfe]).unwrap();
        let (out, counts) = filter.finish().unwrap();
        assert_eq!(out, [text.as_bytes(), &[0xff, 0xfe]].concat());
        assert_eq!(counts, Counts { revealed: 0, unknown: 1, damaged: 1 });
    }
}
