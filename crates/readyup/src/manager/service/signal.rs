//! Signals by their numbers, which are the same on every Linux. What is judged here may run on another system, or on none.

pub(super) const SIGHUP: i32 = 1;
pub(super) const SIGINT: i32 = 2;
pub(super) const SIGABRT: i32 = 6;
pub(super) const SIGKILL: i32 = 9;
pub(super) const SIGPIPE: i32 = 13;
pub(super) const SIGTERM: i32 = 15;

#[cfg(all(test, feature = "std", target_os = "linux"))]
mod tests {
    #[test]
    fn ok_they_are_those_of_the_c_library() {
        use libc::{SIGABRT, SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGTERM};

        assert_eq!([super::SIGHUP, super::SIGINT, super::SIGABRT], [SIGHUP, SIGINT, SIGABRT]);
        assert_eq!([super::SIGKILL, super::SIGPIPE, super::SIGTERM], [SIGKILL, SIGPIPE, SIGTERM]);
    }
}
