//! How a lab is to be.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::{PATH, find_program};
use crate::{Error, Root};

/// How a lab is to be: what it boots, and what it sees of the host.
///
/// ```no_run
/// use readyup_lab::{Lab, Options, Root};
///
/// let options = Options::new(Root::host()).name("reload").bind("/srv/build").with_program("node");
/// let lab = Lab::boot(&options)?;
/// # Ok::<(), readyup_lab::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) root: Root,
    pub(crate) name: String,
    pub(crate) boot_timeout: Duration,
    binds: Vec<Bind>,
    programs: Vec<String>,
}

#[derive(Clone, Debug)]
struct Bind {
    source: PathBuf,
    target: PathBuf,
    writable: bool,
}

impl Options {
    /// A lab called `lab` that boots `root` and sees nothing else of the host.
    pub fn new(root: Root) -> Self {
        Self {
            root,
            name: "lab".to_owned(),
            boot_timeout: Duration::from_secs(30),
            binds: Vec::new(),
            programs: Vec::new(),
        }
    }

    /// The lab's name: its host name, and part of the name of its cgroup. Several may share one.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long systemd may take to come up; 30 seconds unless told. It takes half of one.
    #[must_use]
    pub fn boot_timeout(mut self, timeout: Duration) -> Self {
        self.boot_timeout = timeout;
        self
    }

    /// Shows a file or directory of the host's, read-only, under the same path.
    #[must_use]
    pub fn bind(self, path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        self.bind_at(path.clone(), path)
    }

    /// Shows a file or directory of the host's, read-only, under another path.
    #[must_use]
    pub fn bind_at(self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        self.add(source.into(), target.into(), false)
    }

    /// Shows a file or directory of the host's that the lab may also write to. The only way by
    /// which a lab can change anything outside.
    #[must_use]
    pub fn bind_writable(self, source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        self.add(source.into(), target.into(), true)
    }

    /// Sees to it that a program found through `PATH` here, such as `node`, can be called by its
    /// name in the lab: unless it can be already, its file is shown as `/usr/local/bin/NAME`.
    ///
    /// Only that file is: shared libraries have to be in the root, and a script wants its
    /// interpreter there.
    #[must_use]
    pub fn with_program(mut self, name: impl Into<String>) -> Self {
        self.programs.push(name.into());
        self
    }

    fn add(mut self, source: PathBuf, target: PathBuf, writable: bool) -> Self {
        self.binds.push(Bind { source, target, writable });
        self
    }

    /// What `init.sh` takes: the root, the name, and three words for each bind mount.
    pub(crate) fn words(&self) -> Result<Vec<OsString>, Error> {
        check_name(&self.name)?;
        let root = self.root.path();
        let mut words = vec![real(root)?.into_os_string(), OsString::from(&self.name)];
        for bind in &self.binds {
            if !bind.target.is_absolute() {
                return Err(Error::Invalid(format!(
                    "{}: a path in the lab begins with a slash",
                    bind.target.display()
                )));
            }
            words.push(OsString::from(if bind.writable { "rw" } else { "ro" }));
            words.push(real(&bind.source)?.into_os_string());
            words.push(bind.target.clone().into_os_string());
        }
        for name in &self.programs {
            if callable(root, name) {
                continue;
            }
            let file = find_program(name, &env::var_os("PATH").unwrap_or_default());
            let Some(file) = file else {
                return Err(Error::Unavailable(format!(
                    "{name} is neither in the root nor found through PATH: install it"
                )));
            };
            words.push(OsString::from("ro"));
            words.push(file.into_os_string());
            words.push(OsString::from(format!("/usr/local/bin/{name}")));
        }
        Ok(words)
    }
}

/// The name becomes a host name and part of a file name.
fn check_name(name: &str) -> Result<(), Error> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| letter(byte) || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(Error::Invalid(format!("{name:?}: the name of a lab has 1 to 63 of a-z, 0-9 and, inside, `-`")))
}

/// The path without symbolic links: they would be followed from where the lab stands.
fn real(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(Error::io(path.display().to_string()))
}

/// Whether `name` can be called in a lab with this root. A link that leads nowhere from here may
/// lead somewhere from inside, so it counts.
fn callable(root: &Path, name: &str) -> bool {
    env::split_paths(PATH)
        .filter_map(|directory| Some(root.join(directory.strip_prefix("/").ok()?).join(name)))
        .any(|file| file.symlink_metadata().is_ok())
}
