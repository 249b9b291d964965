/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which of our addresses a datagram came to, for sockets that are bound to none in particular (0.0.0.0, ::),
 * so that its answer leaves from that address (RFC 2181 4.1). Sockets bound to one address need none of this.
 */
#ifndef HITHER_NET_PKTINFO_H
#define HITHER_NET_PKTINFO_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Room for one datagram's control messages. */
struct pktinfo_room {
    union {
        struct cmsghdr align;
        unsigned char octets[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
};

/* True for the unspecified address of either family. */
bool pktinfo_is_needed(const struct sockaddr *bound);

/* Asks the kernel for the destination of every datagram on `fd`. 0 or -errno. */
int pktinfo_enable(int fd, int family);

/* Gives the datagram about to be received in `message` a place for its destination. */
void pktinfo_expect(struct msghdr *message, struct pktinfo_room *room);

/* Makes `answer` leave from where `query` came to. The two share the query's room. */
void pktinfo_answer_from(const struct msghdr *query, struct msghdr *answer);

#endif
