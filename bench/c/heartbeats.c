// What heartbeats cost in C: as little as can be, and as much as libsystemd makes of it.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static const char HEARTBEAT[] = "WATCHDOG=1";

// A datagram socket connected to `path`; or -errno.
int bench_connect(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return -errno;
    return fd;
}

// 0, or -errno.
int bench_send(int fd, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (send(fd, HEARTBEAT, sizeof HEARTBEAT - 1, MSG_NOSIGNAL) < 0)
            return -errno;
    return 0;
}

// The same system call without the C library's function around it: no function returns right after the kernel, which costs
// something of its own where the kernel empties the processor's predictions of returns. 0, or -errno.
int bench_send_inline(int fd, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        long result;
#if defined(__x86_64__)
        register long flags __asm__("r10") = MSG_NOSIGNAL;
        register long address __asm__("r8") = 0;
        register long size __asm__("r9") = 0;
        __asm__ volatile("syscall"
                         : "=a"(result)
                         : "a"(SYS_sendto), "D"(fd), "S"(HEARTBEAT), "d"(sizeof HEARTBEAT - 1), "r"(flags), "r"(address),
                           "r"(size)
                         : "rcx", "r11", "memory");
#elif defined(__aarch64__)
        register long number __asm__("x8") = SYS_sendto;
        register long a __asm__("x0") = fd;
        register const char *b __asm__("x1") = HEARTBEAT;
        register long c __asm__("x2") = sizeof HEARTBEAT - 1;
        register long d __asm__("x3") = MSG_NOSIGNAL;
        register long e __asm__("x4") = 0;
        register long f __asm__("x5") = 0;
        __asm__ volatile("svc 0" : "+r"(a) : "r"(number), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f) : "memory");
        result = a;
#else
        result = send(fd, HEARTBEAT, sizeof HEARTBEAT - 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
#endif
        if (result < 0)
            return result;
    }
    return 0;
}

static int (*sd_notify)(int, const char *);

// Loads libsystemd, and writes the name of its file to `file`, which has room for PATH_MAX bytes; 0 where there is none.
int bench_load_libsystemd(char *file) {
    Dl_info info;
    void *library = dlopen("libsystemd.so.0", RTLD_NOW);
    if (library == NULL)
        return 0;
    sd_notify = (int (*)(int, const char *))dlsym(library, "sd_notify");
    return sd_notify != NULL && dladdr((void *)sd_notify, &info) != 0 && realpath(info.dli_fname, file) != NULL;
}

// 0, or -errno. Only after the library was loaded.
int bench_sd_notify(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        int result = sd_notify(0, HEARTBEAT);
        if (result <= 0)
            return result < 0 ? result : -ENOTCONN;
    }
    return 0;
}
