//! Many values in one call: lists of `str`, and columns in Arrow memory.

use std::cell::Cell;

use blindtally::{Error, RevealBatch, TokenBatch, TokenClass};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyList, PyString, PyTuple};

use crate::column::{self, Column};
use crate::error::{self, Refused, raise};
use crate::given::{self, Text, text};
use crate::held::Held;
use crate::opening::Source;

/// A batch of up to so many bytes leaves its memory to the next one of its thread.
const KEPT: usize = 16 << 20;

/// What the shortest text takes in a batch: a token of nothing has 48 characters, and each result its place.
pub(crate) const EACH: usize = 64;

/// What becomes of items that are refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errors {
    /// The first one is raised.
    Raise,
    /// `None` is in its place.
    Null,
    /// The exception is in its place.
    Return,
}

impl<'py> FromPyObject<'_, 'py> for Errors {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match &*Text::extract(object)? {
            "raise" => Ok(Self::Raise),
            "null" => Ok(Self::Null),
            "return" => Ok(Self::Return),
            _ => Err(Refused::Value.because(object.py(), "errors is \"raise\", \"null\" or \"return\"")),
        }
    }
}

/// What is done with every text of a batch, by something of the type `T`.
pub(crate) trait Work<T>: Sync {
    type Results: Results;

    fn run<'v>(&self, by: &T, texts: impl Iterator<Item = &'v str>, out: &mut Self::Results) -> Result<(), Error>;

    /// How many bytes the results of so many texts have at most, which have so many bytes together.
    fn room(bytes: usize, texts: usize) -> usize;
}

/// One result for each text of a batch, in memory that is used again.
pub(crate) trait Results: Default + Send {
    fn get(&self, index: usize) -> Result<&str, Error>;

    /// What the last batch of this thread left.
    fn take() -> Self;

    /// For the next batch of this thread.
    fn leave(self);
}

thread_local! {
    static TOKENS: Cell<TokenBatch> = Cell::default();
    static REVEALED: Cell<RevealBatch> = Cell::default();
}

/// Tokenizes values of a class.
pub(crate) struct Tokenize(pub(crate) TokenClass);

impl Work<blindtally::Agent> for Tokenize {
    type Results = TokenBatch;

    fn run<'v>(
        &self,
        by: &blindtally::Agent,
        texts: impl Iterator<Item = &'v str>,
        out: &mut TokenBatch,
    ) -> Result<(), Error> {
        Ok(by.tokenize_batch(self.0, texts, out)?)
    }

    /// Padding adds an eighth and 16 bytes, header and tag 20; base64url makes four characters of three bytes.
    fn room(bytes: usize, texts: usize) -> usize {
        bytes + bytes / 2 + texts * 56
    }
}

impl Results for TokenBatch {
    fn get(&self, index: usize) -> Result<&str, Error> {
        Ok(self.get(index).unwrap_or(Ok(""))?)
    }

    fn take() -> Self {
        TOKENS.take()
    }

    fn leave(self) {
        TOKENS.set(self);
    }
}

/// Reveals tokens.
pub(crate) struct Reveal;

impl Work<Source> for Reveal {
    type Results = RevealBatch;

    fn run<'v>(&self, by: &Source, texts: impl Iterator<Item = &'v str>, out: &mut RevealBatch) -> Result<(), Error> {
        by.keys().reveal_batch(texts, out);
        Ok(())
    }

    /// A token is longer than its value.
    fn room(bytes: usize, _: usize) -> usize {
        bytes
    }
}

impl Results for RevealBatch {
    fn get(&self, index: usize) -> Result<&str, Error> {
        Ok(self.get(index).unwrap_or(Ok(""))?)
    }

    fn take() -> Self {
        REVEALED.take()
    }

    fn leave(mut self) {
        self.wipe();
        REVEALED.set(self);
    }
}

/// Does it with everything in `values`: a list gives a list, a column of Arrow's gives one.
pub(crate) fn run<'py, T: Send + Sync, W: Work<T>>(
    held: &Held<T>,
    work: &W,
    values: &Bound<'py, PyAny>,
    errors: Errors,
) -> PyResult<Bound<'py, PyAny>> {
    let py = values.py();
    if let Ok(list) = values.cast::<PyList>() {
        return self::list(held, work, py, list.iter(), errors);
    }
    if let Ok(tuple) = values.cast::<PyTuple>() {
        return self::list(held, work, py, tuple.iter(), errors);
    }
    if let Some(column) = Column::take(values)? {
        if errors == Errors::Return {
            return Err(Refused::Value.because(py, "a column cannot hold exceptions: errors is \"raise\" or \"null\""));
        }
        let converted = held.work(py, |by| column::convert(by, work, &column, errors))?;
        return Ok(converted.map_err(|(failed, row)| failed.raise(py, row))?.into_pyobject(py)?.into_any());
    }
    let items: Vec<_> = given::iterate(values)?.collect::<PyResult<_>>()?;
    self::list(held, work, py, items.into_iter(), errors)
}

/// Why an item was refused.
#[derive(Clone, Copy)]
pub(crate) enum Failed {
    Core(Error),
    Here(Refused),
}

impl Failed {
    fn object<'py>(self, py: Python<'py>, index: usize) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Core(error) => error::of(py, error, Some(index)),
            Self::Here(refused) => error::of_refused(py, refused, Some(index)),
        }
    }

    /// What is in the place of the refused item at `index`, or the error that it raises.
    pub(crate) fn place<'py>(self, py: Python<'py>, index: usize, errors: Errors) -> PyResult<Bound<'py, PyAny>> {
        match errors {
            Errors::Return => self.object(py, index),
            // A wrong type is a mistake of the program's, not a bad value.
            Errors::Null if !matches!(self, Self::Here(Refused::Type)) => Ok(py.None().into_bound(py)),
            _ => Err(self.raise(py, Some(index))),
        }
    }

    /// Raises it, as that of the item at `index`; `None` for one of the whole batch.
    pub(crate) fn raise(self, py: Python<'_>, index: Option<usize>) -> PyErr {
        match (self, index) {
            (_, Some(index)) => self.object(py, index).map_or_else(|error| error, PyErr::from_value),
            (Self::Core(error), None) => raise(error),
            (Self::Here(refused), None) => refused.into(),
        }
    }
}

/// Leaves the memory of a batch of so many bytes to the next one, unless it is much.
pub(crate) fn leave(results: impl Results, bytes: usize) {
    if bytes <= KEPT {
        results.leave();
    }
}

fn list<'py, T: Send + Sync, W: Work<T>>(
    held: &Held<T>,
    work: &W,
    py: Python<'py>,
    objects: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    errors: Errors,
) -> PyResult<Bound<'py, PyAny>> {
    // `None` for a null. The texts are Python's own (on 3.9, copies), and each is kept from being changed or freed.
    let take = |object: Bound<'py, PyAny>| match text(object.as_borrowed()) {
        Ok(text) => Some(Ok(text)),
        Err(_) if object.is_none() => None,
        Err(refused) => Some(Err(refused)),
    };
    let items: Vec<Option<Result<PyBackedStr, Refused>>> = objects.map(take).collect();
    let texts = || items.iter().filter_map(|item| item.as_ref()?.as_deref().ok());
    let bytes: usize = texts().map(|text| text.len() + EACH).sum();
    let mut results = W::Results::take();
    let ran = held.work_on(py, bytes, |by| work.run(by, texts(), &mut results))?;
    ran.map_err(raise)?;
    let mut next = 0;
    let mut objects = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let result = match item {
            None => {
                objects.push(py.None().into_bound(py));
                continue;
            }
            Some(Err(refused)) => Err(Failed::Here(*refused)),
            Some(Ok(_)) => {
                next += 1;
                results.get(next - 1).map_err(Failed::Core)
            }
        };
        objects.push(match result {
            Ok(text) => PyString::new(py, text).into_any(),
            Err(failed) => failed.place(py, index, errors)?,
        });
    }
    leave(results, bytes);
    Ok(PyList::new(py, objects)?.into_any())
}
