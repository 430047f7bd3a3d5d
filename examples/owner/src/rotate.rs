//! `rotate`: new keys for every device that stays.

use blindtally_client::Failure;
use serde_json::json;

use crate::ask::{self, Answer};
use crate::categories;
use crate::cli::Rotate;
use crate::session::{Context, Session, now};

/// What carrying categories over costs.
const QUESTION: &str = "Carry the categories over to the new epoch's tokens? The service then knows which new token \
                        stands for which old one, as far as they have a category.";

pub(crate) fn run(args: &Rotate, context: &mut Context) -> Result<(), Failure> {
    let mut session = Session::open(context)?;
    let change = session.owner.rotate(now())?;
    session.commit(change)?;
    let output = session.output();
    let epoch = session.owner.policy().policy().epoch().get();
    output.line(format_args!("epoch {epoch} has begun: make a new backup now, the old ones lack its keys"))?;
    let answer = match (args.carry_categories, args.no_carry_categories) {
        (true, _) => Some(Answer::Yes),
        (_, true) => Some(Answer::No),
        _ => ask::yes_or_no(QUESTION),
    };
    let carried = match answer {
        Some(Answer::Yes) => categories::carry(&session)?,
        Some(Answer::No) => 0,
        None => {
            output.line("categories stay with the old epoch's tokens until `categories --carry`")?;
            0
        }
    };
    if carried > 0 {
        output.line(format_args!("{carried} categories carried over"))?;
    }
    output.object(&json!({ "epoch": epoch, "carried_categories": carried }))?;
    session.close();
    Ok(())
}
