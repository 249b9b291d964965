/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The limit in the driver: an XDP program that turns every DNS query over IPv4 and UDP into a response where
 * it arrives, before the kernel has made a packet of it, and sends it back by XDP_TX. Loaded by bench/run
 * with ip-link(8). Everything else goes up the stack untouched.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DNS_PORT   53
#define DNS_HEADER 12

struct query {
    struct ethhdr ether;
    struct iphdr ip; /* no options: a generator sends none */
    struct udphdr udp;
    __u8 dns[DNS_HEADER];
} __attribute__((packed));

static __always_inline void reflect_addresses(struct query *query)
{
    __u8 mac[ETH_ALEN];
    __builtin_memcpy(mac, query->ether.h_dest, ETH_ALEN);
    __builtin_memcpy(query->ether.h_dest, query->ether.h_source, ETH_ALEN);
    __builtin_memcpy(query->ether.h_source, mac, ETH_ALEN);

    __be32 address = query->ip.daddr;
    query->ip.daddr = query->ip.saddr;
    query->ip.saddr = address;

    __be16 port = query->udp.dest;
    query->udp.dest = query->udp.source;
    query->udp.source = port;
}

SEC("xdp")
int xdp_reflect(struct xdp_md *packet)
{
    struct query *query = (void *)(long)packet->data;
    void *end = (void *)(long)packet->data_end;

    if ((void *)(query + 1) > end || query->ether.h_proto != bpf_htons(ETH_P_IP) || query->ip.ihl != 5 ||
        query->ip.protocol != IPPROTO_UDP || query->udp.dest != bpf_htons(DNS_PORT))
        return XDP_PASS;
    reflect_addresses(query);
    query->dns[2] |= 0x80; /* QR */
    query->udp.check = 0;  /* which IPv4 allows, and the sum would be wrong now */
    return XDP_TX;
}

char reflect_license[] SEC("license") = "Dual BSD/GPL";
