//! zsh: a second one behind a terminal, which tells what it offers instead of showing it.

use crate::{file, has, judge, lines, playground, shell, trials};

/// What the second shell reads first: functions of ours take the place of those that would show a menu.
const SETUP: &str = r#"
PROMPT= RPROMPT= LISTMAX=0
stty -echo
fpath=($COMPLETIONS $fpath)
autoload -Uz compinit
compinit -u -D
bindkey -e
# What is offered goes through compadd. With -O, -A or -D nothing is offered yet; with -O it tells what would match.
compadd() {
    typeset -a offered
    if [[ " ${@[1,(i)(-|--)]} " != *' -'[a-zA-Z]#[OAD]' '* ]]; then
        builtin compadd -O offered "$@"
        (( $#offered )) && print -rl -- "<"${^offered}">" >> $OFFERED
    fi
    builtin compadd "$@"
}
tell() {
    zle complete-word
    print end >> $OFFERED
    BUFFER=
    print told
}
zle -N tell
bindkey '^X^T' tell
print loaded: ${_comps[readyup]:-none}.
"#;

/// The first shell, which types the lines that it is given.
const DRIVER: &str = r#"
zmodload zsh/zpty || exit 1
read_until() {
    local part
    seen=''
    while zpty -r shell part; do
        seen+=$part
        [[ $seen == *$1* ]] && return
    done
    print -u2 "the shell ended: $seen"
    exit 1
}
zpty shell zsh -f -i
zpty -w shell ". $1"
read_until loaded:
[[ $seen == *_readyup.* ]] || read_until _readyup.
shift
for line in "$@"; do
    print -r -- "= $line" >> $OFFERED
    zpty -w -n shell $line$'\x18\x14'
    read_until told
done
zpty -d shell
cat $OFFERED
"#;

#[test]
fn ok_offers_what_fits() {
    if !has("zsh") {
        return;
    }
    let playground = playground();
    let setup = playground.path().join("setup");
    std::fs::write(&setup, SETUP).unwrap();
    let mut zsh = shell("zsh", &playground);
    zsh.env("OFFERED", playground.path().join("offered")).env("COMPLETIONS", file("_readyup").parent().unwrap());
    zsh.args(["-f", "-c", DRIVER, "zsh"]).arg(setup);
    let found = lines(zsh.args(trials().iter().map(|(line, ..)| line)));
    let found = found.join("\n") + "\n";
    for (line, wanted, unwanted) in trials() {
        let (_, rest) = found.split_once(&format!("= {line}\n")).expect("each line is answered");
        let (answer, _) = rest.split_once("end\n").expect("each answer has an end");
        let words: Vec<String> =
            answer.lines().filter_map(|line| line.strip_prefix('<')?.strip_suffix('>')).map(str::to_owned).collect();
        judge(line, &words, wanted, unwanted);
    }
}
