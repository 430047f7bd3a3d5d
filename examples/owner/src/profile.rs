//! What a computer remembers of an account between commands: where it is, and the newest vault that was seen. Never a
//! secret.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use blindtally_client::{Failure, create_private_dir, write_private};
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

/// The contents of the profile file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// Base URL of the service.
    pub(crate) server: String,
    /// The login name, normalised.
    pub(crate) login: String,
    /// The account, as 32 hexadecimal digits.
    pub(crate) account_id: String,
    /// Whether the person said that there is an account secret beside the password. The service is never asked.
    pub(crate) account_secret: bool,
    /// The highest generation of the vault that was seen here: an older one is a service that rolls back.
    pub(crate) generation: u64,
}

/// The folder that holds a profile and what belongs to it.
pub(crate) struct ProfileDir(PathBuf);

impl ProfileDir {
    /// The folder that was named, or the platform's for settings.
    pub(crate) fn new(named: Option<PathBuf>) -> Result<Self, Failure> {
        let default = || {
            let strategy = etcetera::choose_base_strategy().map_err(|error| unusable(Path::new("~"), &error))?;
            Ok(strategy.config_dir().join("blindtally").join("owner"))
        };
        named.map_or_else(default, Ok).map(Self)
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The profile, if there is one.
    pub(crate) fn find(&self) -> Result<Option<Profile>, Failure> {
        let path = self.profile_file();
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(&path, &error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    /// The profile.
    pub(crate) fn load(&self) -> Result<Profile, Failure> {
        let missing = "there is no profile here: use `create`, or `login --server URL --login NAME`";
        self.find()?.ok_or_else(|| Failure::refused("profile.none", missing))
    }

    /// Writes the profile. A generation that another command wrote meanwhile is never lowered.
    pub(crate) fn save(&self, profile: &Profile) -> Result<(), Failure> {
        let mut profile = profile.clone();
        if let Some(found) = self.find()?
            && found.account_id == profile.account_id
        {
            profile.generation = profile.generation.max(found.generation);
        }
        self.create()?;
        let path = self.profile_file();
        let json = serde_json::to_vec_pretty(&profile).map_err(|error| unusable(&path, &error))?;
        write_private(&path, &json).map_err(|error| unusable(&path, &error))
    }

    /// Creates the folder, for the user alone.
    pub(crate) fn create(&self) -> Result<(), Failure> {
        create_private_dir(&self.0).map_err(|error| unusable(&self.0, &error))
    }

    fn profile_file(&self) -> PathBuf {
        self.file("profile.json")
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::refused("profile.unusable", format_args!("{}: {error}", path.display()))
}
