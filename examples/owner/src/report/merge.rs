//! Rows that stand for the same thing become one: a value has another token in every epoch.

use std::collections::HashMap;

use blindtally::{Epoch, Owner, RevealBatch, RevealError, Token, TokenClass};

use crate::report::Kind;
use crate::wire::TotalsRow;

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// What was revealed; the token itself where it cannot be read; `None` for what has no category.
    pub(crate) value: Option<String>,
    /// The newest epoch's token, where the service counted tokens.
    pub(crate) token: Option<String>,
    /// Why `value` is only a token.
    pub(crate) unreadable: Option<Unreadable>,
    pub(crate) duration_us: u64,
    pub(crate) active_us: u64,
    pub(crate) events: u64,
    pub(crate) last_us: i64,
    epoch: Option<Epoch>,
}

/// Why a token of a row is not revealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Reveal(RevealError),
    /// A genuine token, but of another class than the service says: it has moved it.
    OtherClass,
}

impl Unreadable {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Reveal(error) => error.code(),
            Self::OtherClass => "report.other-class",
        }
    }
}

/// What a value of the service's is to the owner, the same in every epoch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Word {
    Revealed(String),
    /// A text that is no token of this account's and class's.
    Opaque(String),
}

/// What the service counts under a key, revealed.
struct Key {
    value: Option<String>,
    token: Option<(String, Option<Epoch>)>,
    unreadable: Option<Unreadable>,
}

/// Collects the rows of one kind.
pub(crate) struct Merger<'o> {
    kind: Kind,
    owner: &'o Owner,
    rows: Vec<Row>,
    /// Where the row of a readable or an unreadable value is.
    places: HashMap<(Option<String>, bool), usize>,
}

impl<'o> Merger<'o> {
    pub(crate) fn new(kind: Kind, owner: &'o Owner) -> Self {
        Self { kind, owner, rows: Vec::new(), places: HashMap::new() }
    }

    pub(crate) fn add(&mut self, rows: Vec<TotalsRow>) {
        let (mut sums, mut keys) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            sums.push((row.duration_us, row.active_us, row.events, row.last_us));
            keys.push(row.key());
        }
        let keys = self.reveal(keys);
        for (key, (duration_us, active_us, events, last_us)) in keys.into_iter().zip(sums) {
            let (token, epoch) = key.token.unzip();
            let row = Row {
                value: key.value,
                token,
                unreadable: key.unreadable,
                duration_us,
                active_us,
                events,
                last_us,
                epoch: epoch.flatten(),
            };
            self.merge(row);
        }
    }

    pub(crate) fn rows(self) -> Vec<Row> {
        self.rows
    }

    fn merge(&mut self, row: Row) {
        let place = *self.places.entry((row.value.clone(), row.unreadable.is_some())).or_insert(self.rows.len());
        let Some(known) = self.rows.get_mut(place) else { return self.rows.push(row) };
        known.duration_us = known.duration_us.saturating_add(row.duration_us);
        known.active_us = known.active_us.saturating_add(row.active_us);
        known.events = known.events.saturating_add(row.events);
        known.last_us = known.last_us.max(row.last_us);
        if row.epoch > known.epoch {
            known.epoch = row.epoch;
            known.token = row.token;
        }
    }

    fn reveal(&self, keys: Vec<Option<String>>) -> Vec<Key> {
        match self.kind {
            Kind::Value(class) => reveal_tokens(self.owner, class, keys.into_iter().flatten().collect()),
            Kind::Category => {
                let reveal = |key: Option<String>| match key {
                    Some(label) if !BUILT_IN.contains(&label.as_str()) => reveal_label(self.owner, label),
                    plain => Key { value: plain, token: None, unreadable: None },
                };
                keys.into_iter().map(reveal).collect()
            }
            Kind::Day | Kind::Hour => {
                keys.into_iter().map(|value| Key { value, token: None, unreadable: None }).collect()
            }
            Kind::Device => {
                let name = |id: &String| {
                    let own = self.owner.devices().find(|(own, _)| own.to_string() == *id);
                    own.map_or_else(|| id.clone(), |(_, device)| format!("{} ({})", device.name(), &id[..8]))
                };
                let named = |id: Option<String>| Key { value: id.as_ref().map(name), token: None, unreadable: None };
                keys.into_iter().map(named).collect()
            }
        }
    }
}

/// Categories that are not labels of the owner's.
pub(crate) const BUILT_IN: [&str; 3] = ["productive", "neutral", "unproductive"];

fn reveal_label(owner: &Owner, label: String) -> Key {
    let mut keys = reveal_tokens(owner, TokenClass::LABEL, vec![label]);
    keys.pop().unwrap_or(Key { value: None, token: None, unreadable: None })
}

fn reveal_tokens(owner: &Owner, class: TokenClass, tokens: Vec<String>) -> Vec<Key> {
    let mut batch = RevealBatch::new();
    owner.reveal_batch(&tokens, &mut batch);
    let revealed = tokens.into_iter().enumerate().map(|(index, text)| {
        let token = text.parse::<Token>().ok();
        let result = match batch.get(index).unwrap_or(Err(RevealError::NoKey)) {
            Ok(_) if token.as_ref().is_some_and(|token| token.class() != class) => Err(Unreadable::OtherClass),
            Ok(value) => Ok(value.to_owned()),
            Err(error) => Err(Unreadable::Reveal(error)),
        };
        let epoch = token.map(|token| token.epoch());
        match result {
            Ok(value) => Key { value: Some(value), token: Some((text, epoch)), unreadable: None },
            Err(error) => Key { value: Some(text.clone()), token: Some((text, epoch)), unreadable: Some(error) },
        }
    });
    revealed.collect()
}

/// What tokens of a class stand for, each with its token's epoch. What cannot be read stands for itself only.
pub(crate) fn words(owner: &Owner, class: TokenClass, tokens: Vec<String>) -> Vec<(Word, Option<Epoch>)> {
    let keys = reveal_tokens(owner, class, tokens).into_iter();
    let word = |key: Key| {
        let value = key.value.unwrap_or_default();
        let word = if key.unreadable.is_none() { Word::Revealed(value) } else { Word::Opaque(value) };
        (word, key.token.and_then(|(_, epoch)| epoch))
    };
    keys.map(word).collect()
}

/// The values of tokens of a class, each with its token; those that cannot be read are left out.
pub(crate) fn readable(owner: &Owner, class: TokenClass, tokens: Vec<String>) -> Vec<(String, Token)> {
    let keys = reveal_tokens(owner, class, tokens).into_iter().filter(|key| key.unreadable.is_none());
    keys.filter_map(|key| Some((key.value?, key.token?.0.parse().ok()?))).collect()
}
