//! `records`: what was typed, copied and said, opened, one a line.

use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::cli::Records;
use crate::devices;
use crate::layout;
use crate::period::Period;
use crate::sealed::{Filter, OpenRecord, Unopened, device_name, each_record};
use crate::session::{Context, Session};

pub(crate) fn run(args: &Records, context: &mut Context) -> Result<(), Failure> {
    let period = Period::new(&args.period)?;
    let session = Session::open(context)?;
    let output = session.output();
    let device = args.device.as_deref().map(|wanted| devices::find(&session.owner, wanted)).transpose()?;
    let filter = Filter { device, class: args.class.map(blindtally::RecordClass::id), period: &period };
    let mut objects = Vec::new();
    let mut unreadable = 0u64;
    each_record(&session, &filter, |record| {
        let object = match record {
            Ok(OpenRecord { device, class, seq, value }) => {
                let (name, class) = (device_name(&session.owner, device), layout::record_class(class));
                let (time, shown) = (period.show(seq), visible(&value));
                output.entry(format_args!("{time}  {}  {class}  {shown}", visible(&name)))?;
                json!({
                    "time_ms": seq, "device_id": device.to_string(), "name": name, "class": class, "value": *value,
                })
            }
            Err(Unopened { id, failure }) => {
                unreadable += 1;
                output.entry(format_args!("? {id} ({})", failure.code()))?;
                json!({ "id": id, "unreadable": failure.code() })
            }
        };
        if output.is_for_machines() {
            objects.push(object);
        }
        Ok(())
    })?;
    if unreadable > 0 {
        output.note(format_args!(
            "note: {unreadable} record(s) marked ? cannot be read, or are not what the service says"
        ));
    }
    output.object(&json!({ "records": objects }))?;
    session.close();
    Ok(())
}
