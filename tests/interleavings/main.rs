//! Every order of events that a bounded adversary can arrange, tried with the real owner and the real agent.
//!
//! The adversary is the service: it holds a fixed pool of messages, genuine and of its own making, and hands any of
//! them to either end in any order, any number of times. A breadth-first search visits every distinct state that this
//! leads to and checks at every transition what SPEC.md promises. `agent` searches an agent's side until no new state
//! appears; `owner` searches an account's side, with the person's actions among the events, to a stated depth; `found`
//! has what they found. Unlike a model of the protocol this is the code itself, with real keys; unlike a property test
//! it leaves nothing out within its bounds.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod agent;
mod found;
mod layout;
mod owner;

use std::collections::HashSet;
use std::fmt::Display;
use std::hash::Hash;

/// What one event does to a state: another state, or none where nothing changed. `Err` says which promise it broke.
type Effect<S> = Result<Option<S>, String>;

/// What a search has seen.
struct Explored<S> {
    states: Vec<S>,
    /// A shortest way to each state.
    ways: Vec<String>,
    transitions: usize,
    /// Number of states first seen after so many events.
    by_depth: Vec<usize>,
}

/// Visits every state that `expand` reaches within `depth` events, and looks at each. `key` says which states are the same.
///
/// # Errors
/// The first broken promise, with a shortest sequence of events that leads to it.
fn explore<S, K: Hash + Eq, E: Display>(
    start: Vec<S>,
    depth: usize,
    key: impl Fn(&S) -> K,
    look: impl Fn(&S) -> Result<(), String>,
    mut expand: impl FnMut(&S) -> Vec<(E, Effect<S>)>,
) -> Result<Explored<S>, String> {
    start.iter().try_for_each(&look)?;
    let mut seen: HashSet<K> = start.iter().map(&key).collect();
    let ways = (0..start.len()).map(|at| format!("start {at}")).collect();
    let mut explored = Explored { by_depth: vec![start.len()], states: start, ways, transitions: 0 };
    let mut from = 0;
    for _ in 0..depth {
        let level = from..explored.states.len();
        from = level.end;
        for at in level {
            for (event, effect) in expand(&explored.states[at]) {
                explored.transitions += 1;
                let way = || format!("{}, {event}", explored.ways[at]);
                let next = effect.map_err(|broken| format!("{broken}: {}", way()))?;
                if let Some(next) = next
                    && seen.insert(key(&next))
                {
                    look(&next).map_err(|broken| format!("{broken}: {}", way()))?;
                    explored.ways.push(way());
                    explored.states.push(next);
                }
            }
        }
        if explored.states.len() == from {
            return Ok(explored);
        }
        explored.by_depth.push(explored.states.len() - from);
    }
    Ok(explored)
}

/// For `expand`: the promise that a condition stands for.
fn require(condition: bool, promise: &str) -> Result<(), String> {
    if condition { Ok(()) } else { Err(promise.to_owned()) }
}

#[test]
fn the_search_finds_everything_and_reports_a_shortest_way() {
    // A counter modulo 10 that may not reach 6, by steps of 1 and 4.
    let expand = |limit: u32| {
        move |state: &u32| {
            [1, 4]
                .map(|step| {
                    (step, if state + step == limit { Err("reached".into()) } else { Ok(Some((state + step) % 10)) })
                })
                .to_vec()
        }
    };
    let explored = explore(vec![0], 99, |state| *state, |_| Ok(()), expand(99)).unwrap();
    assert_eq!((explored.states.len(), explored.transitions), (10, 20));
    let broken = explore(vec![0], 99, |state| *state, |_| Ok(()), expand(6)).err().unwrap();
    assert_eq!(broken, "reached: start 0, 1, 1, 4");
    let look = |state: &u32| require(*state != 9, "seen");
    let broken = explore(vec![0], 99, |state| *state, look, expand(99)).err().unwrap();
    assert_eq!(broken, "seen: start 0, 1, 4, 4");
}
