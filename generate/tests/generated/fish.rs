//! fish: it completes a line that it is given.

use crate::{file, has, judge, lines, playground, shell, trials};

fn complete(line: &str) -> Vec<String> {
    let playground = playground();
    let mut fish = shell("fish", &playground);
    fish.args(["--no-config", "-c", "source $argv[1]; complete -C $argv[2]"]);
    lines(fish.arg(file("readyup.fish")).arg(line))
}

/// The words without their descriptions; of `--pid=parent` what is behind the `=`.
fn words(offered: &[String]) -> Vec<String> {
    let word = |line: &String| line.split('\t').next().unwrap_or_default().to_owned();
    offered.iter().map(word).map(|word| word.rsplit('=').next().map_or(word.clone(), str::to_owned)).collect()
}

#[test]
fn ok_offers_what_fits() {
    if has("fish") {
        for (line, wanted, unwanted) in trials() {
            judge(line, &words(&complete(line)), wanted, unwanted);
        }
    }
}

#[test]
fn ok_says_what_it_is() {
    if has("fish") {
        assert_eq!(complete("readyup notify --no-b"), ["--no-block\tDon't wait until the manager has read it"]);
    }
}
