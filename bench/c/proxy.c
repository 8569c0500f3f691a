/* Passing on with a plain loop of read and write: what a small proxy for notifications is.
 *
 *   proxy PATH [many]
 *
 * It listens at PATH, and writes all that it reads to the socket that NOTIFY_SOCKET names, until it is ended. With `many`
 * it does so with as few system calls as there can be: that is how far down it goes. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int open_socket(const char *path, int (*use)(int, const struct sockaddr *, socklen_t)) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof address.sun_path)
        exit(125);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || use(fd, (struct sockaddr *)&address, sizeof address) < 0)
        exit(125);
    return fd;
}

static int bind_to(int fd, const struct sockaddr *address, socklen_t size) { return bind(fd, address, size); }
static int connect_to(int fd, const struct sockaddr *address, socklen_t size) { return connect(fd, address, size); }

/* 64 at a time. */
static int pass_many(int in, int out) {
    enum { MANY = 64 };
    static char texts[MANY][4096];
    static struct iovec parts[MANY];
    static struct mmsghdr messages[MANY];
    for (;;) {
        for (int i = 0; i < MANY; i++) {
            parts[i] = (struct iovec){texts[i], sizeof texts[i]};
            messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
        }
        int got = recvmmsg(in, messages, MANY, MSG_WAITFORONE, NULL);
        for (int i = 0; i < got; i++)
            parts[i].iov_len = messages[i].msg_len;
        for (int sent = 0; sent < got;) {
            int more = sendmmsg(out, messages + sent, got - sent, MSG_NOSIGNAL);
            if (more < 0)
                return 1;
            sent += more;
        }
        if (got < 0)
            return 1;
    }
}

int main(int argc, char **argv) {
    char text[4096];
    int out = open_socket(getenv("NOTIFY_SOCKET"), connect_to);
    int in = open_socket(argc > 1 ? argv[1] : NULL, bind_to);
    if (argc > 2)
        return pass_many(in, out);
    for (;;) {
        ssize_t length = read(in, text, sizeof text);
        if (length < 0 || write(out, text, length) != length)
            return 1;
    }
}
