// Receiving and passing on in C: as little as can be.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 4096

// Sends until there is no more room, in the manager's queue or in the socket's own buffer, and says how many it took; or
// -errno.
int bench_fill(int fd) {
    int count = 0;
    while (send(fd, "WATCHDOG=1", 10, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        count++;
    return errno == EAGAIN ? count : -errno;
}

// Each message with a descriptor to be kept. 0, or -errno.
int bench_send_fds(int fd, unsigned count) {
    static char text[] = "FDSTORE=1";
    int passed = open("/dev/null", O_RDONLY | O_CLOEXEC);
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {text, sizeof text - 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &passed, sizeof passed);
    for (unsigned i = 0; i < count; i++)
        while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
            if (errno != EINTR && errno != ETOOMANYREFS)
                return -errno;
    close(passed);
    return 0;
}

// Whether there is something to receive before `ms` milliseconds are over.
static int wait_for(int fd, int ms) {
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, ms) > 0;
}

static unsigned long long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000ull + time.tv_nsec;
}

// Closes the descriptors that came, and says how many the sender had passed.
static unsigned close_all(struct cmsghdr *header) {
    enum { PIDFD = 4 };
    unsigned passed = 0;
    if (header->cmsg_level != SOL_SOCKET || (header->cmsg_type != SCM_RIGHTS && header->cmsg_type != PIDFD))
        return 0;
    for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len; at += sizeof(int)) {
        int fd;
        memcpy(&fd, (char *)header + at, sizeof fd);
        close(fd);
        passed += header->cmsg_type == SCM_RIGHTS;
    }
    return passed;
}

// Receives up to `count` messages, until none comes for `ms` milliseconds, and says how many came; in `nanoseconds`, how
// long it was from the first to the last, and in `fds` how many descriptors came along. With `with` it asks for everything
// that stands beside a message, as a manager does; otherwise for the text alone.
unsigned bench_receive(int fd, unsigned count, int ms, int with, unsigned long long *nanoseconds, unsigned *fds) {
    char text[MESSAGE_MAX];
    union {
        char room[2048];
        struct cmsghdr align;
    } control;
    unsigned got = 0;
    unsigned long long start = 0, end = 0;
    *fds = 0;
    while (got < count) {
        ssize_t length;
        if (with) {
            struct iovec part = {text, sizeof text};
            struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
            length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
            if (length >= 0)
                for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one))
                    *fds += close_all(one);
        } else {
            length = recv(fd, text, sizeof text, MSG_DONTWAIT);
        }
        if (length >= 0) {
            if (got++ == 0)
                start = now();
        } else if (errno == EAGAIN) {
            end = now();
            if (!wait_for(fd, ms))
                break;
        } else if (errno != EINTR) {
            break;
        }
    }
    // What was waited in vain does not count.
    *nanoseconds = (got == count ? now() : end) - start;
    return got;
}

// The processor time, in microseconds, of all children that have ended and were waited for.
unsigned long long bench_children_time(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ull + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}
