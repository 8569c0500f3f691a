#compdef readyup
# Completions of readyup for zsh. Made by `make generate`: don't edit.

_readyup() {
    local curcontext=$curcontext state line ret=1
    typeset -A opt_args
    _arguments -C \
        @OWN_OPTIONS@ \
        '1: :->verb' '*:: :->rest' && ret=0
    case $state in
        verb) _readyup_verbs && ret=0 ;;
        rest)
            curcontext="${curcontext%:*:*}:readyup-$words[1]:"
            case $words[1] in
                help) (( CURRENT == 2 )) && _readyup_verbs && ret=0 ;;
                @VERBS@
            esac
            ;;
    esac
    return ret
}

_readyup_verbs() {
    local -a verbs=(
        @NAMES@
    )
    _describe -t commands 'readyup command' verbs
}

# Options, and then a program with its arguments.
_readyup_runs() {
    _arguments -s -S "$@" '(-)1:program: _command_names -e' '*::argument: _normal'
}

# Options, with a program behind some of them.
_readyup_says() {
    local at=2 becomes
    for (( ; at < CURRENT; at++ )); do
        case $words[at] in
            --fork)
                _readyup_runs "$@"
                return
                ;;
            --exec) becomes=1 ;;
            '\;' | "';'" | '";"')
                [[ -n $becomes ]] || continue
                (( at + 1 < CURRENT )) && [[ $words[at+1] == -- ]] && (( at++ ))
                shift $at words
                (( CURRENT -= at ))
                _normal
                return
                ;;
        esac
    done
    _arguments -s -S "$@" '*:VARIABLE=VALUE: '
}

_readyup "$@"
