/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int channel_open(int ends[2])
{
    const int octets = 4 * CHANNEL_TEXT_OCTETS;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        (void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &octets, sizeof octets);
    return 0;
}

int channel_send(int fd, uint32_t id, const char *text, size_t octets)
{
    union { /* iovec isn't const; nothing is written */
        const char *from;
        void *base;
    } borrowed = {text};
    struct iovec parts[2] = {{&id, sizeof id}, {borrowed.base, octets}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (octets > CHANNEL_TEXT_OCTETS - 1)
        parts[1].iov_len = CHANNEL_TEXT_OCTETS - 1;
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int channel_send_fds(int fd, const char *text, const int *fds, size_t count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(CHANNEL_MAX_FDS * sizeof *fds)] = {0};
    uint32_t id = CHANNEL_NEWS;
    union { /* iovec isn't const; nothing is written */
        const char *from;
        void *base;
    } borrowed = {text};
    struct iovec parts[2] = {{&id, sizeof id}, {borrowed.base, strlen(text)}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (count > CHANNEL_MAX_FDS)
        return -E2BIG;
    if (count > 0) {
        message.msg_control = control;
        message.msg_controllen = CMSG_SPACE(count * sizeof *fds);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        *rights = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof *fds)};
        memcpy(CMSG_DATA(rights), fds, count * sizeof *fds);
    }
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static size_t channel_take_fds(struct msghdr *message, int *fds)
{
    size_t count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || count > 0)
            continue;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(c), count * sizeof *fds);
    }
    return count;
}

static void channel_close_fds(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

int channel_receive(int fd, struct channel_message *message)
{
    int fds[CHANNEL_MAX_FDS];
    size_t count = 0;
    int got = channel_receive_fds(fd, message, fds, &count);
    channel_close_fds(fds, count);
    return got;
}

int channel_receive_fds(int fd, struct channel_message *message, int fds[CHANNEL_MAX_FDS], size_t *count)
{
    *count = 0;
    for (;;) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(CHANNEL_MAX_FDS * sizeof *fds)];
        struct iovec parts[2] = {{&message->id, sizeof message->id},
                                 {message->text, CHANNEL_TEXT_OCTETS - 1}};
        struct msghdr received = {
            .msg_iov = parts, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t octets = recvmsg(fd, &received, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (octets == 0)
            return -ECONNRESET;
        if (octets < 0 && errno == EAGAIN)
            return 0;
        if (octets < 0 && errno != EINTR)
            return -errno;
        *count = channel_take_fds(&received, fds);
        if (octets < (ssize_t)sizeof message->id) {
            channel_close_fds(fds, *count);
            *count = 0;
            continue;
        }
        message->octets = (size_t)octets - sizeof message->id;
        message->text[message->octets] = '\0';
        return 1;
    }
}
