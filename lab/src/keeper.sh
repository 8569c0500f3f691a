# Keeps one lab: makes its cgroup, starts it, and takes everything away once the test program has let go of our standard
# input, be it on purpose or because it was killed. This is why nothing outlives a test program, not even one that had
# no chance to clean up.
#
#   keeper CGROUP [argument of init]...
#
# CGROUP is a directory name to which our process id is added. The script that becomes PID 1 is in the environment, like
# this one: as arguments they would fill pages of everybody's `ps`.
# Standard output is held open by whatever is between us and PID 1: it ends when the lab does.
set -eu
cgroup=$1.$$
shift

# PID 1 has a group to itself, as on any machine. What tests start from outside goes into the other one, so that it can
# be killed together with the lab and yet belongs to no unit in it.
mkdir "$cgroup" "$cgroup/system" "$cgroup/commands"

# The cgroup namespace is entered last, from within the group that is to be its root. `unshare` itself stays outside:
# PID 1 finds nobody but itself in there. Should we be killed, the kernel ends `unshare`, and `unshare` ends PID 1; only
# the empty cgroup stays then.
setpriv --pdeathsig KILL \
    unshare --pid --fork --kill-child --mount --propagation private --ipc --uts --net \
    sh -c 'echo 0 >"$1/system/cgroup.procs" && shift && exec unshare --cgroup "$@"' \
    enter "$cgroup" sh -c 'eval "$INIT"' init "$@" </dev/null &
exec >/dev/null

while read -r _; do :; done

# PID 1 first: with it go all that run in the lab, and what was started from outside has its parents there to reap it.
# Killed together with them, it would be left to the host's PID 1, which may take its time, and the lab's would wait.
echo 1 >"$cgroup/system/cgroup.kill"
wait
echo 1 >"$cgroup/cgroup.kill"
# A killed process leaves its cgroup a moment after the signal.
tries=0
until find "$cgroup" -depth -type d -delete 2>/dev/null; do
    tries=$((tries + 1))
    if [ "$tries" -gt 500 ]; then
        echo "keeper: cannot remove $cgroup: $(cat "$cgroup/cgroup.events")" >&2
        exit 1
    fi
    sleep 0.01
done
