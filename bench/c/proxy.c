/* Passing on with a plain loop of read and write: what a small proxy for notifications is.
 *
 *   proxy PATH
 *
 * It listens at PATH, and writes all that it reads to the socket that NOTIFY_SOCKET names, until it is ended. */
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

int main(int argc, char **argv) {
    char text[4096];
    int out = open_socket(getenv("NOTIFY_SOCKET"), connect_to);
    int in = open_socket(argc == 2 ? argv[1] : NULL, bind_to);
    for (;;) {
        ssize_t length = read(in, text, sizeof text);
        if (length < 0 || write(out, text, length) != length)
            return 1;
    }
}
