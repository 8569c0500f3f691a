//! Becoming a service's program, signals to whoever a pidfd stands for, and whether two descriptors are one file.

use rustix::fd::{AsRawFd as _, BorrowedFd};
use rustix::fs::fstat;
use rustix::io::Errno;
use std::ffi::{CString, c_char};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::ptr;

/// A program that is about to be: everything that it takes, put together before there is a process for it.
pub(crate) struct Program {
    /// Where it may be found: the first that can be executed is taken.
    paths: Vec<CString>,
    /// What `argv` and `envp` point into.
    _arguments: Vec<CString>,
    _environment: Vec<Vec<u8>>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    /// Where the process's own pid belongs in the environment.
    own_pid: Vec<*mut u8>,
    /// Whose end is its end.
    parent: u32,
}

/// Room for a pid and a NUL.
const PID_SIZE: usize = "4294967295\0".len();

// SAFETY: the pointers lead to what is owned here, which nobody changes but `become_it`, and that has it for itself.
unsafe impl Send for Program {}
// SAFETY: nothing can be done with a shared one.
unsafe impl Sync for Program {}

impl Program {
    /// `environment` holds entries like `NAME=VALUE`. In those of `for_its_pid` stands the pid of the process that becomes it.
    pub(crate) fn new(
        paths: Vec<CString>,
        arguments: Vec<CString>,
        environment: Vec<CString>,
        for_its_pid: &[&str],
    ) -> Self {
        let mut entries: Vec<Vec<u8>> = environment.into_iter().map(CString::into_bytes_with_nul).collect();
        let without_pid = entries.len();
        entries.extend(for_its_pid.iter().map(|name| [name.as_bytes(), b"=", &[0; PID_SIZE]].concat()));
        let pointers: Vec<*mut u8> = entries.iter_mut().map(Vec::as_mut_ptr).collect();
        let own_pid = pointers.iter().skip(without_pid).zip(for_its_pid);
        Self {
            own_pid: own_pid.map(|(entry, name)| entry.wrapping_add(name.len() + 1)).collect(),
            argv: arguments.iter().map(|argument| argument.as_ptr()).chain([ptr::null()]).collect(),
            envp: pointers.iter().map(|entry| entry.cast_const().cast()).chain([ptr::null()]).collect(),
            parent: std::process::id(),
            paths,
            _arguments: arguments,
            _environment: entries,
        }
    }

    /// Has `command` become this program, whatever else it says: its directory, its user and its standard streams hold.
    pub(crate) fn take_over(mut self, command: &mut Command) {
        // SAFETY: nothing but system calls and memory that is there, which is allowed between fork and exec.
        unsafe { command.pre_exec(move || Err(self.become_it())) };
    }

    /// Returns only if there is no such program.
    fn become_it(&mut self) -> io::Error {
        // A session of its own, which fails for a process that leads a group: then that is its own, too.
        // SAFETY: it takes nothing.
        unsafe { libc::setsid() };
        // If the thread that started it ends without having ended it, everything went down at once.
        // SAFETY: it takes numbers only.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
        // It may have gone down before that. (A parent in another pid namespace is 0, whatever became of it.)
        // SAFETY: it takes nothing.
        let parent = unsafe { libc::getppid() }.unsigned_abs();
        if parent != 0 && parent != self.parent {
            return io::Error::from_raw_os_error(libc::ESRCH);
        }
        // As with `IgnoreSIGPIPE=yes`, which is what units have.
        // SAFETY: it names no function.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
        // SAFETY: it takes nothing.
        let pid = unsafe { libc::getpid() };
        for place in &self.own_pid {
            // SAFETY: `new` made room there, and left a NUL behind it.
            unsafe { write_decimal(*place, pid.unsigned_abs()) };
        }
        let mut errno = libc::ENOENT;
        for path in &self.paths {
            // SAFETY: the path ends with a NUL, and both lists end with a null pointer and hold pointers to such texts.
            unsafe { libc::execve(path.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr()) };
            let error = io::Error::last_os_error();
            match error.raw_os_error() {
                Some(libc::ENOENT | libc::ENOTDIR) => {}
                Some(libc::EACCES) => errno = libc::EACCES,
                _ => return error,
            }
        }
        io::Error::from_raw_os_error(errno)
    }
}

/// # Safety
///
/// There must be room for ten digits.
unsafe fn write_decimal(place: *mut u8, number: u32) {
    let digits = number.checked_ilog10().unwrap_or(0);
    for digit in 0..=digits {
        let value = number / 10u32.pow(digits - digit) % 10;
        // SAFETY: it is one of ten places at the most.
        unsafe { place.wrapping_add(digit as usize).write(b'0' + value as u8) };
    }
}

/// Sends a signal by its number, real-time signals included.
pub(crate) fn send_signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), Errno> {
    let fd = pidfd.as_raw_fd();
    // SAFETY: without a `siginfo_t`, it takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, ptr::null::<libc::siginfo_t>(), 0) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

fn last_errno() -> Errno {
    Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Whether both were opened at once, and one of them is a copy of the other.
pub(crate) fn is_same_file(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    const KCMP_FILE: libc::c_int = 0;
    let pid = std::process::id();
    let index = |fd: BorrowedFd<'_>| fd.as_raw_fd() as libc::c_ulong;
    // SAFETY: it takes numbers only.
    match unsafe { libc::syscall(libc::SYS_kcmp, pid, pid, KCMP_FILE, index(one), index(other)) } {
        // A kernel or a container that does not compare: then by what they are of.
        ..0 => {
            let identity = |fd: BorrowedFd<'_>| fstat(fd).ok().map(|stat| (stat.st_dev, stat.st_ino));
            identity(one).is_some() && identity(one) == identity(other)
        }
        order => order == 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fd::AsFd as _;
    use std::fs::File;

    #[test]
    fn ok_decimal() {
        for number in [0, 7, 10, 4_194_304, u32::MAX] {
            let mut place = [0; PID_SIZE];
            // SAFETY: it has room for ten digits.
            unsafe { write_decimal(place.as_mut_ptr(), number) };
            let text = std::ffi::CStr::from_bytes_until_nul(&place).unwrap();
            assert_eq!(text.to_str(), Ok(number.to_string().as_str()));
        }
    }

    #[test]
    fn err_the_parent_is_gone() {
        let texts = |words: &[&str]| words.iter().map(|word| CString::new(*word).unwrap()).collect::<Vec<_>>();
        let program = || Program::new(texts(&["/bin/true", "/usr/bin/true"]), texts(&["true"]), Vec::new(), &[]);
        let spawn = |program: Program| {
            let mut command = Command::new("true");
            program.take_over(&mut command);
            command.status()
        };
        assert!(spawn(program()).unwrap().success());
        let error = spawn(Program { parent: u32::MAX, ..program() }).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }

    #[test]
    fn ok_same_file() {
        let (one, other) = (File::open("/dev/null").unwrap(), File::open("/dev/null").unwrap());
        let copy = one.try_clone().unwrap();
        assert!(is_same_file(one.as_fd(), copy.as_fd()));
        assert!(!is_same_file(one.as_fd(), other.as_fd()));
    }
}
