//! `ticket`: what an installer needs to enrol a device.

use blindtally::{Lifetime, TicketUses, Timestamp};
use blindtally_client::{Failure, b64};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::json;

use crate::cli::TicketArgs;
use crate::session::{Context, Session, now};

pub(crate) fn run(args: &TicketArgs, context: &mut Context) -> Result<(), Failure> {
    let uses = TicketUses::several(args.uses)
        .map_err(|_| Failure::usage("--uses takes 1 to 50: more devices need more tickets"))?;
    let lifetime = match (args.days, args.hours) {
        (Some(days), _) => Lifetime::days(days),
        (None, Some(hours)) => Lifetime::hours(hours),
        (None, None) => uses.default_lifetime(),
    };
    let session = Session::open(context)?;
    let ticket = session.owner.issue_ticket(uses, lifetime, now())?;
    session.service.post(
        "/api/v1/tickets",
        &json!({
            "ticket_id": ticket.id().to_string(),
            "authenticator_hash": b64(&ticket.authenticator_hash()),
            "expires_at_us": ticket.expiry().unix_millis().saturating_mul(1000),
            "uses": uses.get(),
        }),
    )?;
    let (text, link, expires) = (ticket.to_text(), ticket.to_link(), rfc3339(ticket.expiry()));
    let output = session.output();
    output.line(&*text)?;
    output.line(&*link)?;
    if args.qr {
        output.line(qr(&link)?)?;
    }
    output.line(format_args!("good for {} device(s) until {expires}; it must never reach the service", uses.get()))?;
    output.object(&json!({
        "ticket": *text, "link": *link, "ticket_id": ticket.id().to_string(), "expires": expires,
    }))?;
    session.close();
    Ok(())
}

/// A QR code of two modules a character, black on white whatever the terminal's colours are.
fn qr(link: &str) -> Result<String, Failure> {
    let code = QrCode::new(link).map_err(|error| Failure::refused("ticket.qr", error))?;
    let image = code.render::<Dense1x2>().dark_color(Dense1x2::Dark).light_color(Dense1x2::Light).build();
    let lines = image.lines().map(|line| format!("\x1b[30;107m{line}\x1b[0m"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

fn rfc3339(time: Timestamp) -> String {
    let seconds = i64::try_from(time.unix_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
