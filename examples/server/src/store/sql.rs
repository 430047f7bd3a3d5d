//! Statements whose text depends on the request: how many rows, which filters.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::encode::Encode;
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe, Type};

use super::Dialect;

/// A statement under construction. Its text is only ever made of literals of this program;
/// everything else is bound.
pub(crate) struct Sql {
    dialect: Dialect,
    text: String,
    arguments: AnyArguments,
    count: usize,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, text: &str) -> Self {
        Self { dialect, text: text.to_owned(), arguments: AnyArguments::default(), count: 0 }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds `value` here.
    pub(crate) fn bind<'t, T: Encode<'t, Any> + Type<Any> + 't>(&mut self, value: T) -> &mut Self {
        self.count += 1;
        match self.dialect {
            // SQLite looks a numbered parameter up by its name, one by one through all of them:
            // quadratic in a statement of thousands. A bare one costs nothing.
            Dialect::Sqlite => self.text.push('?'),
            Dialect::Postgres => {
                self.text.push('$');
                self.text.push_str(&self.count.to_string());
            }
        }
        self.bind_only(value);
        self
    }

    fn bind_only<'t, T: Encode<'t, Any> + Type<Any> + 't>(&mut self, value: T) {
        use sqlx::Arguments;
        // Encoding an integer, a text or bytes for `Any` moves it into a vector and cannot fail.
        if let Err(error) = self.arguments.add(value) {
            tracing::error!(error, "a value cannot be bound");
        }
    }

    /// Binds `values`, with commas between them.
    pub(crate) fn list<'t, T>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self
    where
        T: Encode<'t, Any> + Type<Any> + 't,
    {
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Binds `rows` of values, each in parentheses, with commas between them.
    pub(crate) fn rows<'t, T, R>(&mut self, rows: impl IntoIterator<Item = R>) -> &mut Self
    where
        T: Encode<'t, Any> + Type<Any> + 't,
        R: IntoIterator<Item = T>,
    {
        for (i, row) in rows.into_iter().enumerate() {
            self.push(if i == 0 { "(" } else { ", (" }).list(row).push(")");
        }
        self
    }

    pub(crate) fn query(self) -> Query<'static, Any, AnyArguments> {
        sqlx::query_with(AssertSqlSafe(self.text), self.arguments)
    }
}

/// `rows` in pieces whose lengths are powers of two, at most 512.
///
/// A statement is prepared once for each number of rows: powers of two keep those few, whatever the
/// sizes of batches, so that all of them stay in the connection's cache.
pub(crate) fn in_chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rows.len().checked_ilog2()?.min(9);
        let (chunk, rest) = rows.split_at(length);
        rows = rest;
        Some(chunk)
    })
}

/// Column `index` of a row.
pub(crate) fn column<'r, T: sqlx::Decode<'r, Any> + Type<Any>>(
    row: &'r AnyRow,
    index: usize,
) -> Result<T, sqlx::Error> {
    sqlx::Row::try_get(row, index)
}
