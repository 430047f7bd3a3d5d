//! ActivityWatch's own server, which is filled through its REST API, and an export of the day that it makes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use ureq::Agent;

use crate::day::{self, Bucket};
use crate::process::Service;
use crate::project::Project;
use crate::{python, system};

/// Newer peewee breaks the buckets of this aw-server.
const REQUIREMENTS: [&str; 2] = ["aw-server==0.12.0", "peewee==3.16.3"];

const READY_WITHIN: Duration = Duration::from_secs(60);
const BATCH: usize = 1000;
/// How long ago the last heartbeat may be for the next one to prolong it.
const PULSE_SECONDS: u32 = 10;

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
    let programs = match programs(project) {
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

/// The folder of aw-server's program, which is installed where it is not there.
pub(crate) fn programs(project: &Project) -> Result<PathBuf> {
    python::environment(project, "aw-server", &REQUIREMENTS)
}

fn design(day: &[Bucket]) -> String {
    let buckets = day.iter().map(|b| json!([b.id, b.kind, b.hostname, b.events]));
    json!([REQUIREMENTS, buckets.collect::<Vec<_>>()]).to_string()
}

fn fill_and_export(programs: &Path, home: &Path, day: &[Bucket]) -> Result<String> {
    let server = AwServer::start(programs, home)?;
    day.iter().try_for_each(|bucket| server.fill(bucket))?;
    let mut export = server.http.get(format!("{}/api/0/export", server.url)).call()?;
    Ok(export.body_mut().with_config().limit(u64::MAX).read_to_string()?)
}

/// ActivityWatch's own server, until this is dropped.
pub(crate) struct AwServer {
    service: Service,
    http: Agent,
    pub(crate) url: String,
}

impl AwServer {
    /// Starts it on a free port, with nothing in it.
    pub(crate) fn start(programs: &Path, home: &Path) -> Result<Self> {
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
        let mut service = Service::start(&mut command)?;
        let http: Agent = Agent::config_builder().timeout_global(Some(READY_WITHIN)).proxy(None).build().into();
        let url = format!("http://127.0.0.1:{port}");
        let info = format!("{url}/api/0/info");
        service.wait_until("answer", READY_WITHIN, || Ok(http.get(&info).call().ok().map(drop)))?;
        Ok(Self { service, http, url })
    }

    /// Makes a bucket with its events.
    pub(crate) fn fill(&self, bucket: &Bucket) -> Result<()> {
        let url = format!("{}/api/0/buckets/{}", self.url, bucket.id);
        let watcher = bucket.id.split('_').next();
        self.http.post(&url).send_json(json!({"client": watcher, "type": bucket.kind, "hostname": bucket.hostname}))?;
        for events in bucket.events.chunks(BATCH) {
            self.http.post(format!("{url}/events")).send_json(events)?;
        }
        Ok(())
    }

    /// Says what a watcher sees now. What it saw a moment ago is prolonged if it is the same.
    pub(crate) fn heartbeat(&mut self, bucket: &str, event: &Value) -> Result<()> {
        self.service.require()?;
        let url = format!("{}/api/0/buckets/{bucket}/heartbeat?pulsetime={PULSE_SECONDS}", self.url);
        self.http.post(url).send_json(event).with_context(|| format!("aw-server takes no heartbeat of {bucket}"))?;
        Ok(())
    }
}
