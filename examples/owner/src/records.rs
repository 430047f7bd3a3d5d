//! `records`: what was typed, copied and said, opened, one a line.

use blindtally_client::{Failure, visible};
use serde_json::json;

use crate::cli::Records;
use crate::devices;
use crate::layout;
use crate::period::Period;
use crate::sealed::{Filter, List, OpenRecord, device_name, each_record};
use crate::session::{Context, Session};

pub(crate) fn run(args: &Records, context: &mut Context) -> Result<(), Failure> {
    let period = Period::new(&args.period)?;
    let session = Session::open(context)?;
    let output = session.output();
    let device = args.device.as_deref().map(|wanted| devices::find(&session.owner, wanted)).transpose()?;
    let filter = Filter { device, class: args.class.map(blindtally::RecordClass::id), period: &period };
    let mut list = List::new(output);
    each_record(&session, &filter, |record| {
        list.item(record, |OpenRecord { device, class, seq, value }| {
            let (name, class) = (device_name(&session.owner, device), layout::record_class(class));
            let (time, shown) = (period.show(seq), visible(&value));
            let object = json!({
                "time_ms": seq, "device_id": device.to_string(), "name": name, "class": class, "value": *value,
            });
            (format!("{time}  {}  {class}  {shown}", visible(&name)), object)
        })
    })?;
    list.end("record")?;
    session.close();
    Ok(())
}
