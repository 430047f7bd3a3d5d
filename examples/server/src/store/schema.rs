//! The tables, embedded, and brought up to date at every start.

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr};

use super::Dialect;
use crate::error::StartError;

/// Applies what has not been applied yet; starting again changes nothing.
pub(super) async fn migrate(pool: &AnyPool, dialect: Dialect) -> Result<(), StartError> {
    let [first, second] = match dialect {
        Dialect::Sqlite => {
            [include_str!("../../migrations/0001_sqlite.sql"), include_str!("../../migrations/0002_sqlite.sql")]
        }
        Dialect::Postgres => {
            [include_str!("../../migrations/0001_postgres.sql"), include_str!("../../migrations/0002_postgres.sql")]
        }
    };
    let migrations = [(1, "the first tables", first), (2, "records and blobs", second)].map(|(version, what, text)| {
        Migration::new(version, what.into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into()).run(pool).await?;
    Ok(())
}
