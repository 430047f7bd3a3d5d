//! The Python package: its wheels, and what is tested and measured of it, always as `package` ships it.

use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::node::{Node, is_current, list};
use crate::project::Project;
use crate::{bench, cargo, process, python, system};

/// What builds wheels.
const TOOLS: [&str; 1] = ["maturin==1.16.0"];
/// What the tests need beside the package, and what checks its types.
const TESTED_WITH: [&str; 10] = [
    "cryptography==50.0.2",
    "duckdb==2.0.0",
    "hypothesis==6.170.15",
    "mypy==2.4.1",
    "pandas==3.1.1",
    "polars==2.1.0",
    "pyarrow==26.0.1",
    "pyright==1.1.414",
    "pytest==9.2.0",
    "typing_extensions==4.16.0",
];
/// The peers of the benchmarks, and the Arrow library that they hand over columns with.
const MEASURED_WITH: [&str; 5] =
    ["cryptography==50.0.2", "pyarrow==26.0.1", "pymongo==4.20.0", "pymongocrypt==1.21.2", "tink==1.16.1"];
/// Spark, and what its functions of Python's need.
const SPARK: [&str; 5] = ["numpy==2.4.6", "pandas==3.1.1", "pyarrow==26.0.1", "pyspark==4.3.0", "pytest==9.2.0"];
/// The versions of CPython whose stable ABI wheels are built for, the oldest first: each is for all up to the next.
const ABIS: [(u32, u32); 2] = [(3, 9), (3, 10)];

/// What the wheel is made from; of the folders, all.
const SOURCES: [&str; 10] = [
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "src",
    "bindings/python/Cargo.toml",
    "bindings/python/README.md",
    "bindings/python/pyproject.toml",
    "bindings/python/python",
    "bindings/python/src",
];

/// Wheels that are there, one for each of [`ABIS`].
pub(crate) struct Wheels {
    pub(crate) files: Vec<PathBuf>,
    /// Where their sources are.
    folder: PathBuf,
}

impl Wheels {
    /// Builds `target/package/blindtally-VERSION-cp39-abi3-PLATFORM.whl` and its siblings.
    pub(crate) fn build(project: &Project) -> Result<Self> {
        let (folder, packages) = (project.root.join("bindings/python"), project.target.join("package"));
        for old in wheels(&packages, "blindtally-")? {
            fs::remove_file(&old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
        let build = |(major, minor): &(u32, u32)| {
            let feature = format!("abi3-py{major}{minor}");
            let options = ["--no-default-features", "--features", &feature];
            build(project, &folder, &packages, &options, &format!("{}-cp{major}{minor}-abi3-", prefix(project)))
        };
        let files = ABIS.iter().map(build).collect::<Result<_>>()?;
        Ok(Self { files, folder })
    }

    /// The wheels that are there, or new ones if anything that they are made from has changed.
    pub(crate) fn find_or_build(project: &Project) -> Result<Self> {
        let sources = SOURCES.map(|path| project.root.join(path));
        let find = |(major, minor): &(u32, u32)| -> Result<Option<PathBuf>> {
            let found =
                wheels(&project.target.join("package"), &format!("{}-cp{major}{minor}-", prefix(project)))?.pop();
            Ok(found.filter(|file| is_current(file, &sources)))
        };
        match ABIS.iter().map(find).collect::<Result<Option<_>>>()? {
            Some(files) => Ok(Self { files, folder: project.root.join("bindings/python") }),
            None => Self::build(project),
        }
    }

    /// Installs, into a virtual environment, the wheel that pip would choose.
    fn install_into(&self, programs: &Path) -> Result<()> {
        let version = python::version(programs)?;
        let chosen = self.files.iter().zip(ABIS).rfind(|(_, abi)| *abi <= version);
        let (file, _) = chosen.with_context(|| format!("there is no wheel for Python {}.{}", version.0, version.1))?;
        python::install_wheel(programs, file)
    }

    /// Runs the tests on the installed wheel.
    pub(crate) fn test(&self, project: &Project) -> Result<()> {
        let programs = self.install(project)?;
        let mut tests = self.python(&programs);
        tests.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests"]);
        tests.env("BLINDTALLY_VERSION", &project.core_version);
        process::run(tests.env("HYPOTHESIS_STORAGE_DIRECTORY", project.target.join("hypothesis")))
    }

    /// Runs the tests on a cluster of Spark's, on this machine.
    pub(crate) fn test_spark(&self, project: &Project) -> Result<()> {
        let programs = self.install_with_spark(project)?;
        let mut tests = self.python(&programs);
        process::run(tests.args(["-m", "pytest", "--quiet", "-p", "no:cacheprovider", "tests/test_spark.py"]))
    }

    /// Measures Spark with tokens beside Spark with words; a list of figures.
    pub(crate) fn bench_spark(&self, project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
        let programs = self.install_with_spark(project)?;
        let mut bench = self.python(&programs);
        bench::figures(bench.arg("bench/spark.py").args(only.into_iter().flat_map(|only| ["--only", only])), "Python")
    }

    fn install_with_spark(&self, project: &Project) -> Result<PathBuf> {
        if system::find_on_path("java").is_none() {
            system::install(&["default-jre-headless"], "Spark")?;
        }
        let programs = python::environment(project, "python-spark", &SPARK)?;
        self.install_into(&programs)?;
        Ok(programs)
    }

    /// What checks the test vectors with the installed wheel.
    pub(crate) fn vectors(&self, project: &Project) -> Result<Command> {
        let mut check = self.python(&self.install(project)?);
        check.arg("tests/test_vectors.py");
        Ok(check)
    }

    /// What prints the tokens of a file of values.
    pub(crate) fn tokens(&self, project: &Project) -> Result<Command> {
        let mut tokens = self.python(&self.install(project)?);
        tokens.arg("tests/tokens.py");
        Ok(tokens)
    }

    /// Compares the stubs with the native module, and checks them, the package and an example with mypy and pyright.
    pub(crate) fn types(&self, project: &Project) -> Result<()> {
        let programs = self.install(project)?;
        let mypy = |module, arguments: &[&str]| {
            let mut mypy = self.python(&programs);
            mypy.args(["-m", module]).args(arguments).env("MYPY_CACHE_DIR", project.target.join("mypy"));
            process::run(&mut mypy)
        };
        let stubtest = [
            "--allowlist",
            "tests/stubtest.txt",
            "--ignore-disjoint-bases",
            "--concise",
            "blindtally",
            "--mypy-config-file",
            "pyproject.toml",
        ];
        mypy("mypy.stubtest", &stubtest)?;
        mypy("mypy", &["--strict", "python/blindtally"])?;
        mypy("mypy", &["--strict", "tests/typing_example.py"])?;
        // It asks the python of PATH for its packages.
        let mut folders = vec![programs.clone()];
        folders.extend(std::env::split_paths(Node::find(project)?.path()));
        let path = std::env::join_paths(folders).context("PATH cannot be extended")?;
        for arguments in [["--verifytypes", "blindtally", "--ignoreexternal"].as_slice(), &["tests/typing_example.py"]]
        {
            let mut pyright = self.python(&programs);
            pyright.args(["-m", "pyright"]).args(arguments).env("PATH", &path);
            process::run(pyright.env("PYRIGHT_PYTHON_CACHE_DIR", project.target.join("pyright")))?;
        }
        Ok(())
    }

    /// Runs what the READMEs show, each as a program of its own.
    pub(crate) fn examples(&self, project: &Project) -> Result<()> {
        let programs = self.install(project)?;
        for readme in ["bindings/python/README.md", "README.md"] {
            process::run(self.python(&programs).arg("tests/readme.py").arg(project.root.join(readme)))?;
        }
        Ok(())
    }

    /// Installs a wheel, and nothing else, for the oldest and the newest interpreter that this machine has, and runs a
    /// short program on each.
    pub(crate) fn smoke(&self, project: &Project) -> Result<()> {
        python::require("the Python package")?;
        let mut interpreters = python::interpreters();
        let [oldest, ..] = ABIS;
        interpreters.retain(|version, _| *version >= oldest);
        ensure!(!interpreters.is_empty(), "there is no python3.N on PATH, from 3.{} on", oldest.1);
        for ((major, minor), interpreter) in interpreters.pop_first().into_iter().chain(interpreters.pop_last()) {
            println!("  Python {major}.{minor}");
            let programs = python::environment_of(&interpreter, project, &format!("python-{major}.{minor}"), &[])?;
            self.install_into(&programs)?;
            process::run(self.python(&programs).arg("tests/smoke.py"))?;
        }
        Ok(())
    }

    /// Measures the package beside its peers; a list of figures.
    pub(crate) fn bench(&self, project: &Project, only: Option<&str>) -> Result<Vec<Value>> {
        let programs = python::environment(project, "python-bench", &MEASURED_WITH)?;
        let echo = self.folder.join("bench/echo");
        let abi = ["--no-default-features", "--features", "pyo3/abi3-py310"];
        let echo = build(project, &echo, &project.target.join("python-bench"), &abi, "blindtally_echo-")?;
        self.install_into(&programs)?;
        python::install_wheel(&programs, &echo)?;
        let mut benches = self.python(&programs);
        bench::figures(benches.arg("bench/run.py").args(only.into_iter().flat_map(|only| ["--only", only])), "Python")
    }

    /// The programs of the environment that the tests run in, with this wheel in it.
    fn install(&self, project: &Project) -> Result<PathBuf> {
        let programs = python::environment(project, "python-package", &TESTED_WITH)?;
        self.install_into(&programs)?;
        Ok(programs)
    }

    /// Python in the folder of the sources, which hold the package too, but not where it would be imported from.
    fn python(&self, programs: &Path) -> Command {
        let mut python = Command::new(programs.join("python"));
        python.current_dir(&self.folder).env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH");
        python
    }
}

/// Compiles the crate in `folder` (release) and returns its wheel in `packages`, whose name must begin with `expected`.
fn build(project: &Project, folder: &Path, packages: &Path, options: &[&str], expected: &str) -> Result<PathBuf> {
    let tools = python::environment(project, "maturin", &TOOLS)?;
    let mut maturin = Command::new(tools.join("maturin"));
    // PyO3 and what stands on it are compiled anew for each ABI, all else is there.
    cargo::prepare(&mut maturin, project);
    maturin.args(["build", "--release", "--quiet", "--interpreter"]).arg(tools.join("python"));
    process::run(maturin.args(options).arg("--out").arg(packages).current_dir(folder).stdout(stderr()))?;
    let made = wheels(packages, expected)?.pop();
    made.with_context(|| format!("{} holds no wheel {expected}*", packages.display()))
}

fn prefix(project: &Project) -> String {
    format!("blindtally-{}", project.core_version)
}

/// The wheels in a folder whose names begin so.
fn wheels(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut files = list(folder)?;
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(prefix) && name.ends_with(".whl")
    });
    Ok(files)
}
