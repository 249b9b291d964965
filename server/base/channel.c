/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

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

int channel_receive(int fd, struct channel_message *message)
{
    for (;;) {
        struct iovec parts[2] = {{&message->id, sizeof message->id},
                                 {message->text, CHANNEL_TEXT_OCTETS - 1}};
        struct msghdr received = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t octets = recvmsg(fd, &received, MSG_DONTWAIT);
        if (octets == 0)
            return -ECONNRESET;
        if (octets < 0 && errno == EAGAIN)
            return 0;
        if (octets < 0 && errno != EINTR)
            return -errno;
        if (octets < (ssize_t)sizeof message->id)
            continue;
        message->octets = (size_t)octets - sizeof message->id;
        message->text[message->octets] = '\0';
        return 1;
    }
}
