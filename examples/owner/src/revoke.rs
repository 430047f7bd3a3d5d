//! `revoke`: takes a device's keys away, for ever.

use blindtally::AfterRevoking;
use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::ask::{self, Answer};
use crate::cli::Revoke;
use crate::devices;
use crate::session::{Context, Session, now};

pub(crate) fn run(args: &Revoke, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    let device = devices::find(&session.owner, &args.device)?;
    let after = match (args.rotate, args.no_rotate) {
        (true, _) => AfterRevoking::Rotate,
        (_, true) => AfterRevoking::KeepEpoch,
        _ => ask_rotation()?,
    };
    let change = session.owner.revoke(device, after, now())?;
    session.commit(change)?;

    let (output, owner) = (session.output(), &session.owner);
    let (epoch, code) = (owner.policy().policy().epoch().get(), device.to_string());
    let name = owner.devices().find(|(id, _)| *id == device).map_or("", |(_, device)| device.name());
    output.line(format_args!("revoked {} ({code})", visible(name)))?;
    match after {
        AfterRevoking::Rotate => {
            output.line(format_args!("epoch {epoch} has begun: make a new backup now, the old ones lack its keys"))?;
        }
        AfterRevoking::KeepEpoch => {
            output.line("its keys still read the tokens of this epoch wherever it gets hold of them: see `rotate`")?;
        }
    }
    let rotated = after == AfterRevoking::Rotate;
    output.object(&json!({ "revoked": code, "name": name, "rotated": rotated, "epoch": epoch }))?;
    session.close();
    Ok(())
}

fn ask_rotation() -> Result<AfterRevoking, Failure> {
    let question = "Start a new epoch too? Without new keys for the others, the device could go on reading tokens.";
    match ask::yes_or_no(question) {
        Some(Answer::Yes) => Ok(AfterRevoking::Rotate),
        Some(Answer::No) => Ok(AfterRevoking::KeepEpoch),
        None => Err(Failure::usage("say --rotate or --no-rotate")),
    }
}
