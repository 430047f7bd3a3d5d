//! An export made by ActivityWatch's own server, which is filled with the day through its REST API.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use ureq::Agent;

use crate::day::{self, Bucket};
use crate::process::Service;
use crate::project::Project;
use crate::{python, system};

/// Newer peewee breaks the buckets of this aw-server.
const REQUIREMENTS: [&str; 2] = ["aw-server==0.12.0", "peewee==3.16.3"];

const READY_WITHIN: Duration = Duration::from_secs(60);
const BATCH: usize = 1000;

/// The export of the day; made again only when the day or the server's version changed.
pub(crate) fn export(project: &Project) -> Result<PathBuf> {
    let folder = project.target.join("demo");
    let export = folder.join("export.json");
    // What the export was made from; written last, so that an export that was cut off is made again.
    let origin = folder.join("export.origin.json");
    let day = day::buckets();
    let design = design(&day);
    if export.is_file() && fs::read_to_string(&origin).is_ok_and(|made_from| made_from == design) {
        return Ok(export);
    }
    let programs = match python::environment(project, "aw-server", &REQUIREMENTS) {
        Err(error) if origin.is_file() && export.is_file() => {
            eprintln!("Using the export of an earlier day, because: {error:#}");
            return Ok(export);
        }
        environment => environment.context(
            "the default input is made by a real aw-server, which cannot be had; \
             give an ActivityWatch export of your own by --from FILE",
        )?,
    };
    eprintln!("Filling a real aw-server with the day and exporting it");
    let text = fill_and_export(&programs, &folder.join("aw-server"), &day).context("aw-server gives no export")?;
    drop(fs::remove_file(&origin));
    fs::write(&export, text)?;
    fs::write(origin, design)?;
    Ok(export)
}

fn design(day: &[Bucket]) -> String {
    let buckets = day.iter().map(|b| json!([b.id, b.kind, b.hostname, b.events]));
    json!([REQUIREMENTS, buckets.collect::<Vec<_>>()]).to_string()
}

fn fill_and_export(programs: &Path, home: &Path, day: &[Bucket]) -> Result<String> {
    // A fresh home, so that nothing of the person's own ActivityWatch is read or written.
    if home.exists() {
        fs::remove_dir_all(home)?;
    }
    fs::create_dir_all(home)?;
    let port = system::free_port()?;
    let mut command = Command::new(programs.join("aw-server"));
    command.args(["--testing", "--host", "127.0.0.1", "--port", &port.to_string()]);
    command.current_dir(home).env("HOME", home);
    for (variable, name) in [
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
    ] {
        command.env(variable, home.join(name));
    }
    let log = File::create(home.join("log"))?;
    command.stdout(log.try_clone()?).stderr(log);
    let mut server = Service::start(&mut command)?;
    let http: Agent = Agent::config_builder().timeout_global(Some(READY_WITHIN)).proxy(None).build().into();
    let api = format!("http://127.0.0.1:{port}/api/0");
    server.wait_until("answer", READY_WITHIN, || Ok(http.get(format!("{api}/info")).call().ok().map(drop)))?;
    for bucket in day {
        fill(&http, &format!("{api}/buckets/{}", bucket.id), bucket)?;
    }
    Ok(http.get(format!("{api}/export")).call()?.body_mut().with_config().limit(u64::MAX).read_to_string()?)
}

fn fill(http: &Agent, url: &str, bucket: &Bucket) -> Result<()> {
    let watcher = bucket.id.split('_').next();
    http.post(url).send_json(json!({"client": watcher, "type": bucket.kind, "hostname": bucket.hostname}))?;
    for events in bucket.events.chunks(BATCH) {
        http.post(format!("{url}/events")).send_json(events)?;
    }
    Ok(())
}
