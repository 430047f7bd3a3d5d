//! The Kotlin package: its jar, and what is tested and measured of it, always as `package` ships it.
//!
//! Compiled with the Kotlin compiler of npm, and tested with Debian's JNA and JUnit: what Gradle does with the same sources
//! needs Maven Central.

use std::ffi::OsString;
use std::fs;
use std::io::stderr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::node::{Node, is_current, list};
use crate::project::Project;
use crate::{bench, ffi, process, system, vectors};

/// The compiler, which brings the standard library too.
const COMPILER: &str = "kotlin-compiler";
const COMPILER_VERSION: &str = "2.4.20";
/// Where Debian keeps jars.
const JARS: &str = "/usr/share/java";
const JNA: &str = "jna.jar";
/// JUnit 5 and what its console needs.
const JUNIT: [&str; 11] = [
    "apiguardian-api.jar",
    "junit-jupiter-api.jar",
    "junit-jupiter-engine.jar",
    "junit-platform-commons.jar",
    "junit-platform-console.jar",
    "junit-platform-engine.jar",
    "junit-platform-launcher.jar",
    "junit-platform-reporting.jar",
    "opentest4j-reporting-events.jar",
    "opentest4j.jar",
    "picocli.jar",
];
/// The JVM that is compiled for.
const JVM: &str = "11";

/// The jar that is there.
pub(crate) struct Kotlin {
    tools: Tools,
    /// Where its sources are.
    folder: PathBuf,
    root: PathBuf,
    jar: PathBuf,
    sources_jar: PathBuf,
}

impl Kotlin {
    /// `target/package/blindtally-jvm-VERSION.jar` with the library of this kind of machine, and the sources, made anew if
    /// anything that they are made from has changed.
    pub(crate) fn find_or_build(project: &Project) -> Result<Self> {
        let tools = Tools::find(project)?;
        let (folder, packages) = (project.root.join("bindings/ffi/kotlin"), project.target.join("package"));
        let name = format!("blindtally-jvm-{}", project.core_version);
        let package = Self {
            tools,
            root: project.root.clone(),
            jar: packages.join(format!("{name}.jar")),
            sources_jar: packages.join(format!("{name}-sources.jar")),
            folder,
        };
        let library = ffi::build(project)?.join(ffi::shared_library());
        let classes = package.compile()?;
        let licences = ["LICENSE-APACHE", "LICENSE-MIT"].map(|name| project.root.join(name));
        let mut made_from = vec![library.clone(), package.folder.join("src/main")];
        made_from.extend(classes.iter().map(|folder| stamp_of(folder)));
        made_from.extend_from_slice(&licences);
        if !is_current(&package.jar, &made_from) || !is_current(&package.sources_jar, &made_from) {
            fs::create_dir_all(&packages)?;
            package.pack(project, &library, &classes, &licences)?;
        }
        Ok(package)
    }

    pub(crate) fn files(self) -> Vec<PathBuf> {
        vec![self.jar, self.sources_jar]
    }

    /// The classes of the generated source, which take long and change seldom, and of those beside it.
    fn compile(&self) -> Result<[PathBuf; 2]> {
        let sources = self.folder.join("src/main/kotlin/io/blindtally");
        let (generated, own): (Vec<_>, Vec<_>) =
            list(&sources)?.into_iter().partition(|file| file.file_name().is_some_and(|name| name == "blindtally.kt"));
        let options = ["-nowarn", "-module-name", "blindtally-generated"];
        let generated = self.tools.kotlinc("generated", &generated, &[], &options)?;
        let options = ["-Werror", "-Xexplicit-api=strict", "-module-name", "blindtally"];
        let own = self.tools.kotlinc("package", &own, std::slice::from_ref(&generated), &options)?;
        Ok([generated, own])
    }

    fn pack(&self, project: &Project, library: &Path, classes: &[PathBuf], licences: &[PathBuf]) -> Result<()> {
        let version = &project.core_version;
        let gradle =
            fs::read_to_string(self.folder.join("gradle.properties")).context("cannot read gradle.properties")?;
        ensure!(gradle.lines().any(|line| line == format!("version={version}")), "gradle.properties: not {version}");
        let resources = fresh(&self.tools.work.join("resources"))?;
        let maven = "META-INF/maven/io.blindtally/blindtally-jvm";
        let copies = [(library.to_owned(), PathBuf::from(jna_platform()?).join(ffi::shared_library()))];
        let licences =
            licences.iter().filter_map(|file| Some((file.clone(), Path::new("META-INF").join(file.file_name()?))));
        for (from, to) in copies.into_iter().chain(licences) {
            let to = resources.join(to);
            fs::create_dir_all(to.parent().context("a file without a folder")?)?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        fs::create_dir_all(resources.join(maven))?;
        fs::write(resources.join(maven).join("pom.xml"), pom(version))?;
        let properties = format!("groupId=io.blindtally\nartifactId=blindtally-jvm\nversion={version}\n");
        fs::write(resources.join(maven).join("pom.properties"), properties)?;
        let manifest = self.tools.work.join("manifest.txt");
        fs::write(&manifest, format!("Automatic-Module-Name: io.blindtally\nImplementation-Version: {version}\n"))?;

        let mut sources = Command::new("jar");
        sources.args(["--create", "--file"]).arg(&self.sources_jar);
        process::run(sources.arg("-C").arg(self.folder.join("src/main/kotlin")).arg(".").stdout(stderr()))?;
        let mut jar = Command::new("jar");
        jar.args(["--create", "--file"]).arg(&self.jar).arg("--manifest").arg(manifest);
        for folder in classes.iter().chain([&resources]) {
            jar.arg("-C").arg(folder).arg(".");
        }
        process::run(jar.stdout(stderr()))
    }

    /// Runs the tests, in Kotlin and in Java, with the jar.
    pub(crate) fn test(&self) -> Result<()> {
        let kotlin = self.tests()?;
        let java = self.folder.join("src/test/java/io/blindtally/example");
        let java = self.tools.javac("java-tests", &list(&java)?, &self.class_path(&self.tools.junit()))?;
        let mut class_path = self.class_path(&self.tools.junit());
        class_path.extend([kotlin.clone(), java.clone()]);
        let mut tests = self.java(&class_path)?;
        tests.arg(property("blindtally.root", &self.root)).arg("-Djunit.jupiter.execution.timeout.default=120s");
        tests.args(["org.junit.platform.console.ConsoleLauncher", "--disable-banner", "--disable-ansi-colors"]);
        tests.args(["--fail-if-no-tests", "--details=summary"]);
        for folder in [kotlin, java] {
            tests.arg("--scan-classpath").arg(folder);
        }
        process::run(&mut tests)
    }

    /// The classes of the tests, of the driver and of the program of tokens.
    fn tests(&self) -> Result<PathBuf> {
        let sources = list(&self.folder.join("src/test/kotlin/io/blindtally"))?;
        let class_path = self.class_path(&self.tools.junit());
        self.tools.kotlinc("tests", &sources, &class_path, &["-module-name", "tests"])
    }

    /// Runs what README.md shows, in Kotlin and in Java, each as one program.
    pub(crate) fn examples(&self) -> Result<()> {
        let readme = fs::read_to_string(self.folder.join("README.md")).context("cannot read README.md")?;
        let sources = fresh(&self.tools.work.join("readme"))?;
        let (imports, code) = shown(&readme, "kotlin")?;
        let kotlin = sources.join("Readme.kt");
        fs::write(&kotlin, format!("package readme\n{imports}\nfun main() {{\n{code}}}\n"))?;
        let (imports, code) = shown(&readme, "java")?;
        let java = sources.join("Readme.java");
        let main = "public static void main(String[] arguments) throws Exception";
        fs::write(&java, format!("{imports}\npublic class Readme {{ {main} {{\n{code}}} }}\n"))?;
        let class_path = self.class_path(&[]);
        let kotlin = self.tools.kotlinc("readme-kotlin", &[kotlin], &class_path, &["-module-name", "readme"])?;
        let java = self.tools.javac("readme-java", &[java], &class_path)?;
        for (folder, main) in [(kotlin, "readme.ReadmeKt"), (java, "Readme")] {
            let mut class_path = class_path.clone();
            class_path.push(folder);
            process::run(self.java(&class_path)?.arg("-enableassertions").arg(main))?;
        }
        Ok(())
    }

    /// What checks the test vectors with the jar.
    pub(crate) fn vectors(&self, project: &Project) -> Result<Command> {
        vectors::driven(project, "kotlin", &self.test_program("io.blindtally.DriverKt")?)
    }

    /// What prints the tokens of a file of bindings/vectors/tokens.py, which is its argument.
    pub(crate) fn tokens(&self) -> Result<Command> {
        self.test_program("io.blindtally.Tokens")
    }

    fn test_program(&self, main: &str) -> Result<Command> {
        let mut class_path = self.class_path(&[]);
        class_path.push(self.tests()?);
        let mut java = self.java(&class_path)?;
        java.arg(main);
        Ok(java)
    }

    /// Measures one call for many values beside one for each; a list of figures.
    pub(crate) fn bench(&self, only: Option<&str>) -> Result<Vec<Value>> {
        let mut class_path = self.class_path(&[]);
        let sources = list(&self.folder.join("bench"))?;
        class_path.push(self.tools.kotlinc("bench", &sources, &class_path, &["-module-name", "bench"])?);
        let mut bench = self.java(&class_path)?;
        bench.arg("io.blindtally.bench.BenchKt").arg(self.root.join("tests/keys"));
        bench.args(only.into_iter().flat_map(|only| ["--only", only]));
        bench::figures(&mut bench, "Kotlin")
    }

    /// What a program needs that uses the jar, and further jars.
    fn class_path(&self, further: &[PathBuf]) -> Vec<PathBuf> {
        let own = [self.jar.clone(), self.tools.library("kotlin-stdlib.jar"), Path::new(JARS).join(JNA)];
        own.into_iter().chain(further.iter().cloned()).collect()
    }

    fn java(&self, class_path: &[PathBuf]) -> Result<Command> {
        let mut java = Command::new("java");
        java.arg("-classpath").arg(joined(class_path)?).arg(property("java.io.tmpdir", &self.tools.work));
        // Cargo's own leads to a library of the other profile, which JNA would take before the one in the jar.
        java.env_remove("LD_LIBRARY_PATH");
        Ok(java)
    }
}

/// The compilers, and the folder that they write to.
struct Tools {
    compiler: PathBuf,
    work: PathBuf,
}

impl Tools {
    /// Finds them, or gets them: the JDK and the jars from Debian, the Kotlin compiler from npm.
    fn find(project: &Project) -> Result<Self> {
        let mut missing = Vec::new();
        if ["java", "javac", "jar"].iter().any(|program| system::find_on_path(program).is_none()) {
            missing.push("default-jdk-headless");
        }
        let is_there = |jar: &str| Path::new(JARS).join(jar).is_file();
        if !is_there(JNA) {
            missing.push("libjna-java");
        }
        if !JUNIT.iter().all(|jar| is_there(jar)) {
            missing.push("junit5");
        }
        if !missing.is_empty() {
            system::install(&missing, "the Kotlin package")?;
        }
        let folder = project.target.join(COMPILER).join(COMPILER_VERSION);
        let compiler = folder.join("node_modules").join(COMPILER);
        if !compiler.join("lib/kotlin-compiler.jar").is_file() {
            let package = format!("{COMPILER}@{COMPILER_VERSION}");
            eprintln!("Installing {package} (npm) under {}", folder.display());
            fs::create_dir_all(&folder)?;
            let mut npm = Node::find(project)?.command("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"]);
            process::run(npm.arg(&folder).arg(package).stdout(stderr()))?;
        }
        let work = project.target.join("kotlin");
        fs::create_dir_all(&work)?;
        Ok(Self { compiler, work })
    }

    /// A jar that the compiler brings.
    fn library(&self, name: &str) -> PathBuf {
        self.compiler.join("lib").join(name)
    }

    fn junit(&self) -> Vec<PathBuf> {
        let kotlin = ["kotlin-test.jar", "kotlin-test-junit5.jar"].map(|name| self.library(name));
        JUNIT.iter().map(|name| Path::new(JARS).join(name)).chain(kotlin).collect()
    }

    /// Compiles Kotlin into the folder of that name, if anything has changed.
    fn kotlinc(&self, name: &str, sources: &[PathBuf], class_path: &[PathBuf], options: &[&str]) -> Result<PathBuf> {
        self.compiled(name, sources, class_path, |out| {
            let mut class_path = class_path.to_vec();
            class_path.push(Path::new(JARS).join(JNA));
            // The script lost its mode in the archive.
            let mut kotlinc = Command::new("bash");
            kotlinc.arg(self.compiler.join("bin/kotlinc")).args(options).env("JAVA_OPTS", "-Xmx1g");
            kotlinc.args(["-jvm-target", JVM, &format!("-Xjdk-release={JVM}")]);
            kotlinc.arg("-classpath").arg(joined(&class_path)?).args(sources).arg("-d").arg(out);
            Ok(kotlinc)
        })
    }

    /// Compiles Java into the folder of that name, if anything has changed.
    fn javac(&self, name: &str, sources: &[PathBuf], class_path: &[PathBuf]) -> Result<PathBuf> {
        self.compiled(name, sources, class_path, |out| {
            let mut javac = Command::new("javac");
            javac.args(["--release", JVM, "-Werror", "-classpath"]).arg(joined(class_path)?);
            javac.arg("-d").arg(out).args(sources);
            Ok(javac)
        })
    }

    fn compiled(
        &self,
        name: &str,
        sources: &[PathBuf],
        class_path: &[PathBuf],
        compiler: impl FnOnce(&Path) -> Result<Command>,
    ) -> Result<PathBuf> {
        let out = self.work.join(name);
        let stamp = stamp_of(&out);
        // Of the folders that were compiled before, the stamps: what is in them has times of its own.
        let before = class_path.iter().map(|path| if path.is_dir() { stamp_of(path) } else { path.clone() });
        let from: Vec<_> = sources.iter().cloned().chain(before).collect();
        if !is_current(&stamp, &from) {
            fresh(&out)?;
            process::run(compiler(&out)?.stdout(stderr()))?;
            fs::write(&stamp, "")?;
        }
        Ok(out)
    }
}

/// Says by its time when the folder was filled.
fn stamp_of(folder: &Path) -> PathBuf {
    folder.with_extension("stamp")
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

fn joined(class_path: &[PathBuf]) -> Result<OsString> {
    std::env::join_paths(class_path).context("a path of the classes has a colon")
}

fn property(name: &str, value: &Path) -> OsString {
    let mut property = OsString::from(format!("-D{name}="));
    property.push(value);
    property
}

/// Where JNA looks in a jar for the library of this kind of machine.
fn jna_platform() -> Result<String> {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "linux" => "linux",
        other => anyhow::bail!("nobody has said what JNA calls {other}"),
    };
    Ok(format!("{system}-{}", std::env::consts::ARCH.replace('_', "-")))
}

/// The imports and the other lines of all blocks in a language.
fn shown(readme: &str, language: &str) -> Result<(String, String)> {
    let (mut imports, mut code, mut inside) = (String::new(), String::new(), false);
    let begin = format!("```{language}");
    for line in readme.lines() {
        match line {
            "```" => inside = false,
            _ if line == begin => inside = true,
            _ if inside => {
                let text = if line.starts_with("import ") { &mut imports } else { &mut code };
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    ensure!(!code.is_empty(), "README.md shows nothing in {language}");
    Ok((imports, code))
}

fn pom(version: &str) -> String {
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>io.blindtally</groupId>
  <artifactId>blindtally-jvm</artifactId>
  <version>{version}</version>
  <name>blindtally</name>
  <description>End-to-end encryption for activity data that a blind service can still count, group and sort</description>
  <licenses>
    <license>
      <name>MIT OR Apache-2.0</name>
      <distribution>repo</distribution>
    </license>
  </licenses>
  <dependencies>
    <dependency>
      <groupId>net.java.dev.jna</groupId>
      <artifactId>jna</artifactId>
      <version>5.13.0</version>
    </dependency>
    <dependency>
      <groupId>org.jetbrains.kotlin</groupId>
      <artifactId>kotlin-stdlib</artifactId>
      <version>{COMPILER_VERSION}</version>
    </dependency>
  </dependencies>
</project>
"#
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn blocks_of_one_language_become_one_program() {
        let readme = "text\n```kotlin\nimport a.*\n\nb()\n```\n```java\nc();\n```\n```kotlin\nd()\n```\n";
        assert_eq!(shown(readme, "kotlin").unwrap(), ("import a.*\n".to_owned(), "\nb()\nd()\n".to_owned()));
        assert!(shown(readme, "ruby").is_err());
    }
}
