//! A service that follows its own interests, against a scheme that trusts it and against Blindtally (SECURITY.md#attacks).
//!
//! Each attack is written once, over [`system::System`]: what a service can do that carries every message between an
//! owner and the agents. It runs against [`seed::Seed`], the design that Blindtally replaces, to show that it is an
//! attack, and against [`ours::Blindtally`]. `cargo test -p blindtally-attacks` runs each as a test of its name;
//! `cargo run -p blindtally-attacks` prints what became of them. What nobody can prevent is in [`unprevented`], and
//! succeeds against both.
#![allow(clippy::unwrap_used, reason = "tests, which a program prints too")]

mod attack;
mod forge;
mod keys;
mod messages;
mod ours;
mod page;
mod people;
mod seed;
mod system;
mod unprevented;
mod values;
mod vault;

use std::io::{self, Write};
use std::process::ExitCode;

use attack::Attack;

/// Every attack, by what it is after.
const ATTACKS: [(&str, &[Attack]); 6] = [
    ("keys", keys::ATTACKS),
    ("messages", messages::ATTACKS),
    ("vault", vault::ATTACKS),
    ("values", values::ATTACKS),
    ("page", page::ATTACKS),
    ("unprevented", unprevented::ATTACKS),
];

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let mut surprises = 0;
    for (theme, attacks) in ATTACKS {
        writeln!(out, "\n{theme}\n{:70} {:46} blindtally", "", "the trusting scheme")?;
        for attack in attacks {
            let [seed, ours] = attack.run();
            writeln!(out, "{:70} {:46} {}", attack.title(), seed.to_string(), ours)?;
            surprises += usize::from(!seed.is_as_expected()) + usize::from(!ours.is_as_expected());
        }
    }
    writeln!(out, "\n{surprises} other than expected")?;
    Ok(if surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Expected;

    /// One line there for each attack here, and none that nobody tests.
    #[test]
    fn security_md_lists_these_attacks_with_their_answers() {
        let page = include_str!("../../SECURITY.md");
        let mut links = page.matches("](attacks/src/").count() - page.matches("](attacks/src/seed.rs)").count();
        for (theme, attacks) in ATTACKS {
            for attack in attacks {
                let link = format!("[{}](attacks/src/{theme}.rs)", attack.title());
                let lines: Vec<_> = page.lines().filter(|line| line.contains(&link)).collect();
                let [line] = lines[..] else { unreachable!("{} lines with {link}", lines.len()) };
                if let Expected::Refused(code) = attack.ours.1 {
                    assert!(line.ends_with(&format!("| `{code}` |")), "{line}");
                }
                links -= 1;
            }
        }
        assert_eq!(links, 0);
    }
}
