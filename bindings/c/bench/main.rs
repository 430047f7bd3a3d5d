//! Measures calls from C beside the same work in Rust, in one process and in turns: prints rows as `cargo xtask bench` shows
//! them, in JSON. Times are nanoseconds a value; the ratio says how many times as long Rust takes.
//!
//! `cargo build --release -p blindtally-c --example bench` makes this program, then
//! `cargo rustc --release -p blindtally-c --lib --crate-type cdylib` the library as it is shipped, and
//! `target/release/examples/bench [NAME]` measures the figures whose name contains NAME.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

mod loops;

use core::ffi::c_char;
use core::hint::black_box;
use std::env;
use std::time::Instant;

use blindtally::{Agent, RecordClass, TokenBatch, TokenClass};
use blindtally_c::{Agent as Handle, Text, TokenResult};
use loops::Loops;

const LENGTHS: [usize; 3] = [11, 45, 93];
const VALUES: usize = 1000;
const ROUNDS: usize = 2000;

/// At most 1.1 times the time of Rust, as a ratio that says how many times as long Rust takes.
const GOAL: f64 = 0.909;

fn main() {
    let only = env::args().nth(1).unwrap_or_default();
    let (_, agent, _) = support::running();
    let loops = Loops::open();
    let state = agent.save();
    let state = state.expose();
    // SAFETY: the functions of loops.c have these signatures, and their arguments are valid as the header asks for.
    let (handle, one, many, record) = unsafe {
        let open: unsafe extern "C" fn(*const u8, usize) -> *const Handle = loops.function(c"loops_open");
        (
            open(state.as_ptr(), state.len()),
            loops.function::<unsafe extern "C" fn(*const Handle, *const Text, usize) -> usize>(c"loops_one"),
            loops.function::<unsafe extern "C" fn(
                *const Handle,
                *const Text,
                usize,
                *mut c_char,
                usize,
                *mut TokenResult,
            ) -> usize>(c"loops_many"),
            loops.function::<unsafe extern "C" fn(*const Handle, *const Text, usize) -> usize>(c"loops_record"),
        )
    };
    assert!(!handle.is_null());

    let mut rows = Vec::new();
    let mut measure = |name: &str, ours: &mut dyn FnMut() -> usize, peer: &mut dyn FnMut() -> usize| {
        let figure = format!("c: {name} / Rust");
        if figure.contains(&only) {
            eprintln!("Measuring {figure}");
            rows.push(race(&figure, ours, peer));
        }
    };
    for length in LENGTHS {
        let values: Vec<String> = (0..VALUES).map(|i| format!("{i:x<length$}")).collect();
        let texts: Vec<Text> =
            values.iter().map(|value| Text { data: value.as_ptr().cast(), length: value.len() }).collect();
        let room = VALUES * blindtally_c::blindtally_token_length(length);
        let mut buffer = vec![0 as c_char; room];
        let mut results: Vec<TokenResult> = Vec::with_capacity(VALUES);
        let mut batch = TokenBatch::new();
        measure(
            &format!("tokenize one, {length} bytes"),
            // SAFETY: the handle is open, and so many texts are there.
            &mut || unsafe { one(handle, texts.as_ptr(), VALUES) },
            &mut || tokenize(&agent, &values),
        );
        measure(
            &format!("tokenize many of 1,000, {length} bytes"),
            // SAFETY: likewise, and there is room for their tokens and results.
            &mut || unsafe { many(handle, texts.as_ptr(), VALUES, buffer.as_mut_ptr(), room, results.as_mut_ptr()) },
            &mut || {
                agent.tokenize_batch(TokenClass::APP, values.iter().map(String::as_str), &mut batch).unwrap();
                batch.iter().map(|token| token.unwrap().len()).sum()
            },
        );
        measure(
            &format!("seal record, {length} bytes"),
            // SAFETY: as one by one.
            &mut || unsafe { record(handle, texts.as_ptr(), VALUES) },
            &mut || seal(&agent, &values),
        );
    }
    println!("[{}]", rows.join(","));
}

fn tokenize(agent: &Agent, values: &[String]) -> usize {
    values.iter().map(|value| black_box(agent.tokenize(TokenClass::APP, value).unwrap().to_string()).len()).sum()
}

fn seal(agent: &Agent, values: &[String]) -> usize {
    let seal = |value| agent.seal_record(RecordClass::CHAT, value, 1_790_000_000_123).unwrap().to_string();
    values.iter().map(|value| black_box(seal(value)).len()).sum()
}

/// The median of each, and of the ratios of neighbours.
fn race(figure: &str, ours: &mut dyn FnMut() -> usize, peer: &mut dyn FnMut() -> usize) -> String {
    assert_eq!(ours(), peer(), "not the same work");
    let (mut ours_ns, mut peer_ns, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (o, p) = (timed(ours), timed(peer));
        ours_ns.push(o);
        peer_ns.push(p);
        ratios.push(p / o);
    }
    let (ours, peer, ratio) = (median(ours_ns), median(peer_ns), median(ratios));
    let holds = ratio >= GOAL;
    format!(
        r#"{{"figure":"{figure}","ours":{ours:.2},"peer":{peer:.2},"ratio":{ratio:.2},"goal":{GOAL},"holds":{holds}}}"#
    )
}

fn timed(run: &mut dyn FnMut() -> usize) -> f64 {
    let start = Instant::now();
    black_box(run());
    start.elapsed().as_nanos() as f64 / VALUES as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    samples[samples.len() / 2]
}
