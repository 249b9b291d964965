/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/lane.h"

#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define LANE_STEPS 48

#define AT_NETWORK(offset)   ((uint32_t)(SKF_NET_OFF + (offset)))
#define AT_ANCILLARY(offset) ((uint32_t)(SKF_AD_OFF + (offset)))

#define BY_VALUE(operation) (BPF_ALU | (operation))
#define BY_X(operation)     (BPF_ALU | BPF_X | (operation))

#define LOAD_WORD  (BPF_LD | BPF_W | BPF_ABS)
#define LOAD_HALF  (BPF_LD | BPF_H | BPF_ABS)
#define LOAD_OCTET (BPF_LD | BPF_B | BPF_ABS)

struct lane_program {
    struct sock_filter steps[LANE_STEPS];
    uint16_t count;
    uint16_t unless[8]; /* tests that lead to the hash when they fail */
    size_t unless_count;
};

static void add(struct lane_program *p, unsigned code, uint32_t value)
{
    p->steps[p->count++] = (struct sock_filter){.code = (uint16_t)code, .k = value};
}

static void require(struct lane_program *p, unsigned comparison, uint32_t value)
{
    p->unless[p->unless_count++] = p->count;
    add(p, BPF_JMP | BPF_K | comparison, value);
}

/* Headers of a probe have nothing unusual about them, so ports stand right behind the shortest one. */
static void add_plain_header(struct lane_program *p, int family, int transport)
{
    if (family == AF_INET) {
        add(p, LOAD_OCTET, AT_NETWORK(0));
        require(p, BPF_JEQ, 0x45);
    } else {
        add(p, LOAD_OCTET, AT_NETWORK(6));
        require(p, BPF_JEQ, (uint32_t)transport);
    }
}

static void add_lanes(struct lane_program *p, uint32_t ports_at, unsigned workers)
{
    add(p, LOAD_HALF, ports_at);
    require(p, BPF_JGE, LANE_PORT_FIRST);
    add(p, BY_VALUE(BPF_SUB), LANE_PORT_FIRST);
    add(p, BY_VALUE(BPF_MOD), workers);
    add(p, BY_VALUE(BPF_ADD), workers);
    add(p, BPF_RET | BPF_A, 0);
}

static uint32_t odd_secret(void)
{
    return randombytes_random() | 1;
}

/* Adds a word of the packet to the hash in A: (A + word) * secret, and X is overwritten. */
static void add_to_hash(struct lane_program *p, uint32_t at)
{
    add(p, BPF_MISC | BPF_TAX, 0);
    add(p, LOAD_WORD, at);
    add(p, BY_X(BPF_ADD), 0);
    add(p, BY_VALUE(BPF_MUL), odd_secret());
}

/* A ^= A >> bits: what is high, and so depends on everything, comes down to where the remainder sees it. */
static void add_fold(struct lane_program *p, uint32_t bits)
{
    add(p, BPF_MISC | BPF_TAX, 0);
    add(p, BY_VALUE(BPF_RSH), bits);
    add(p, BY_X(BPF_XOR), 0);
}

static void add_hash(struct lane_program *p, int family, uint32_t ports_at, unsigned workers)
{
    uint32_t source_at = AT_NETWORK(family == AF_INET ? 12 : 8);
    size_t words = family == AF_INET ? 1 : 4;
    for (size_t i = 0; i < p->unless_count; i++)
        p->steps[p->unless[i]].jf = (uint8_t)(p->count - p->unless[i] - 1);
    add(p, BPF_LD | BPF_IMM, randombytes_random());
    for (uint32_t i = 0; i < words; i++)
        add_to_hash(p, source_at + 4 * i);
    add_fold(p, 15);
    add_to_hash(p, ports_at);
    add_fold(p, 16);
    add(p, BY_VALUE(BPF_MUL), odd_secret());
    add_fold(p, 13);
    add(p, BY_VALUE(BPF_MOD), workers);
    add(p, BPF_RET | BPF_A, 0);
}

int lane_attach(int fd, int family, unsigned workers)
{
    struct lane_program p = {.count = 0};
    uint32_t ports_at = AT_NETWORK(family == AF_INET ? 20 : 40);
    unsigned loopback = if_nametoindex("lo");
    int type = 0;
    socklen_t octets = sizeof type;
    if (loopback == 0)
        return -ENODEV;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &octets) < 0)
        return -errno;
    add(&p, LOAD_WORD, AT_ANCILLARY(SKF_AD_IFINDEX));
    require(&p, BPF_JEQ, loopback);
    add_plain_header(&p, family, type == SOCK_DGRAM ? IPPROTO_UDP : IPPROTO_TCP);
    add_lanes(&p, ports_at, workers);
    add_hash(&p, family, ports_at, workers);
    struct sock_fprog program = {.len = p.count, .filter = p.steps};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) < 0 ? -errno : 0;
}

void lane_detach(int fd)
{
    int none = 0;
    (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none);
}

uint16_t lane_port(unsigned worker, unsigned workers, uint32_t random)
{
    uint32_t rows = (LANE_PORTS - worker + workers - 1) / workers; /* ports that lead there */
    return (uint16_t)(LANE_PORT_FIRST + worker + random % rows * workers);
}
