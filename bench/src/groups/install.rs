//! Installing from npm, on a machine that can compile and on one that cannot.
//!
//! The packages come from npm's cache, which a first install fills, so that the network is not what is measured. The
//! machine that cannot compile is this one, with a PATH that leads to everything but compilers, make and Python.

use crate::group::{Bench, Group, Result};
use crate::node;
use crate::result::{Role, Series, Table, Unit};
use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

pub(crate) struct Install;

/// What a compiler's machine has and another one does not.
const TOOLS: [&str; 14] =
    ["cc", "gcc", "g++", "c++", "cpp", "c89", "c99", "clang", "clang++", "make", "gmake", "ld", "as", "pkg-config"];

/// One install.
struct Contender {
    id: &'static str,
    name: String,
    role: Role,
    /// What `npm install` is given, and what is required.
    wanted: String,
    required: &'static str,
    /// Whether its install script is left out, as many have it.
    ignores_scripts: bool,
}

impl Group for Install {
    fn id(&self) -> &'static str {
        "install"
    }

    fn title(&self) -> &'static str {
        "Installing from npm"
    }

    fn missing(&self) -> Option<String> {
        node::missing()
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>> {
        let place = bench.target.join("install");
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place)?;
        let (tarball, processors) = pack(bench, &place)?;
        let poor = path_without_tools(&place)?;
        let rich = env::var("PATH")?;
        let about = format!(
            "`npm install` (npm {}) into an empty project, with npm's defaults or with `--ignore-scripts`, its cache filled; \
             and whether `require()` works afterwards.",
            npm_version()?
        );
        let mut tables = Vec::new();
        for (id, title, path) in
            [("with", "Where there is a compiler", &rich), ("without", "Where there is no compiler", &poor)]
        {
            let contenders = contenders(&tarball, !bench.quick);
            let mut series = Vec::new();
            for contender in &contenders {
                let mut one = Series::new(contender.id, contender.name.as_str(), contender.role);
                // The first one fills the cache.
                let rounds = bench.rounds(3, 1) + usize::from(id == "with");
                let directory = place.join("project");
                for round in 0..rounds {
                    let time = install(bench, contender, &directory, path)?;
                    if round > 0 || id != "with" {
                        one.samples.push(Some(time));
                    }
                }
                let kilobytes = disk_usage(&directory.join("node_modules"))? as f64 / 1000.0;
                one.number("on disk, kB", kilobytes.round());
                if contender.role == Role::Ours {
                    one.number("download, kB", fs::metadata(&tarball)?.len() as f64 / 1000.0);
                    one.text("built for", processors.as_str());
                }
                one.text("`require()`", required(contender, &directory));
                one.version = version(contender, &directory);
                series.push(one);
            }
            tables.push(Table::new(id, title, Unit::Seconds, about.as_str(), &series));
        }
        fs::remove_dir_all(&place)?;
        Ok(tables)
    }
}

/// `all`: also without their install scripts.
fn contenders(tarball: &Path, all: bool) -> Vec<Contender> {
    let mut contenders = vec![Contender {
        id: "readyup",
        name: "readyup".to_owned(),
        role: Role::Ours,
        wanted: tarball.to_string_lossy().into_owned(),
        required: "readyup",
        ignores_scripts: false,
    }];
    let peers = [
        ("sd-notify", "sd-notify-without"),
        ("unix-dgram", "unix-dgram-without"),
        ("systemd-daemon", "systemd-daemon-without"),
    ];
    for (name, without) in peers {
        for ignores_scripts in [false, true].into_iter().filter(|ignores| all || !ignores) {
            contenders.push(Contender {
                id: if ignores_scripts { without } else { name },
                name: if ignores_scripts { format!("{name}, `--ignore-scripts`") } else { name.to_owned() },
                role: Role::Peer,
                wanted: name.to_owned(),
                required: name,
                ignores_scripts,
            });
        }
    }
    contenders
}

/// Our package as it is published, and for which processors its addons are.
fn pack(bench: &Bench, place: &Path) -> Result<(PathBuf, String)> {
    let package = bench.root.join("packages/readyup");
    let output = Command::new("npm")
        .args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
        .arg(place)
        .current_dir(&package)
        .output()?;
    let name = String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().trim().to_owned();
    if !output.status.success() || name.is_empty() {
        return Err(format!("npm pack failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let mut processors: Vec<String> = fs::read_dir(package.join("native"))?
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().strip_suffix(".node")?.to_owned()))
        .collect();
    processors.sort();
    Ok((place.join(name), processors.join(", ")))
}

/// Seconds of one install. It may fail: `require` will tell.
fn install(bench: &Bench, contender: &Contender, directory: &Path, path: &str) -> Result<f64> {
    let _ = fs::remove_dir_all(directory);
    fs::create_dir_all(directory)?;
    fs::write(directory.join("package.json"), "{ \"private\": true }")?;
    let start = Instant::now();
    npm(bench, path, directory)
        .args(["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error", contender.wanted.as_str()])
        .args(contender.ignores_scripts.then_some("--ignore-scripts"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .status()?;
    Ok(start.elapsed().as_secs_f64())
}

fn npm(bench: &Bench, path: &str, directory: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(directory).env("PATH", path).env("npm_config_cache", bench.target.join("npm-cache"));
    command
}

fn npm_version() -> Result<String> {
    let output = Command::new("npm").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What becomes of `require()`, in a word or two.
fn required(contender: &Contender, directory: &Path) -> String {
    // As a service under a manager would have it, so that whoever only looks there for its other half is asked for it.
    let script = format!(
        "const m = require({:?}); if (Object.keys(m).length === 0) throw new Error('nothing in it')",
        contender.required
    );
    let output = Command::new("node").args(["-e", &script]).current_dir(directory).output();
    match output {
        Ok(Output { status, stdout, .. }) if status.success() => {
            let said = String::from_utf8_lossy(&stdout);
            said.lines().next().map_or("works".to_owned(), |said| format!("says \"{said}\""))
        }
        Ok(Output { stderr, .. }) => {
            let said = String::from_utf8_lossy(&stderr);
            let error = said.lines().find(|line| line.contains("Error")).unwrap_or("fails").to_owned();
            format!("fails: {}", error.chars().take(60).collect::<String>().replace(['|', '\n'], " "))
        }
        Err(error) => error.to_string(),
    }
}

fn version(contender: &Contender, directory: &Path) -> String {
    let manifest = directory.join("node_modules").join(contender.required).join("package.json");
    let manifest: serde_json::Value =
        fs::read(manifest).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    manifest["version"].as_str().map_or(String::new(), |version| format!("{} {version}", contender.required))
}

/// A PATH with everything that there is but what compiles.
fn path_without_tools(place: &Path) -> Result<String> {
    let directory = place.join("bin");
    fs::create_dir_all(&directory)?;
    for source in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
        for entry in fs::read_dir(source).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let compiles = TOOLS.iter().any(|tool| name == *tool || name.ends_with(&format!("-{tool}")))
                || ["python", "pypy", "gcc-", "g++-", "clang"].iter().any(|start| name.starts_with(start));
            if !compiles && !directory.join(&name).exists() {
                let _ = symlink(entry.path(), directory.join(&name));
            }
        }
    }
    Ok(directory.to_string_lossy().into_owned())
}

/// The bytes of all files below a directory.
fn disk_usage(directory: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let entry = entry?;
        let metadata = entry.path().symlink_metadata()?;
        sum += if metadata.is_dir() { disk_usage(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}
