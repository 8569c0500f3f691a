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
    contains -- "$words[2]" trace check; and set runs 1
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
            if contains -- "$word" --status --uid --fd --fdname --timeout -o --output --notify-access --unit --start-timeout --stop-timeout --for --watchdog --break-config --port --stall-check --socket --env --notify-access --fd-store --systemd --junit --plot --explain
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
complete -c readyup -n __readyup_at_verb -a notify -d 'Tell the service manager something, as systemd-notify does, and wait until it was read'
complete -c readyup -n __readyup_at_verb -a ready -d 'Tell the service manager that start-up is over, or a reload is'
complete -c readyup -n __readyup_at_verb -a status -d 'Tell the service manager what the service is doing'
complete -c readyup -n __readyup_at_verb -a reloading -d 'Tell the service manager that the configuration is being reloaded'
complete -c readyup -n __readyup_at_verb -a stopping -d 'Tell the service manager that the service is going down'
complete -c readyup -n __readyup_at_verb -a watchdog -d 'Tell the service manager that the service is still alive'
complete -c readyup -n __readyup_at_verb -a barrier -d 'Wait until the service manager has read everything said so far'
complete -c readyup -n __readyup_at_verb -a trace -d 'Run a program and show each message that it sends to its service manager'
complete -c readyup -n __readyup_at_verb -a check -d 'Run a service through its life as systemd would, and say what is wrong'
complete -c readyup -n __readyup_at_verb -a help -d 'Show the help of a command'
complete -c readyup -n __readyup_at_verb -s h -l help -d 'Show the help'
complete -c readyup -n __readyup_at_verb -s V -l version -d 'Show the version'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l ready -d 'Start-up is over, or a reload is (READY=1)'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l reloading -d 'The configuration is being reloaded'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l stopping -d 'The service is going down (STOPPING=1)'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l status -x -d 'Say what it is doing: one line that `systemctl status` shows'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l pid -f -a 'auto parent self' -d 'Make PID the main process, and speak as it'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l uid -x -a '(__fish_complete_users)' -d 'Speak as this user'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l fd -x -d 'Put this descriptor into the service'\''s fd store'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l fdname -x -d 'The name of the stored descriptors; needs --fd'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l no-block -d 'Don'\''t wait until the manager has read it'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog' -l exec -d 'Once the message was read, become the program that stands behind a `;` argument'
complete -c readyup -n '__readyup_takes notify' -l fork -d 'Start a program and wait until it says READY=1, instead of saying something'
complete -c readyup -n '__readyup_takes notify' -l booted -d 'Say nothing; succeed if the machine was booted with systemd'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog barrier' -l timeout -x -d 'How long all of it may take'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog barrier' -l require -d 'Fail if there is no manager to tell (NOTIFY_SOCKET is not set)'
complete -c readyup -n '__readyup_takes notify' -l json -d 'With --fork: print what happens as JSON, one object a line'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog barrier' -s q -l quiet -d 'Print nothing but errors: no pid, no notes, no warnings'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog barrier trace check' -s h -l help -d 'Show the help'
complete -c readyup -n '__readyup_takes notify ready status reloading stopping watchdog barrier' -l version -d 'Show the version'
complete -c readyup -n '__readyup_takes trace check' -l json -d 'Print one JSON object a line'
complete -c readyup -n '__readyup_takes trace' -s o -l output -r -F -d 'Write the trace to FILE instead of standard output'
complete -c readyup -n '__readyup_takes trace' -l notify-access -x -a 'none main exec all' -d 'Whose messages the manager would believe'
complete -c readyup -n '__readyup_takes check' -l unit -r -F -d 'Take the command, its environment and its limits from a unit file'
complete -c readyup -n '__readyup_takes check' -l start-timeout -x -d 'How long it may take to be ready, or to reload'
complete -c readyup -n '__readyup_takes check' -l stop-timeout -x -d 'How long it may take to end: TimeoutStopSec= (90 s)'
complete -c readyup -n '__readyup_takes check' -l for -x -d 'How long to watch after READY=1'
complete -c readyup -n '__readyup_takes check' -l watchdog -x -d 'How long it may go without WATCHDOG=1: WatchdogSec='
complete -c readyup -n '__readyup_takes check' -l reload -d 'Have it reload'
complete -c readyup -n '__readyup_takes check' -l break-config -x -d 'Have it reload once more after the shell'\''s CMD, which makes that fail'
complete -c readyup -n '__readyup_takes check' -l port -x -d 'What must accept connections when READY=1 comes'
complete -c readyup -n '__readyup_takes check' -l stall-check -x -d 'Ask for an http:// URL that makes the service hang, and see whether its pings stop'
complete -c readyup -n '__readyup_takes check' -l socket -x -d 'Pass it a listening socket, as a socket unit does'
complete -c readyup -n '__readyup_takes check' -l env -x -d 'Set a variable of its environment'
complete -c readyup -n '__readyup_takes check' -l notify-access -x -a 'none main exec all' -d 'Whose messages count: NotifyAccess= (main)'
complete -c readyup -n '__readyup_takes check' -l fd-store -x -d 'How many descriptors it may store: FileDescriptorStoreMax= (0)'
complete -c readyup -n '__readyup_takes check' -l systemd -x -d 'The version of systemd whose rules count'
complete -c readyup -n '__readyup_takes check' -l abstract -d 'Listen at an abstract address (@NAME) rather than at a path'
complete -c readyup -n '__readyup_takes check' -l junit -r -F -d 'Write a JUnit report to FILE'
complete -c readyup -n '__readyup_takes check' -l plot -r -F -d 'Draw the timeline, as SVG, to FILE'
complete -c readyup -n '__readyup_takes check' -l explain -x -d 'Tell more about a finding, and do nothing else'
