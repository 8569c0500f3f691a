# Completions of readyup for bash. Made by `make generate`: don't edit.

_readyup() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]}
    local verbs='notify ready status reloading stopping watchdog barrier trace check' options='' prefix='' option=''
    COMPREPLY=()

    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$verbs help -h --help -V --version" -- "$cur")
        return
    fi
    case $verb in
        help)
            ((COMP_CWORD == 2)) && mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
            return
            ;;
        notify)
            options='--ready --reloading --stopping --status= --pid --pid= --uid= --fd= --fdname= --no-block --exec --fork --booted --timeout= --require --json -q --quiet -h --help --version'
            ;;
        ready | status | reloading | stopping | watchdog)
            options='--ready --reloading --stopping --status= --pid --pid= --uid= --fd= --fdname= --no-block --exec --timeout= --require -q --quiet -h --help --version'
            ;;
        barrier)
            options='--timeout= --require -q --quiet -h --help --version'
            ;;
        trace)
            options='--json -o --output= --notify-access= -h --help'
            ;;
        check)
            options='--unit= --start-timeout= --stop-timeout= --for= --watchdog= --reload --break-config= --port= --stall-check= --socket= --env= --notify-access= --fd-store= --systemd= --abstract --json --junit= --plot= --explain= -h --help'
            ;;
        *) return ;;
    esac

    # Where the name of a program is, and whether there may be options before the cursor's word.
    local i=2 program=0 may_be_option=1 runs='' becomes='' word
    case $verb in trace | check) runs=1 ;; esac
    while ((i < COMP_CWORD)); do
        word=${COMP_WORDS[i]}
        if [[ $may_be_option && $word == -- ]]; then
            may_be_option=''
            # Behind it is the program, or else there are arguments that only look like options.
            [[ $runs ]] && program=$((i + 1)) && break
        elif [[ $may_be_option && $word == -?* ]]; then
            case $word in
                --fork) runs=1 ;;
                --exec) becomes=1 ;;
                --break-config | --env | --explain | --fd | --fd-store | --fdname | --for | --junit | --notify-access | -o | --output | --plot | --port | --socket | --stall-check | --start-timeout | --status | --stop-timeout | --systemd | --timeout | --uid | --unit | --watchdog) [[ ${COMP_WORDS[i + 1]} == = ]] || ((i++)) ;;
            esac
        elif [[ $runs ]]; then
            program=$i
            break
        elif [[ $becomes && ($word == '\;' || $word == "';'" || $word == '";"') ]]; then
            program=$((i + 1))
            ((program < COMP_CWORD)) && [[ ${COMP_WORDS[program]} == -- ]] && ((program++))
            break
        fi
        ((i++))
        # What bash takes apart at = and : is one argument to us.
        while ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i]} == [=:]* ]]; do ((i += 2)); done
    done

    # The value of an option, behind a = or as the next argument.
    if ((program == 0)) && [[ $may_be_option ]]; then
        if [[ $cur == = && $prev == --?* ]]; then
            option=$prev cur=''
        elif [[ $prev == = && ${COMP_WORDS[COMP_CWORD - 2]} == --?* ]]; then
            option=${COMP_WORDS[COMP_CWORD - 2]}
        elif [[ $cur == --?*=* ]]; then
            # Only where = has been taken out of COMP_WORDBREAKS, and then it is replaced as well.
            option=${cur%%=*} prefix=${cur%%=*}= cur=${cur#*=}
        else
            case $prev in --break-config | --env | --explain | --fd | --fd-store | --fdname | --for | --junit | --notify-access | -o | --output | --plot | --port | --socket | --stall-check | --start-timeout | --status | --stop-timeout | --systemd | --timeout | --uid | --unit | --watchdog) option=$prev ;; esac
        fi
    fi
    case $option in
        '') ;;
        --junit) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -P "$prefix" -- "$cur") ;;
        --notify-access) mapfile -t COMPREPLY < <(compgen -W 'none main exec all' -P "$prefix" -- "$cur") ;;
        -o | --output) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -P "$prefix" -- "$cur") ;;
        --pid) mapfile -t COMPREPLY < <(compgen -W 'auto parent self' -P "$prefix" -- "$cur") ;;
        --plot) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -P "$prefix" -- "$cur") ;;
        --uid) mapfile -t COMPREPLY < <(compgen -u -P "$prefix" -- "$cur") ;;
        --unit) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -P "$prefix" -- "$cur") ;;
    esac
    [[ $option ]] && return

    if ((program == 0)) && [[ $runs && ! ($may_be_option && $cur == -*) ]]; then
        program=$COMP_CWORD
    fi
    if ((program > 0)); then
        # The program and its arguments, as if they stood alone.
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$program"
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$program"
        elif ((program == COMP_CWORD)); then
            mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        else
            compopt -o default 2>/dev/null
        fi
    elif [[ $may_be_option && ($cur == '' || $cur == -*) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    fi
}

complete -F _readyup readyup
