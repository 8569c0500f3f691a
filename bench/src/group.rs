//! What a group of benchmarks is, and how one is measured.

use crate::groups;
use crate::machine;
use crate::result::{GroupResult, Table};
use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many rounds there are at least.
const SOME: usize = 8;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// One group: a question, and the tables that answer it.
pub(crate) trait Group {
    /// Its name on the command line and in the results.
    fn id(&self) -> &'static str;

    /// The question, as a heading.
    fn title(&self) -> &'static str;

    /// Why it cannot be measured here at all, if it cannot.
    fn missing(&self) -> Option<String> {
        None
    }

    fn run(&self, bench: &Bench) -> Result<Vec<Table>>;
}

/// How a run is to be.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) quick: bool,
    /// The workspace's root: what is ours is in there.
    pub(crate) root: PathBuf,
    /// Where peers are installed, and everything else that is made on the way.
    pub(crate) target: PathBuf,
}

impl Bench {
    /// As `bench/run` asks for it.
    pub(crate) fn from_env() -> Result<Self> {
        let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).ok_or("CARGO_TARGET_DIR is not set")?;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        Ok(Self { quick: env::var_os("BENCH_QUICK").is_some(), root, target: target.canonicalize()? })
    }

    /// So many in a whole run, and so many in a quick one.
    pub(crate) fn rounds(&self, whole: usize, quick: usize) -> usize {
        if self.quick { quick } else { whole }
    }

    /// How long such rounds may take, on a machine that has something else to do as well.
    pub(crate) fn limit(&self, whole: u64, quick: u64) -> Duration {
        Duration::from_secs(if self.quick { quick } else { whole })
    }

    /// One of the static commands.
    pub(crate) fn command(&self, name: &str) -> PathBuf {
        self.root.join("target/static").join(name)
    }

    pub(crate) fn script(&self, name: &str) -> PathBuf {
        self.root.join("bench/node").join(name)
    }

    pub(crate) fn peers(&self) -> PathBuf {
        self.target.join("peers")
    }
}

/// Measures the group called `id`, and leaves its result in `directory`.
pub(crate) fn measure(id: &str, bench: &Bench, directory: &Path) -> Result<()> {
    let all = groups::all();
    let group = all.iter().find(|group| group.id() == id).ok_or_else(|| format!("there is no group {id}"))?;
    let (before, start) = (machine::load(), Instant::now());
    let outcome = match group.missing() {
        Some(reason) => Err(reason.into()),
        None => group.run(bench),
    };
    let (tables, left_out) = match outcome {
        Ok(tables) => (tables, None),
        Err(error) => {
            eprintln!("bench: {id}: left out: {error}");
            (Vec::new(), Some(error.to_string()))
        }
    };
    let result = GroupResult {
        id: id.to_owned(),
        title: group.title().to_owned(),
        seconds: start.elapsed().as_secs_f64(),
        load: [before, machine::load()],
        left_out,
        tables,
    };
    fs::create_dir_all(directory)?;
    fs::write(directory.join(format!("{id}.json")), serde_json::to_string(&result)?)?;
    Ok(())
}

/// Rounds in which each of `count` takes its turn, in another order each time, so that nobody always follows the same one.
/// `take` is told who and in which round. On a machine that is busy there are fewer of them: none begins after `limit`, once
/// there were some.
pub(crate) fn interleave(
    rounds: usize,
    limit: Duration,
    count: usize,
    mut take: impl FnMut(usize, usize) -> Result<()>,
) -> Result<()> {
    let mut order: Vec<usize> = (0..count).collect();
    // The same orders in each run; any will do.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let start = Instant::now();
    for round in 0..rounds {
        if round >= SOME && start.elapsed() > limit {
            break;
        }
        for place in (1..count).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            order.swap(place, (state % (place as u64 + 1)) as usize);
        }
        for who in &order {
            take(*who, round)?;
        }
    }
    Ok(())
}
