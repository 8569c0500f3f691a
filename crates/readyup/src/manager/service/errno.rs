//! Errors by name.

/// The number of the error called `name` on this machine.
pub(super) fn from_name(name: &[u8]) -> Option<i32> {
    NAMES.iter().find(|(spelling, _)| spelling.as_bytes() == name).map(|(_, number)| *number)
}

/// The number in a value of `ERRNO=`, as a manager takes it: a name or a number, 0 included.
pub(super) fn parse(value: &[u8]) -> Option<i32> {
    /// The kernel has no larger ones.
    const LARGEST: i32 = 4095;
    from_name(value).or_else(|| super::number::signed(value).filter(|number| (0..=LARGEST).contains(number)))
}

/// The numbers differ between architectures; the C library knows them.
macro_rules! names {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name)),*] };
}

#[rustfmt::skip]
const NAMES: &[(&str, i32)] = names! {
    E2BIG EACCES EADDRINUSE EADDRNOTAVAIL EADV EAFNOSUPPORT EAGAIN EALREADY EBADE EBADF EBADFD EBADMSG EBADR EBADRQC
    EBADSLT EBFONT EBUSY ECANCELED ECHILD ECHRNG ECOMM ECONNABORTED ECONNREFUSED ECONNRESET EDEADLK EDEADLOCK
    EDESTADDRREQ EDOM EDOTDOT EDQUOT EEXIST EFAULT EFBIG EHOSTDOWN EHOSTUNREACH EHWPOISON EIDRM EILSEQ EINPROGRESS
    EINTR EINVAL EIO EISCONN EISDIR EISNAM EKEYEXPIRED EKEYREJECTED EKEYREVOKED EL2HLT EL2NSYNC EL3HLT EL3RST ELIBACC
    ELIBBAD ELIBEXEC ELIBMAX ELIBSCN ELNRNG ELOOP EMEDIUMTYPE EMFILE EMLINK EMSGSIZE EMULTIHOP ENAMETOOLONG ENAVAIL
    ENETDOWN ENETRESET ENETUNREACH ENFILE ENOANO ENOBUFS ENOCSI ENODATA ENODEV ENOENT ENOEXEC ENOKEY ENOLCK ENOLINK
    ENOMEDIUM ENOMEM ENOMSG ENONET ENOPKG ENOPROTOOPT ENOSPC ENOSR ENOSTR ENOSYS ENOTBLK ENOTCONN ENOTDIR ENOTEMPTY
    ENOTNAM ENOTRECOVERABLE ENOTSOCK ENOTSUP ENOTTY ENOTUNIQ ENXIO EOPNOTSUPP EOVERFLOW EOWNERDEAD EPERM EPFNOSUPPORT
    EPIPE EPROTO EPROTONOSUPPORT EPROTOTYPE ERANGE EREMCHG EREMOTE EREMOTEIO ERESTART ERFKILL EROFS ESHUTDOWN
    ESOCKTNOSUPPORT ESPIPE ESRCH ESRMNT ESTALE ESTRPIPE ETIME ETIMEDOUT ETOOMANYREFS ETXTBSY EUCLEAN EUNATCH EUSERS
    EWOULDBLOCK EXDEV EXFULL
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
