//! The demo goes on: somebody keeps working at each computer, its ActivityWatch keeps watching, its agent uploading.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::aw_server::AwServer;
use crate::day::Life;
use crate::process::Service;
use crate::programs::Agent;

/// A computer at which somebody works at present. Dropped, the agent ends before what it follows.
pub(crate) struct Live {
    agent: Service,
    aw_server: AwServer,
    life: Life,
    log: PathBuf,
}

impl Live {
    /// Starts a real aw-server that knows the days before, and the agent that follows it.
    pub(crate) fn start(
        aw_programs: &Path,
        folder: &Path,
        agent: &Agent,
        person: &str,
        mut life: Life,
    ) -> Result<Self> {
        let aw_server = AwServer::start(aw_programs, &folder.join("aw-server"))?;
        life.before(now()?).iter().try_for_each(|bucket| aw_server.fill(bucket))?;
        let log = folder.join("agent.log");
        Ok(Self { agent: agent.watch(&aw_server.url, person, &log)?, aw_server, life, log })
    }

    /// Says what the watchers see now.
    ///
    /// # Errors
    /// If the agent has ended, or aw-server takes nothing.
    pub(crate) fn go_on(&mut self) -> Result<()> {
        self.agent.require().with_context(|| format!("{} says why", self.log.display()))?;
        let seen = self.life.now(now()?);
        seen.iter().try_for_each(|(bucket, event)| self.aw_server.heartbeat(bucket, event))
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}
