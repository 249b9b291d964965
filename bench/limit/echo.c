/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The limit for a server on UDP sockets: takes a batch of datagrams, turns each into a response by setting QR
 * and sends the batch back from the same memory. It looks at nothing and copies nothing, so whatever a name
 * server does for its answers is what it stays below this program. One thread; the caller pins it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCH       32
#define OCTETS      2048
#define HEADER      12
#define QR_OCTET    2
#define QR_BIT      0x80
#define BUFFER_WANT (4 << 20)

struct batch {
    struct mmsghdr headers[BATCH];
    struct iovec parts[BATCH];
    struct sockaddr_in clients[BATCH];
    uint8_t bytes[BATCH][OCTETS];
};

static int echo_bind(const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    const int omit = IP_PMTUDISC_OMIT;
    const int room = BUFFER_WANT;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
    return bind(fd, (struct sockaddr *)&to, sizeof to) == 0 ? fd : -1;
}

static void batch_reset(struct batch *batch)
{
    for (size_t i = 0; i < BATCH; i++) {
        batch->parts[i] = (struct iovec){batch->bytes[i], OCTETS};
        batch->headers[i].msg_hdr = (struct msghdr){
            .msg_name = &batch->clients[i],
            .msg_namelen = sizeof batch->clients[i],
            .msg_iov = &batch->parts[i],
            .msg_iovlen = 1,
        };
    }
}

/* Makes responses of what came; what is too short to be a message goes back as it is. */
static void batch_turn(struct batch *batch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        batch->parts[i].iov_len = batch->headers[i].msg_len;
        if (batch->headers[i].msg_len >= HEADER)
            batch->bytes[i][QR_OCTET] |= QR_BIT;
    }
}

static void batch_send(int fd, struct batch *batch, unsigned count)
{
    for (unsigned sent = 0; sent < count;) {
        int n = sendmmsg(fd, batch->headers + sent, count - sent, 0);
        sent += n > 0 ? (unsigned)n : 1;
    }
}

static int echo_run(int fd)
{
    static struct batch batch;
    for (;;) {
        batch_reset(&batch);
        int count = recvmmsg(fd, batch.headers, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        batch_turn(&batch, (size_t)count);
        batch_send(fd, &batch, (unsigned)count);
    }
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDRESS PORT\n", argv[0]);
        return 2;
    }
    int fd = echo_bind(argv[1], argv[2]);
    if (fd < 0 || echo_run(fd) < 0)
        perror(argv[0]);
    return 1;
}
