//! Categories: the owner assigns one to an opaque value; the service adds up per category without
//! knowing what either means.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::Owner;
use crate::batch::is_value;
use crate::body::Json;
use crate::class::Class;
use crate::dictionary::{self, Kind, TextDigest};
use crate::error::{Error, Problem};
use crate::store::share_account;

#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct Assignment {
    class: String,
    value: String,
    /// `productive`, `neutral`, `unproductive`, or an opaque label.
    category: String,
}

#[derive(Deserialize, ToSchema)]
pub(crate) struct Assigned {
    class: String,
    value: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AssignmentList {
    categories: Vec<Assignment>,
}

/// Assigns a category to a value, whether or not an event with it has come yet.
#[utoipa::path(put, path = "/api/v1/categories", tag = "reports", security(("owner" = [])), request_body = Assignment,
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn assign(
    State(app): State<App>,
    owner: Owner,
    Json(request): Json<Assignment>,
) -> Result<StatusCode, Error> {
    let kind = check(&request.class, &request.value)?;
    if !is_value(&request.category) {
        return Err(invalid("a category is 1 to 8192 bytes without NUL"));
    }
    let mut tx = app.store.write().await?;
    let generation = share_account(&mut tx, app.store.dialect, owner.account).await?;
    let texts = [(kind, request.value.as_str())];
    let interned = dictionary::intern(
        &app.store,
        &app.dictionary,
        &mut tx,
        owner.account,
        generation,
        &texts,
    )
    .await?;
    sqlx::query(
        "INSERT INTO categories (account, value, category) VALUES ($1, $2, $3) \
         ON CONFLICT (value) DO UPDATE SET category = excluded.category",
    )
    .bind(owner.account)
    .bind(interned.ids[0])
    .bind(&request.category)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    interned.remember(&app.dictionary);
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the category of a value away.
#[utoipa::path(delete, path = "/api/v1/categories", tag = "reports", security(("owner" = [])), request_body = Assigned,
    responses((status = NO_CONTENT), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn unassign(
    State(app): State<App>,
    owner: Owner,
    Json(request): Json<Assigned>,
) -> Result<StatusCode, Error> {
    let kind = check(&request.class, &request.value)?;
    let mut tx = app.store.write().await?;
    sqlx::query(
        "DELETE FROM categories WHERE value = (SELECT id FROM dictionary WHERE digest = $1)",
    )
    .bind(TextDigest::of(owner.account, kind, &request.value).as_bytes())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every assignment.
#[utoipa::path(get, path = "/api/v1/categories", tag = "reports", security(("owner" = [])),
    responses((status = OK, body = AssignmentList), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    owner: Owner,
) -> Result<Json<AssignmentList>, Error> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT d.class, d.text, c.category FROM categories c JOIN dictionary d ON d.id = c.value \
         WHERE c.account = $1 ORDER BY d.class, d.text",
    )
    .bind(owner.account)
    .fetch_all(app.store.read())
    .await?;
    let categories = rows
        .into_iter()
        .map(|(class, value, category)| Assignment {
            class,
            value,
            category,
        })
        .collect();
    Ok(Json(AssignmentList { categories }))
}

fn check(class: &str, value: &str) -> Result<Kind, Error> {
    let class = Class::from_name(class).ok_or_else(|| invalid("there is no such class"))?;
    match is_value(value) {
        true => Ok(Kind::Value(class)),
        false => Err(invalid("a value is 1 to 8192 bytes without NUL")),
    }
}

fn invalid(message: &str) -> Error {
    Error::CategoryInvalid(message.to_owned())
}
