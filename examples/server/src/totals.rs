//! Totals: time and counts by value, day, hour, category, person or device, all of it in SQL.
//!
//! Grouping works on integers only; the texts are looked up for the groups that come out.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::auth::Owner;
use crate::batch::{is_action, is_value};
use crate::body::Json;
use crate::class::Class;
use crate::dictionary::{Kind, TextDigest};
use crate::error::{Error, Problem};
use crate::id::Id;
use crate::query::Query;
use crate::store::{Sql, Store, column};

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;
const MAX_LIMIT: i64 = 10_000;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TotalsQuery {
    /// `app`, `title`, `host`, `url`, `document`, `person` or `label`: only events that carry a
    /// value of this class count. Required for `by=value` and `by=category`, and with `value` and
    /// `category`.
    class: Option<String>,
    by: By,
    /// The first start that counts.
    from_us: Option<i64>,
    /// The first start that counts no more.
    to_us: Option<i64>,
    device: Option<Id>,
    /// A value of the class `person`.
    person: Option<String>,
    action: Option<String>,
    /// A value of `class`.
    value: Option<String>,
    /// The category that is assigned to the value of `class`.
    category: Option<String>,
    /// Without it: `time` for everything but days and hours, which come in their own order.
    sort: Option<Sort>,
    order: Option<Order>,
    #[param(minimum = 1, maximum = 10000, default = 100)]
    limit: Option<i64>,
    #[param(minimum = 0, default = 0)]
    offset: Option<i64>,
    /// Minutes to add to UTC before events are put into days and hours.
    #[param(minimum = -1440, maximum = 1440, default = 0)]
    tz_offset_min: Option<i64>,
}

/// What a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    Value,
    Day,
    Hour,
    Category,
    Person,
    Device,
}

/// What rows are sorted by; ties by what the row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    Time,
    Active,
    Count,
    Recent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    Asc,
    Desc,
}

/// A page of rows, and the sums over all of them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Totals {
    rows: Vec<TotalsRow>,
    total_rows: i64,
    total_duration_us: i64,
    total_active_us: i64,
    total_events: i64,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TotalsRow {
    #[serde(flatten)]
    group: Group,
    duration_us: i64,
    active_us: i64,
    events: i64,
    /// The first start.
    first_us: i64,
    /// The last end.
    last_us: i64,
}

/// What the row stands for: the one field that goes with `by`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Group {
    Value(String),
    Person(String),
    Device(Id),
    /// `null`: values that no category is assigned to.
    Category(Option<String>),
    /// `2026-11-22`
    Day(String),
    /// `2026-11-22T14`
    Hour(String),
}

/// Sums time and counts events by group.
#[utoipa::path(get, path = "/api/v1/totals", tag = "reports", security(("owner" = [])), params(TotalsQuery),
    responses((status = OK, body = Totals), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
pub(crate) async fn totals(
    State(app): State<App>,
    owner: Owner,
    Query(query): Query<TotalsQuery>,
) -> Result<Json<Totals>, Error> {
    let question = Question::check(&query)?;
    let rows = question.sql(&app.store, owner.account).query().fetch_all(app.store.read()).await?;
    let mut totals = Totals {
        rows: Vec::with_capacity(rows.len()),
        total_rows: 0,
        total_duration_us: 0,
        total_active_us: 0,
        total_events: 0,
    };
    for row in &rows {
        totals.total_rows = column(row, 0)?;
        totals.total_duration_us = column(row, 1)?;
        totals.total_active_us = column(row, 2)?;
        totals.total_events = column(row, 3)?;
        // A page beyond the last row is one row without a group.
        let Some(events) = column(row, 6)? else { break };
        totals.rows.push(TotalsRow {
            duration_us: column(row, 4)?,
            active_us: column(row, 5)?,
            events,
            first_us: column(row, 7)?,
            last_us: column(row, 8)?,
            group: question.group(row)?,
        });
    }
    Ok(Json(totals))
}

/// A query that makes sense.
struct Question<'q> {
    query: &'q TotalsQuery,
    class: Option<Class>,
    limit: i64,
    offset: i64,
    shift_us: i64,
}

impl<'q> Question<'q> {
    fn check(query: &'q TotalsQuery) -> Result<Self, Error> {
        let wrong = |message: &str| Err(Error::QueryInvalid(message.to_owned()));
        let class = match &query.class {
            Some(name) => match Class::from_name(name) {
                Some(class) => Some(class),
                None => return wrong("there is no such class"),
            },
            None => None,
        };
        let needs_class =
            matches!(query.by, By::Value | By::Category) || query.value.is_some() || query.category.is_some();
        if needs_class && class.is_none() {
            return wrong("class is required");
        }
        let texts = [&query.person, &query.value, &query.category];
        if !texts.into_iter().flatten().all(|text| is_value(text)) {
            return wrong("a text is 1 to 8192 bytes without NUL");
        }
        if query.action.as_ref().is_some_and(|action| !is_action(action)) {
            return wrong("action must be 1 to 32 of a-z, 0-9 and -");
        }
        let limit = query.limit.unwrap_or(100);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return wrong("limit must be 1 to 10000");
        }
        let offset = query.offset.unwrap_or(0);
        if offset < 0 {
            return wrong("offset must not be negative");
        }
        let shift_min = query.tz_offset_min.unwrap_or(0);
        if !(-1440..=1440).contains(&shift_min) {
            return wrong("tz_offset_min must be -1440 to 1440");
        }
        Ok(Self { query, class, limit, offset, shift_us: shift_min * 60_000_000 })
    }

    /// One statement for the page and for the sums over all rows, so that both see the same events.
    fn sql(&self, store: &Store, account: i64) -> Sql {
        let order = self.order();
        let mut sql = store.sql("WITH totals AS (");
        self.push_groups(&mut sql, account);
        sql.push(
            "), overall AS (SELECT COUNT(*) AS rows, \
             CAST(COALESCE(SUM(duration_us), 0) AS BIGINT) AS duration_us, \
             CAST(COALESCE(SUM(active_us), 0) AS BIGINT) AS active_us, \
             CAST(COALESCE(SUM(events), 0) AS BIGINT) AS events FROM totals), \
             page AS (SELECT totals.*, ",
        );
        sql.push(match self.query.by {
            By::Value | By::Person => "d.text AS name FROM totals JOIN dictionary d ON d.id = totals.key",
            By::Device => "d.device_id AS name FROM totals JOIN devices d ON d.id = totals.key",
            By::Day | By::Hour | By::Category => "key AS name FROM totals",
        });
        sql.push(" ORDER BY ").push(&order).push(" LIMIT ").bind(self.limit);
        sql.push(" OFFSET ").bind(self.offset);
        sql.push(
            ") SELECT overall.rows, overall.duration_us, overall.active_us, overall.events, \
             page.duration_us, page.active_us, page.events, page.first_us, page.last_us, page.name \
             FROM overall LEFT JOIN page ON 1 = 1 ORDER BY ",
        );
        sql.push(&order.replace("totals.", "page."));
        sql
    }

    /// The groups and their sums.
    fn push_groups(&self, sql: &mut Sql, account: i64) {
        let query = self.query;
        let class = self.class.map(Class::name);
        sql.push("SELECT ");
        match query.by {
            By::Value => sql.push("e.").push(class.unwrap_or_default()),
            By::Person => sql.push("e.person"),
            By::Device => sql.push("e.device"),
            By::Category => sql.push("c.category"),
            By::Day => self.push_period(sql, DAY_US),
            By::Hour => self.push_period(sql, HOUR_US),
        };
        sql.push(
            " AS key, CAST(SUM(e.duration_us) AS BIGINT) AS duration_us, \
             CAST(SUM(e.active_us) AS BIGINT) AS active_us, COUNT(*) AS events, \
             MIN(e.start_us) AS first_us, MAX(e.start_us + e.duration_us) AS last_us FROM events e",
        );
        if let Some(class) = class
            && (query.by == By::Category || query.category.is_some())
        {
            sql.push(" LEFT JOIN categories c ON c.value = e.").push(class);
        }
        sql.push(" WHERE e.account = ").bind(account);
        if let Some(class) = class {
            sql.push(" AND e.").push(class).push(" IS NOT NULL");
        }
        if query.by == By::Person {
            sql.push(" AND e.person IS NOT NULL");
        }
        if let Some(from_us) = query.from_us {
            sql.push(" AND e.start_us >= ").bind(from_us);
        }
        if let Some(to_us) = query.to_us {
            sql.push(" AND e.start_us < ").bind(to_us);
        }
        if let Some(device) = &query.device {
            sql.push(" AND e.device = (SELECT id FROM devices WHERE account = ").bind(account);
            sql.push(" AND device_id = ").bind(device.as_bytes()).push(")");
        }
        if let (Some(class), Some(value)) = (self.class, &query.value) {
            push_text(sql, account, class.name(), Kind::Value(class), value);
        }
        if let Some(person) = &query.person {
            push_text(sql, account, "person", Kind::Value(Class::Person), person);
        }
        if let Some(action) = &query.action {
            push_text(sql, account, "action", Kind::Action, action);
        }
        if let Some(category) = &query.category {
            sql.push(" AND c.category = ").bind(category.as_str());
        }
        sql.push(" GROUP BY 1");
    }

    /// The number of the period in which an event starts. A day is added first, because division
    /// rounds towards zero; [`Question::group`] takes it off again.
    fn push_period<'s>(&self, sql: &'s mut Sql, period_us: i64) -> &'s mut Sql {
        // Literals: PostgreSQL must see that the grouped expression is the selected one.
        let shift_us = self.shift_us + DAY_US;
        sql.push(&format!("(e.start_us + {shift_us}) / {period_us}"))
    }

    fn order(&self) -> String {
        let by_period = matches!(self.query.by, By::Day | By::Hour);
        let direction = match self.query.order {
            Some(Order::Asc) => "ASC",
            Some(Order::Desc) => "DESC",
            None if by_period && self.query.sort.is_none() => "ASC",
            None => "DESC",
        };
        let measure = match self.query.sort {
            Some(Sort::Time) => "totals.duration_us",
            Some(Sort::Active) => "totals.active_us",
            Some(Sort::Count) => "totals.events",
            Some(Sort::Recent) => "totals.last_us",
            None if by_period => return format!("name {direction}"),
            None => "totals.duration_us",
        };
        format!("{measure} {direction}, name ASC NULLS LAST")
    }

    fn group(&self, row: &sqlx::any::AnyRow) -> Result<Group, Error> {
        const NAME: usize = 9;
        Ok(match self.query.by {
            By::Value => Group::Value(column(row, NAME)?),
            By::Person => Group::Person(column(row, NAME)?),
            By::Category => Group::Category(column(row, NAME)?),
            By::Device => {
                let id: Vec<u8> = column(row, NAME)?;
                Group::Device(Id::from_slice(&id).ok_or(Error::StorageFailed)?)
            }
            By::Day => Group::Day(day(column::<i64>(row, NAME)? - 1)),
            By::Hour => {
                let hour: i64 = column::<i64>(row, NAME)? - 24;
                Group::Hour(format!("{}T{:02}", day(hour.div_euclid(24)), hour.rem_euclid(24)))
            }
        })
    }
}

/// Only events whose `column` holds `text`.
fn push_text(sql: &mut Sql, account: i64, column: &str, kind: Kind, text: &str) {
    sql.push(" AND e.").push(column);
    sql.push(" = (SELECT id FROM dictionary WHERE digest = ")
        .bind(TextDigest::of(account, kind, text).as_bytes())
        .push(")");
}

/// The date of a day, counted from 1970-01-01: `civil_from_days` of
/// <https://howardhinnant.github.io/date_algorithms.html>.
fn day(days: i64) -> String {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days_become_dates_across_leap_years_and_the_epoch() {
        assert_eq!(day(-1), "1969-12-31");
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(11_016), "2000-02-29");
        assert_eq!(day(11_017), "2000-03-01");
        assert_eq!(day(20_779), "2026-11-22");
        assert_eq!(day(47_540), "2100-02-28");
        assert_eq!(day(47_541), "2100-03-01");
    }
}
