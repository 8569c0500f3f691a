# Becomes PID 1 of a lab: lays out the file system that systemd is to see, moves into it, and turns into systemd.
# Runs in namespaces of its own, where at first everything of the host is in sight; nothing of it is written to.
#
#   init ROOT NAME [ro|rw SOURCE TARGET]...
set -eu
root=$1
name=$2
shift 2

# The host's /proc gives this shell's process id as the host counts: by it, commands find their way into the lab.
read -r pid _ </proc/self/stat
echo "$pid"

# Every mount is called this, so that one that got out would be recognised.
as=readyup-lab

# /sys is the one directory that is there on every machine and that nobody asks to have bound into a lab. Covering it,
# here where nobody else sees it, spares us a directory on the host.
# -n, as long as /run is the host's: `mount` makes a directory there to keep notes in.
mount -n -t tmpfs $as /sys
mkdir /sys/upper /sys/work /sys/root
# The root is named by `.`, because a path in these options cannot hold a `:` or a `,`.
(cd "$root" && mount -n -t overlay -o lowerdir=.,upperdir=/sys/upper,workdir=/sys/work $as /sys/root)

# Move in before laying anything out: from here on, no symbolic link in the root can lead back to a file of the host.
cd /sys/root
outside=/.outside
mkdir -p .$outside proc sys dev run tmp var/tmp var/log
pivot_root . .$outside
cd /

mount -t proc $as /proc
# As many messages wait in a queue as on any machine: there, systemd itself sets this, which it may not here. It is one of
# the few settings that each network has to itself.
echo 512 >/proc/sys/net/unix/max_dgram_qlen
# systemd-sysctl would set up the *host's* kernel, and one letter written to sysrq-trigger would reboot it.
for path in /proc/sys /proc/sysrq-trigger; do
    [ -e $path ] || continue
    mount --bind $path $path
    mount -o remount,bind,ro $path
done
mount -t sysfs -o ro,nosuid,nodev,noexec $as /sys
mount -t cgroup2 -o nosuid,nodev,noexec $as /sys/fs/cgroup

# Device nodes of the lab's own: a mode changed on a bound /dev/null would change on the host.
mount -t tmpfs -o mode=0755,nosuid $as /dev
mkdir /dev/pts /dev/shm
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/zero c 1 5
mknod -m 666 /dev/full c 1 7
mknod -m 666 /dev/random c 1 8
mknod -m 666 /dev/urandom c 1 9
mknod -m 666 /dev/tty c 5 0
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
ln -s /proc/self/fd/1 /dev/stdout
ln -s /proc/self/fd/2 /dev/stderr
ln -s pts/ptmx /dev/ptmx
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 $as /dev/pts

# What the host keeps in these is no concern of the lab's, and systemd-tmpfiles empties some of them.
for path in /dev/shm /tmp /var/tmp; do
    mount -t tmpfs -o mode=1777 $as $path
done
for path in /run /var/log; do
    mount -t tmpfs -o mode=0755 $as $path
done

# Only what comes with systemd is enabled: what somebody has set up on the host (services, mounts, swap) stays off.
# The empty tmp.conf stands in for the one that has /tmp cleared out, where build directories may be bound.
rm -rf /etc/systemd /etc/tmpfiles.d /etc/fstab /etc/machine-id /etc/hostname
mkdir -p /etc/systemd/system /etc/systemd/journald.conf.d /etc/tmpfiles.d
: >/etc/tmpfiles.d/tmp.conf
tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
echo "$name" >/etc/hostname
# Nothing was updated since the last boot: this spares ldconfig and its like a run.
touch /etc/.updated /var/.updated
# Kernel modules are the host's.
ln -s /dev/null /etc/systemd/system/systemd-modules-load.service
# The manager's debug log is thousands of lines, and tests look for single ones: none may be dropped.
cat >/etc/systemd/journald.conf.d/lab.conf <<'END'
[Journal]
Storage=volatile
RateLimitIntervalSec=0
RuntimeMaxUse=256M
END
# A log, and the socket by which the bus is started when somebody wants it; what these two need comes along.
cat >/etc/systemd/system/lab.target <<'END'
[Unit]
Description=Lab
DefaultDependencies=no
AllowIsolate=yes
Wants=systemd-journald.service dbus.socket
After=systemd-journald.service dbus.socket
END

while [ $# -ge 3 ]; do
    if [ -d "$outside$2" ]; then
        mkdir -p "$3"
    else
        mkdir -p "${3%/*}/"
        [ -e "$3" ] || : >"$3"
    fi
    mount --bind "$outside$2" "$3"
    [ "$1" = rw ] || mount -o remount,bind,ro "$3"
    shift 3
done
umount --lazy $outside
rmdir $outside

# As under systemd-nspawn, power over what no namespace divides (modules, ports, clock, kernel log) is given up.
# Standard output goes too: its end tells the outside that the lab is over, and services would inherit it.
exec env -i container=lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set -sys_module,-sys_rawio,-sys_time,-syslog \
    /lib/systemd/systemd --system --unit=lab.target --log-level=debug --log-target=journal >&2
