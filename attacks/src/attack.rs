//! What an attack is, what it can come to, and the tests that are made of a list of them.

use std::fmt;

/// What the service has when an attack is over.
pub(crate) enum Gain {
    /// A recorded word.
    Plaintext(String),
    /// Keys that open what is recorded, or will be.
    Keys,
    /// Something was taken for genuine, or for new, that is not.
    Accepted(&'static str),
    /// The owner has lost what was theirs.
    Lost(&'static str),
    /// Something about recorded words that is not the words.
    Learned(&'static str),
}

/// Why the service has nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// One end refused, with this stable code.
    Refused(&'static str),
    /// Nobody refused, and nothing came of it.
    Harmless(&'static str),
    /// The scheme has nothing that could be attacked so.
    NotThere(&'static str),
}

pub(crate) type Outcome = Result<Gain, Failure>;

/// A refusal by Blindtally.
pub(crate) fn refused(error: impl Into<blindtally::Error>) -> Failure {
    Failure::Refused(error.into().code())
}

/// What an attack has to come to.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// The service gains something.
    Succeeds,
    /// One end refuses with this code.
    Refused(&'static str),
    /// See [`Failure::Harmless`].
    Harmless,
    /// See [`Failure::NotThere`].
    NotThere,
}

/// One attack, on both schemes.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) seed: (fn() -> Outcome, Expected),
    pub(crate) ours: (fn() -> Outcome, Expected),
}

impl Attack {
    /// What became of it against each.
    pub(crate) fn run(&self) -> [Run; 2] {
        [self.seed, self.ours].map(|(attack, expected)| Run { outcome: attack(), expected })
    }

    /// Its name as a sentence.
    pub(crate) fn title(&self) -> String {
        self.name.replace('_', " ")
    }
}

/// What became of an attack on one scheme.
pub(crate) struct Run {
    outcome: Outcome,
    expected: Expected,
}

impl Run {
    pub(crate) fn is_as_expected(&self) -> bool {
        match (&self.outcome, self.expected) {
            (Ok(_), Expected::Succeeds)
            | (Err(Failure::Harmless(_)), Expected::Harmless)
            | (Err(Failure::NotThere(_)), Expected::NotThere) => true,
            (Err(Failure::Refused(code)), Expected::Refused(expected)) => *code == expected,
            _ => false,
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(Gain::Plaintext(word)) => write!(f, "reads {word:?}"),
            Ok(Gain::Keys) => f.write_str("has the keys"),
            Ok(Gain::Accepted(what) | Gain::Lost(what) | Gain::Learned(what)) => f.write_str(what),
            Err(Failure::Refused(code)) => f.write_str(code),
            Err(Failure::Harmless(why)) => write!(f, "- ({why})"),
            Err(Failure::NotThere(why)) => write!(f, "not there ({why})"),
        }?;
        f.write_str(if self.is_as_expected() { "" } else { "   NOT AS EXPECTED" })
    }
}

/// Lists attacks, which are functions over [`crate::system::System`], with what they come to against Blindtally; against
/// the trusting scheme they succeed, unless said otherwise. Makes a test of each.
macro_rules! attacks {
    (@seed) => { $crate::attack::Expected::Succeeds };
    (@seed $seed:ident $(($($of_seed:tt)*))?) => { $crate::attack::Expected::$seed $(($($of_seed)*))? };
    ($($name:ident => $ours:ident $(($code:literal))? $(, seed $seed:ident $(($seed_code:literal))?)?;)*) => {
        pub(crate) const ATTACKS: &[$crate::attack::Attack] = &[$($crate::attack::Attack {
            name: stringify!($name),
            seed: ($name::<$crate::seed::Seed>, attacks!(@seed $($seed $(($seed_code))?)?)),
            ours: ($name::<$crate::ours::Blindtally>, $crate::attack::Expected::$ours $(($code))?),
        }),*];

        #[cfg(test)]
        mod tests {
            $(#[test]
            fn $name() {
                let attack = super::ATTACKS.iter().find(|attack| attack.name == stringify!($name)).unwrap();
                let [seed, ours] = attack.run();
                println!("{}\n    the trusting scheme: {seed}\n    blindtally: {ours}", attack.title());
                assert!(seed.is_as_expected() && ours.is_as_expected(), "the trusting scheme: {seed}; blindtally: {ours}");
            })*
        }
    };
}
pub(crate) use attacks;
