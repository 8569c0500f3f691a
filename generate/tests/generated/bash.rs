//! bash: the function is called as readline calls it.

use crate::{file, has, judge, lines, playground, shell, trials};

/// The words are taken apart by bash itself, at the characters at which readline does.
const DRIVER: &str = r#"
[[ $2 && -r /usr/share/bash-completion/bash_completion ]] && . /usr/share/bash-completion/bash_completion
. "$1"
COMP_LINE=$3 COMP_POINT=${#3}
COMP_WORDS=()
word=''
quote=''
for ((at = 0; at < ${#COMP_LINE}; at++)); do
    letter=${COMP_LINE:at:1}
    if [[ $letter == \\ ]]; then
        ((at++))
        word+=$letter${COMP_LINE:at:1}
    elif [[ $quote || $letter == \' ]]; then
        word+=$letter
        [[ $letter == \' ]] && { [[ $quote ]] && quote='' || quote=1; }
    elif [[ $letter == ' ' ]]; then
        [[ $word ]] && COMP_WORDS+=("$word")
        word=''
    elif [[ $letter == [=:] && ${BREAKS-=:} ]]; then
        [[ $word ]] && COMP_WORDS+=("$word")
        COMP_WORDS+=("$letter")
        word=''
    else
        word+=$letter
    fi
done
# The word at the cursor, which may be empty, unless a = or : is at the end.
[[ ! $word && $letter == [=:] && ${BREAKS-=:} ]] || COMP_WORDS+=("$word")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
[[ ${BREAKS-=:} ]] || COMP_WORDBREAKS=${COMP_WORDBREAKS//[=:]}
# What asks for readline's services can't have them here.
compopt() { COMPOPT+=" $*"; }
complete -p readyup >/dev/null || exit 1
_readyup readyup "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
[[ $COMPOPT == *default* ]] && COMPREPLY+=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
printf '%s\n' "${COMPREPLY[@]}"
"#;

fn complete(line: &str, with_library: bool) -> Vec<String> {
    let playground = playground();
    let mut bash = shell("bash", &playground);
    bash.args(["--norc", "--noprofile", "-c", DRIVER, "bash"]).arg(file("readyup.bash"));
    lines(bash.arg(if with_library { "1" } else { "" }).arg(line))
}

#[test]
fn ok_offers_what_fits() {
    if has("bash") {
        for (line, wanted, unwanted) in trials() {
            // Where bash-completion is not installed it does by itself.
            for with_library in [true, false] {
                judge(line, &complete(line, with_library), wanted, unwanted);
            }
        }
    }
}

#[test]
fn ok_values_where_words_are_not_taken_apart() {
    if has("bash") {
        let playground = playground();
        let mut bash = shell("bash", &playground);
        bash.env("BREAKS", "").args(["--norc", "--noprofile", "-c", DRIVER, "bash"]).arg(file("readyup.bash"));
        let offered = lines(bash.arg("").arg("readyup notify --pid=pa"));
        assert_eq!(offered, ["--pid=parent"]);
    }
}
