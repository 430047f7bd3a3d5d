//! The tables, embedded, and brought up to date at every start.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr};

use super::Dialect;
use crate::error::StartError;

/// Applies what has not been applied yet; starting again changes nothing.
pub(super) async fn migrate(pool: &AnyPool, dialect: Dialect) -> Result<(), StartError> {
    let first = match dialect {
        Dialect::Sqlite => include_str!("../../migrations/0001_sqlite.sql"),
        Dialect::Postgres => include_str!("../../migrations/0001_postgres.sql"),
    };
    let migrations =
        vec![Migration::new(1, "the first tables".into(), MigrationType::Simple, first.into_sql_str(), false)];
    Migrator::with_migrations(migrations).run(pool).await?;
    Ok(())
}
