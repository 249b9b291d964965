/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/pktinfo.h"

#include <errno.h>
#include <string.h>

bool pktinfo_is_needed(const struct sockaddr *bound)
{
    if (bound->sa_family == AF_INET) {
        struct sockaddr_in in4;
        memcpy(&in4, bound, sizeof in4);
        return in4.sin_addr.s_addr == htonl(INADDR_ANY);
    }
    if (bound->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, bound, sizeof in6);
        return IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr);
    }
    return false;
}

int pktinfo_enable(int fd, int family)
{
    const int on = 1;
    int done = family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                                  : setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    return done < 0 ? -errno : 0;
}

void pktinfo_expect(struct msghdr *message, struct pktinfo_room *room)
{
    message->msg_control = room->control.octets;
    message->msg_controllen = sizeof room->control.octets;
}

/* What was the destination becomes the source; the interface is left to the routing table, because the way
 * back needn't be the way there. */
static bool pktinfo_turn(struct cmsghdr *cmsg)
{
    if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(cmsg), sizeof info);
        info.ipi_ifindex = 0;
        memcpy(CMSG_DATA(cmsg), &info, sizeof info);
        return true;
    }
    if (cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(cmsg), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(cmsg), &info, sizeof info);
        return true;
    }
    return false;
}

void pktinfo_answer_from(const struct msghdr *query, struct msghdr *answer)
{
    struct msghdr received = *query;
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&received);
    bool turned = cmsg != NULL && pktinfo_turn(cmsg);
    answer->msg_control = turned ? received.msg_control : NULL;
    answer->msg_controllen = turned ? received.msg_controllen : 0;
}
