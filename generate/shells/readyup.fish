# Completions of readyup for fish. Made by `make generate`: don't edit.

# Whether the word at the cursor is the verb, or the verb to show the help of.
function __readyup_at_verb
    set -l words (commandline -opc)
    test (count $words) -eq 1
    or test (count $words) -eq 2 -a "$words[2]" = help
end

# Prints where the program's name is, if the word at the cursor belongs to a program and its arguments.
function __readyup_program
    set -l words (commandline -opc)
    set -l runs 0
    contains -- "$words[2]" @PROGRAM_VERBS@; and set runs 1
    set -l becomes 0
    set -l may_be_option 1
    set -l i 3
    while test $i -le (count $words)
        set -l word $words[$i]
        if test $may_be_option = 1 -a "$word" = --
            set may_be_option 0
            if test $runs = 1
                math $i + 1
                return 0
            end
        else if test $may_be_option = 1; and string match -q -- '-?*' "$word"
            if contains -- "$word" @WITH_VALUE@
                set i (math $i + 1)
            else if test "$word" = --fork
                set runs 1
            else if test "$word" = --exec
                set becomes 1
            end
        else if test $runs = 1
            echo $i
            return 0
        else if test $becomes = 1; and contains -- "$word" ';' '\;'
            set i (math $i + 1)
            test "$words[$i]" = --; and set i (math $i + 1)
            echo $i
            return 0
        end
        set i (math $i + 1)
    end
    # It is the value of an option, it may become an option, or it is the program's name.
    test $runs = 1 -a $i -eq (math (count $words) + 1)
    or return 1
    test $may_be_option = 1; and string match -q -- '-*' (commandline -ct)
    and return 1
    echo $i
end

# Completes the program and its arguments as if they stood alone.
function __readyup_as_program
    set -l words (commandline -opc)
    set -l at (__readyup_program)
    set -l line
    if test $at -le (count $words)
        set line (string escape -- $words[$at..-1])
    end
    complete -C (string join ' ' -- $line (commandline -ct))
end

# Whether the verb is one of these, and an option may stand at the cursor.
function __readyup_takes
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv
    and not contains -- -- $words
    and not __readyup_program >/dev/null
end

complete -c readyup -f
complete -c readyup -n __readyup_program -a '(__readyup_as_program)'
@COMPLETIONS@
