/* SPDX-License-Identifier: BSD-2-Clause */
#include "announce/tun_device.h"

#include "base/log.h"
#include "heritage.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

struct tun_device {
    char name[SETTINGS_DEVICE];
    int fd; /* -1: there is no device */
    int error;
};

struct tun_device *tun_device_new(const char *name)
{
    struct tun_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    (void)snprintf(d->name, sizeof d->name, "%s", name);
    d->fd = -1;
    return d;
}

static void tun_drop(struct tun_device *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* The request with our name in it. */
static struct ifreq tun_request(const struct tun_device *d)
{
    struct ifreq request = {0};
    memcpy(request.ifr_name, d->name, sizeof d->name);
    return request;
}

static int tun_set_up(const struct tun_device *d)
{
    struct ifreq request = tun_request(d);
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return -errno;
    int error = ioctl(s, SIOCGIFFLAGS, &request) < 0 ? -errno : 0;
    if (error == 0 && (request.ifr_flags & IFF_UP) == 0) {
        request.ifr_flags |= IFF_UP;
        error = ioctl(s, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
    }
    close(s);
    return error;
}

static int tun_make(struct tun_device *d)
{
    struct ifreq request = tun_request(d);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    d->fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    int error = d->fd < 0 || ioctl(d->fd, TUNSETIFF, &request) < 0 ? -errno : 0;
    if (error < 0)
        tun_drop(d);
    return error;
}

static bool tun_is_there(const struct tun_device *d)
{
    struct ifreq request = {0};
    return d->fd >= 0 && ioctl(d->fd, TUNGETIFF, &request) == 0 && strcmp(request.ifr_name, d->name) == 0;
}

int tun_device_keep(struct tun_device *d)
{
    bool there = tun_is_there(d);
    int error = 0;
    if (!there) {
        tun_drop(d);
        error = tun_make(d);
    }
    if (error == 0)
        error = tun_set_up(d);
    if (error != 0 && error != d->error)
        log_warn("can't make the device %s: %s%s", d->name, strerror(-error),
                 error == -EPERM ? ": it needs CAP_NET_ADMIN" : "");
    if (error == 0 && (!there || d->error != 0))
        log_info("the device %s is there", d->name);
    d->error = error;
    return error;
}

/* --- addresses (rtnetlink(7))
 * --------------------------------------------------------------------------------- */

struct tun_message {
    struct nlmsghdr header;
    struct ifaddrmsg address;
    char attributes[64];
};

static void message_add(struct tun_message *m, unsigned short type, const void *data, size_t octets)
{
    struct rtattr attribute = {(unsigned short)RTA_LENGTH(octets), type};
    char *at = (char *)m + NLMSG_ALIGN(m->header.nlmsg_len);
    memcpy(at, &attribute, sizeof attribute);
    memcpy(at + RTA_LENGTH(0), data, octets);
    m->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->header.nlmsg_len) + RTA_ALIGN(attribute.rta_len));
}

/* Sends it and reads the kernel's verdict: 0 or -errno. */
static int message_send(const struct tun_message *m)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
        char rest[512];
    } reply;
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (s < 0)
        return -errno;
    int error = send(s, m, m->header.nlmsg_len, 0) < 0 ? -errno : 0;
    ssize_t got = error == 0 ? recv(s, &reply, sizeof reply, 0) : 0;
    if (got < 0)
        error = -errno;
    else if (error == 0 && (size_t)got < sizeof reply.header + sizeof reply.error.error)
        error = -EIO;
    else if (error == 0)
        error = reply.header.nlmsg_type == NLMSG_ERROR ? reply.error.error : -EIO;
    close(s);
    return error;
}

static const void *address_octets(const union settings_address *a, size_t *octets)
{
    bool v4 = a->sa.sa_family == AF_INET;
    *octets = v4 ? sizeof a->in4.sin_addr : sizeof a->in6.sin6_addr;
    return v4 ? (const void *)&a->in4.sin_addr : (const void *)&a->in6.sin6_addr;
}

int tun_device_set(struct tun_device *d, const union settings_address *address, uint8_t bits, bool there)
{
    struct tun_message m = {0};
    size_t octets;
    const void *data = address_octets(address, &octets);
    unsigned index = if_nametoindex(d->name);
    if (index == 0)
        return there ? -ENODEV : 0;
    m.header.nlmsg_len = NLMSG_LENGTH(sizeof m.address);
    m.header.nlmsg_type = there ? RTM_NEWADDR : RTM_DELADDR;
    m.header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (there ? NLM_F_CREATE | NLM_F_REPLACE : 0));
    m.address.ifa_family = (uint8_t)address->sa.sa_family;
    m.address.ifa_prefixlen = bits;
    m.address.ifa_flags = address->sa.sa_family == AF_INET6 ? IFA_F_NODAD : 0;
    m.address.ifa_index = index;
    message_add(&m, IFA_LOCAL, data, octets);
    message_add(&m, IFA_ADDRESS, data, octets);
    int error = message_send(&m);
    return (there && error == -EEXIST) || (!there && error == -EADDRNOTAVAIL) ? 0 : error;
}

static uint8_t mask_bits(const struct sockaddr *mask)
{
    size_t octets;
    union settings_address copy = {0};
    uint8_t bits = 0;
    memcpy(&copy, mask, mask->sa_family == AF_INET ? sizeof copy.in4 : sizeof copy.in6);
    const uint8_t *at = address_octets(&copy, &octets);
    for (size_t i = 0; i < octets; i++)
        bits = (uint8_t)(bits + __builtin_popcount(at[i]));
    return bits;
}

static bool is_address(const struct ifaddrs *one, const union settings_address *address, uint8_t bits)
{
    size_t octets;
    union settings_address theirs = {0};
    if (one->ifa_addr == NULL || one->ifa_netmask == NULL ||
        one->ifa_addr->sa_family != address->sa.sa_family || (one->ifa_flags & IFF_UP) == 0)
        return false;
    memcpy(&theirs, one->ifa_addr, address->sa.sa_family == AF_INET ? sizeof theirs.in4 : sizeof theirs.in6);
    const void *wanted = address_octets(address, &octets);
    return memcmp(address_octets(&theirs, &octets), wanted, octets) == 0 &&
           mask_bits(one->ifa_netmask) == bits;
}

int tun_device_has(const struct tun_device *d, const union settings_address *address, uint8_t bits)
{
    struct ifaddrs *all;
    int found = 0;
    if (getifaddrs(&all) < 0)
        return -errno;
    for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next)
        if (strcmp(one->ifa_name, d->name) == 0 && is_address(one, address, bits))
            found = 1;
    freeifaddrs(all);
    return found;
}

json_t *tun_device_hand_over(const struct tun_device *d, int *fds, size_t *count)
{
    if (d->fd < 0)
        return json_object();
    fds[(*count)++] = d->fd;
    return json_pack("{s:i}", "fd", d->fd);
}

void tun_device_take_over(struct tun_device *d, const json_t *heritage)
{
    tun_drop(d);
    d->fd = heritage_fd(heritage, "fd");
}

void tun_device_close(struct tun_device *device)
{
    if (device == NULL)
        return;
    tun_drop(device);
    free(device);
}
