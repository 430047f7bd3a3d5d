//! `confirm`: devices that ask to be given keys. A ticket of this account speaks for itself; without one, a person types
//! the code that the device shows.

use std::collections::BTreeSet;
use std::time::Duration;

use blindtally::{DeviceId, EnrollmentRequest, InspectError, Inspection, TicketUses, VerifiedRequest};
use blindtally_client::{Failure, from_b64, visible};
use serde_json::{Value, json};

use crate::ask::{self, Answer};
use crate::cli::Confirm;
use crate::output::Output;
use crate::session::{Context, Session, now};
use crate::wire::{EnrollmentEntry, EnrollmentList};

pub(crate) fn run(args: &Confirm, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    match args {
        Confirm { dismiss: Some(device), .. } => dismiss(&session, device)?,
        Confirm { code: Some(code), name: Some(name), .. } => confirm_code(&mut session, code, name)?,
        Confirm { watch: true, .. } => watch(&mut session, asking(args))?,
        _ => confirm_waiting(&mut session, asking(args))?,
    }
    session.close();
    Ok(())
}

/// What to do about each device of a ticket that is good for several.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// Ask, where somebody sits at a terminal.
    Each,
    Never,
}

fn asking(args: &Confirm) -> Asking {
    if args.all { Asking::Never } else { Asking::Each }
}

/// What came of a request.
enum Verdict {
    Confirmed {
        device: DeviceId,
        name: String,
    },
    /// A person must type its code, or has said no for now.
    Waiting {
        device: String,
        why: &'static str,
    },
    Refused {
        device: String,
        error: InspectError,
    },
}

fn confirm_waiting(session: &mut Session<'_>, asking: Asking) -> Result<(), Failure> {
    let output = session.output();
    let (mut confirmed, mut waiting, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for entry in pending(session)? {
        let verdict = judge(session, &entry, asking)?;
        show(output, &verdict)?;
        match verdict {
            Verdict::Confirmed { device, name } => {
                confirmed.push(json!({ "device_id": device.to_string(), "name": name }));
            }
            Verdict::Waiting { device, .. } => waiting.push(json!({ "device_id": device })),
            Verdict::Refused { device, error } => refused.push(json!({
                "device_id": device, "code": error.code(), "alarm": error == InspectError::Spent,
            })),
        }
    }
    if confirmed.is_empty() && waiting.is_empty() && refused.is_empty() {
        output.line("no device is waiting")?;
    }
    output.object(&json!({ "confirmed": confirmed, "waiting": waiting, "refused": refused }))
}

/// Looks every second. Says everything once; goes on when the service is away for a while.
fn watch(session: &mut Session<'_>, asking: Asking) -> Result<(), Failure> {
    let output = session.output();
    output.note("waiting for devices; Ctrl-C ends it");
    let mut said = BTreeSet::new();
    let mut away = false;
    loop {
        match watch_once(session, asking, &mut said) {
            Ok(()) => away = false,
            Err(failure @ Failure::Unreachable { .. }) => {
                if !std::mem::replace(&mut away, true) {
                    output.note(format_args!("{failure}; trying again"));
                }
            }
            Err(failure) if failure.code() == "auth.refused" => session.renew()?,
            Err(failure) => return Err(failure),
        }
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn watch_once(session: &mut Session<'_>, asking: Asking, said: &mut BTreeSet<String>) -> Result<(), Failure> {
    for entry in pending(session)? {
        if said.contains(&entry.request) {
            continue;
        }
        let verdict = judge(session, &entry, asking)?;
        show(session.output(), &verdict)?;
        if !matches!(verdict, Verdict::Confirmed { .. }) {
            said.insert(entry.request);
        }
    }
    Ok(())
}

fn pending(session: &mut Session<'_>) -> Result<Vec<EnrollmentEntry>, Failure> {
    let list: EnrollmentList = session.service.get("/api/v1/enrollments")?.json()?;
    Ok(list.enrollments)
}

/// Inspects one request, and confirms it if its ticket speaks for it.
fn judge(session: &mut Session<'_>, entry: &EnrollmentEntry, asking: Asking) -> Result<Verdict, Failure> {
    let device = visible(&entry.device_id).into_owned();
    let bytes = from_b64(&entry.request)?;
    let inspected = EnrollmentRequest::from_bytes(&bytes).and_then(|request| session.owner.inspect(&request, now()));
    let verified = match inspected {
        Ok(Inspection::Verified(verified)) => verified,
        Ok(Inspection::NeedsComparison(_)) => {
            return Ok(Verdict::Waiting { device, why: "compare codes: confirm --code CODE --name NAME" });
        }
        Err(error) => return Ok(Verdict::Refused { device, error }),
    };
    let several = verified.ticket_uses().is_some_and(|uses| uses != TicketUses::ONE);
    if several && asking == Asking::Each {
        let question = format!("Give keys to {} ({})?", visible(verified.name()), verified.device_id());
        if ask::yes_or_no(&question) == Some(Answer::No) {
            return Ok(Verdict::Waiting { device, why: "you said no; --dismiss throws the request away" });
        }
    }
    approve(session, verified)
}

fn approve(session: &mut Session<'_>, verified: VerifiedRequest) -> Result<Verdict, Failure> {
    let (device, name) = (verified.device_id(), verified.name().to_owned());
    let change = session.owner.approve(verified, now())?;
    session.commit(change)?;
    Ok(Verdict::Confirmed { device, name })
}

fn show(output: Output, verdict: &Verdict) -> Result<(), Failure> {
    match verdict {
        Verdict::Confirmed { device, name } => output.line(format_args!("confirmed {} ({device})", visible(name))),
        Verdict::Waiting { device, why } => output.line(format_args!("waiting   {device}: {why}")),
        // SPEC.md#spent-alarm
        Verdict::Refused { device, error: InspectError::Spent } => {
            output.note(format_args!(
                "ALARM     {device} wants keys with a ticket that ANOTHER device has used already.\n\
                 ALARM     Somebody else may hold that ticket: if you do not know which of the two devices is yours, \
                 revoke the first and make a new ticket. It got no keys."
            ));
            Ok(())
        }
        Verdict::Refused { device, error } => {
            output.note(format_args!("refused   {device}: {error} ({}). It got no keys.", error.code()));
            Ok(())
        }
    }
}

/// Confirms the device whose code was typed, whichever of those that wait it is.
fn confirm_code(session: &mut Session<'_>, code: &str, name: &str) -> Result<(), Failure> {
    for entry in pending(session)? {
        let Ok(request) = EnrollmentRequest::from_bytes(&from_b64(&entry.request)?) else { continue };
        let Ok(Inspection::NeedsComparison(comparison)) = session.owner.inspect(&request, now()) else { continue };
        match comparison.confirm(code, name) {
            Ok(verified) => {
                let verdict = approve(session, verified)?;
                show(session.output(), &verdict)?;
                return session.output().object(&confirmed_object(&verdict));
            }
            Err(InspectError::Code) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let words = "no device that waits has this code: do not confirm any until its code is the one it shows";
    Err(Failure::refused(InspectError::Code.code(), words))
}

fn confirmed_object(verdict: &Verdict) -> Value {
    match verdict {
        Verdict::Confirmed { device, name } => {
            json!({ "confirmed": [{ "device_id": device.to_string(), "name": name }], "waiting": [], "refused": [] })
        }
        Verdict::Waiting { .. } | Verdict::Refused { .. } => Value::Null,
    }
}

fn dismiss(session: &Session<'_>, device: &str) -> Result<(), Failure> {
    let device: DeviceId =
        device.parse().map_err(|_| Failure::usage("--dismiss takes the id of a device that waits"))?;
    session.service.delete(&format!("/api/v1/enrollments/{device}"))?;
    session.output().line(format_args!("dismissed {device}"))?;
    session.output().object(&json!({ "dismissed": device.to_string() }))
}
