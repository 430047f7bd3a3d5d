//! `rotate`: new keys for every device that stays.

use blindtally_client::Failure;
use serde_json::json;

use crate::session::{Context, Session, now};

pub(crate) fn run(context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    let change = session.owner.rotate(now())?;
    session.commit(change)?;
    let output = session.output();
    let epoch = session.owner.policy().policy().epoch().get();
    output.line(format_args!("epoch {epoch} has begun: make a new backup now, the old ones lack its keys"))?;
    output.object(&json!({ "epoch": epoch }))?;
    session.close();
    Ok(())
}
