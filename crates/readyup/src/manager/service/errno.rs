//! Errors by name.

/// The number of the error called `name`.
pub(super) fn from_name(name: &[u8]) -> Option<i32> {
    NAMES.iter().find(|(spelling, _)| spelling.as_bytes() == name).map(|(_, number)| *number)
}

/// The number in a value of `ERRNO=`, as a manager takes it: a name or a number, 0 included.
pub(super) fn parse(value: &[u8]) -> Option<i32> {
    /// The kernel has no larger ones.
    const LARGEST: i32 = 4095;
    from_name(value).or_else(|| super::number::signed(value).filter(|number| (0..=LARGEST).contains(number)))
}

/// The numbers differ between processors, and the C library knows them. Without it there are those of most.
#[cfg(all(feature = "std", target_os = "linux"))]
macro_rules! names {
    ($($name:ident = $number:literal)*) => {{
        $(const _: () = assert!(libc::$name == $number || !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")));)*
        &[$((stringify!($name), libc::$name)),*]
    }};
}
#[cfg(not(all(feature = "std", target_os = "linux")))]
macro_rules! names {
    ($($name:ident = $number:literal)*) => { &[$((stringify!($name), $number)),*] };
}

#[rustfmt::skip]
const NAMES: &[(&str, i32)] = names! {
    E2BIG = 7 EACCES = 13 EADDRINUSE = 98 EADDRNOTAVAIL = 99 EADV = 68 EAFNOSUPPORT = 97 EAGAIN = 11 EALREADY = 114
    EBADE = 52 EBADF = 9 EBADFD = 77 EBADMSG = 74 EBADR = 53 EBADRQC = 56 EBADSLT = 57 EBFONT = 59 EBUSY = 16
    ECANCELED = 125 ECHILD = 10 ECHRNG = 44 ECOMM = 70 ECONNABORTED = 103 ECONNREFUSED = 111 ECONNRESET = 104
    EDEADLK = 35 EDEADLOCK = 35 EDESTADDRREQ = 89 EDOM = 33 EDOTDOT = 73 EDQUOT = 122 EEXIST = 17 EFAULT = 14 EFBIG = 27
    EHOSTDOWN = 112 EHOSTUNREACH = 113 EHWPOISON = 133 EIDRM = 43 EILSEQ = 84 EINPROGRESS = 115 EINTR = 4 EINVAL = 22
    EIO = 5 EISCONN = 106 EISDIR = 21 EISNAM = 120 EKEYEXPIRED = 127 EKEYREJECTED = 129 EKEYREVOKED = 128 EL2HLT = 51
    EL2NSYNC = 45 EL3HLT = 46 EL3RST = 47 ELIBACC = 79 ELIBBAD = 80 ELIBEXEC = 83 ELIBMAX = 82 ELIBSCN = 81 ELNRNG = 48
    ELOOP = 40 EMEDIUMTYPE = 124 EMFILE = 24 EMLINK = 31 EMSGSIZE = 90 EMULTIHOP = 72 ENAMETOOLONG = 36 ENAVAIL = 119
    ENETDOWN = 100 ENETRESET = 102 ENETUNREACH = 101 ENFILE = 23 ENOANO = 55 ENOBUFS = 105 ENOCSI = 50 ENODATA = 61
    ENODEV = 19 ENOENT = 2 ENOEXEC = 8 ENOKEY = 126 ENOLCK = 37 ENOLINK = 67 ENOMEDIUM = 123 ENOMEM = 12 ENOMSG = 42
    ENONET = 64 ENOPKG = 65 ENOPROTOOPT = 92 ENOSPC = 28 ENOSR = 63 ENOSTR = 60 ENOSYS = 38 ENOTBLK = 15 ENOTCONN = 107
    ENOTDIR = 20 ENOTEMPTY = 39 ENOTNAM = 118 ENOTRECOVERABLE = 131 ENOTSOCK = 88 ENOTSUP = 95 ENOTTY = 25 ENOTUNIQ = 76
    ENXIO = 6 EOPNOTSUPP = 95 EOVERFLOW = 75 EOWNERDEAD = 130 EPERM = 1 EPFNOSUPPORT = 96 EPIPE = 32 EPROTO = 71
    EPROTONOSUPPORT = 93 EPROTOTYPE = 91 ERANGE = 34 EREMCHG = 78 EREMOTE = 66 EREMOTEIO = 121 ERESTART = 85
    ERFKILL = 132 EROFS = 30 ESHUTDOWN = 108 ESOCKTNOSUPPORT = 94 ESPIPE = 29 ESRCH = 3 ESRMNT = 69 ESTALE = 116
    ESTRPIPE = 86 ETIME = 62 ETIMEDOUT = 110 ETOOMANYREFS = 109 ETXTBSY = 26 EUCLEAN = 117 EUNATCH = 49 EUSERS = 87
    EWOULDBLOCK = 11 EXDEV = 18 EXFULL = 54
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_values() {
        for (value, number) in [("ENOENT", 2), ("5", 5), ("0", 0), ("4095", 4095), ("0x10", 16), ("-0", 0)] {
            assert_eq!(parse(value.as_bytes()), Some(number), "{value}");
        }
    }

    #[test]
    fn err_values() {
        for value in ["", "-1", "4096", "enoent", "EWHATEVER", "5x", "99999999999"] {
            assert_eq!(parse(value.as_bytes()), None, "{value}");
        }
    }
}
