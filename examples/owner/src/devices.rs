//! `devices`: the owner's own table of devices, beside what the service has seen of each.

use std::collections::BTreeMap;

use blindtally::{DeviceId, DeviceStatus, Owner};
use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::session::{Context, Session};
use crate::table::{Align, Table};
use crate::wire::{DeviceList, ServiceStatus};

pub(crate) fn run(context: &mut Context) -> Result<(), Failure> {
    let session = Session::open(context)?;
    let output = session.output();
    let list: DeviceList = session.service.get("/api/v1/devices")?.json()?;
    let mut at_service = list
        .devices
        .into_iter()
        .filter_map(|entry| Some((entry.device_id.parse::<DeviceId>().ok()?, entry)))
        .collect::<BTreeMap<_, _>>();

    let mut table = Table::new(&[Align::Left, Align::Left, Align::Left, Align::Right, Align::Left, Align::Left]);
    table.head(&["Device", "Status", "Name", "Events", "Confirmed", "Last seen"]);
    let mut objects = Vec::new();
    let mut add = |id: DeviceId, status: &str, name: Option<&str>, confirmed_us: Option<i64>, seen| {
        let (events, last_seen_us): (u64, Option<i64>) = seen;
        table.row(&[
            id.to_string(),
            status.to_owned(),
            name.map_or(String::new(), |name| visible(name).into_owned()),
            events.to_string(),
            confirmed_us.map_or(String::new(), day_and_time),
            last_seen_us.map_or(String::new(), day_and_time),
        ]);
        objects.push(json!({
            "device_id": id.to_string(), "status": status, "name": name, "events": events,
            "confirmed_us": confirmed_us, "last_seen_us": last_seen_us,
        }));
    };
    for (id, device) in session.owner.devices() {
        let seen = at_service.remove(&id).map_or((0, None), |entry| (entry.events, Some(entry.last_seen_us)));
        let status = match device.status() {
            DeviceStatus::Active => "active",
            DeviceStatus::Revoked => "revoked",
        };
        let confirmed_us = i64::try_from(device.confirmed_at().unix_millis()).unwrap_or(i64::MAX).saturating_mul(1000);
        add(id, status, Some(device.name()), Some(confirmed_us), seen);
    }
    for (id, entry) in at_service {
        // Whatever the service calls it: the owner has not confirmed it, so it has no keys.
        let status = if entry.status == ServiceStatus::Revoked { "dismissed" } else { "unconfirmed" };
        add(id, status, None, None, (entry.events, Some(entry.last_seen_us)));
    }
    output.line(table)?;
    output.object(&json!({ "devices": objects }))?;
    session.close();
    Ok(())
}

/// The device of that id, or of that name if only one has it.
pub(crate) fn find(owner: &Owner, wanted: &str) -> Result<DeviceId, Failure> {
    if let Some((id, _)) = owner.devices().find(|(id, _)| id.to_string() == wanted) {
        return Ok(id);
    }
    let named: Vec<_> = owner.devices().filter(|(_, device)| device.name() == wanted).collect();
    match named.as_slice() {
        [(id, _)] => Ok(*id),
        [] => Err(Failure::refused("owner.unknown-device", "no device has this id or name: see `devices`")),
        _ => Err(Failure::refused("device.ambiguous", "several devices have this name: use the id, see `devices`")),
    }
}

/// Local time, to the minute.
fn day_and_time(us: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(us).map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
    time.map_or(String::new(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}
