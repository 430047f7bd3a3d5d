//! `blobs` lists screenshots, camera shots and recordings; `blob` fetches one and opens it into a file.

use blindtally_client::{CopyError, Failure, copy, visible};
use serde_json::json;

use crate::cli::{Blobs, GetBlob, OutputFile};
use crate::devices;
use crate::layout;
use crate::part::{Existing, PartFile, clean_up_when_told_to_end, unwritable};
use crate::period::{Period, show};
use crate::sealed::{Filter, List, device_name, each_blob, fetch, fetching, headers};
use crate::session::{Context, Session};
use crate::wire::contradicted;

pub(crate) fn list(args: &Blobs, context: &mut Context) -> Result<(), Failure> {
    let period = Period::new(&args.period)?;
    let session = Session::open(context)?;
    let output = session.output();
    let device = args.device.as_deref().map(|wanted| devices::find(&session.owner, wanted)).transpose()?;
    let filter = Filter { device, class: args.class.map(blindtally::BlobClass::id), period: &period };
    let mut list = List::new(output);
    each_blob(&session, &filter, |entries| {
        for (entry, header) in entries.iter().zip(headers(&session, &filter, &entries)?) {
            list.item(header, |header| {
                let (name, class) = (device_name(&session.owner, header.device), layout::blob_class(header.class));
                let (time, size) = (period.show(header.seq), entry.size);
                let line = format!("{time}  {}  {class}  {size:>10}  {}", visible(&name), header.id);
                let object = json!({
                    "id": header.id.to_string(), "time_ms": header.seq, "device_id": header.device.to_string(),
                    "name": name, "class": class, "size": size,
                });
                (line, object)
            })?;
        }
        Ok(())
    })?;
    list.end("blob")?;
    session.close();
    Ok(())
}

pub(crate) fn get(args: &GetBlob, context: &mut Context) -> Result<(), Failure> {
    let OutputFile { file, .. } = &args.output;
    clean_up_when_told_to_end()?;
    // Before the password is asked for.
    let mut part = PartFile::beside(file, args.output.existing())?;
    let session = Session::open(context)?;
    let output = session.output();
    let sealed = fetch(&session.service, args.id)?;
    let mut blob = session.owner.opening_keys().blob_reader(sealed).map_err(|error| fetching(&error))?;
    let header = *blob.header();
    if header.id != args.id {
        return Err(contradicted());
    }
    let length = copy(&mut blob, &mut part).map_err(|error| match error {
        CopyError::Read(error) => fetching(&error),
        CopyError::Write(error) => unwritable(file, &error),
    })?;
    part.complete(file, args.output.existing())?;
    let (name, class) = (device_name(&session.owner, header.device), layout::blob_class(header.class));
    let (time, shown) = (show(header.seq, &jiff::tz::TimeZone::system()), visible(&name));
    output.line(format_args!("{}: {class} of {time}, by {shown}, {length} bytes", file.display()))?;
    output.object(&json!({
        "file": file.display().to_string(), "id": header.id.to_string(), "time_ms": header.seq, "class": class,
        "device_id": header.device.to_string(), "name": name, "length": length,
    }))?;
    session.close();
    Ok(())
}

impl OutputFile {
    pub(crate) fn existing(&self) -> Existing {
        if self.overwrite { Existing::Replace } else { Existing::Keep }
    }
}
