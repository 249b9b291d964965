/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a worker is working on, in memory that it shares with the announcer: when the server crashes, the
 * queries that it was answering are still there to be read. It costs a worker next to nothing: datagrams are
 * received into this memory in the first place, so that a batch adds its lengths and two counters.
 *
 *     net/udp, net/tcp --> flight --(the server dies)--> crash --> state-dir/crash-TIME.txt
 */
#ifndef HITHER_BASE_FLIGHT_H
#define HITHER_BASE_FLIGHT_H

#include "config.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FLIGHT_BATCH        32
#define FLIGHT_QUERY_OCTETS 4096
#define FLIGHT_TCP_OCTETS   512 /* kept of a query over TCP, which has its memory elsewhere */

struct flight {
    _Atomic uint32_t batches; /* begun since the start: moves while the worker gets on with its work */
    _Atomic uint32_t udp_count;
    _Atomic uint32_t tcp_octets; /* of the whole query; 0: none */
    uint16_t udp_octets[FLIGHT_BATCH];
    union settings_address udp_clients[FLIGHT_BATCH];
    union settings_address tcp_client;
    uint8_t tcp[FLIGHT_TCP_OCTETS];
    uint8_t udp[FLIGHT_BATCH][FLIGHT_QUERY_OCTETS];
} __attribute__((aligned(64)));

static inline void flight_count_batch(struct flight *flight)
{
    uint32_t batches = atomic_load_explicit(&flight->batches, memory_order_relaxed);
    atomic_store_explicit(&flight->batches, batches + 1, memory_order_relaxed);
}

/* `count` datagrams have been received into `udp` and `udp_clients`, and their lengths are in `udp_octets`.
 */
static inline void flight_begin_udp(struct flight *flight, size_t count)
{
    flight_count_batch(flight);
    atomic_store_explicit(&flight->udp_count, (uint32_t)count, memory_order_release);
}

static inline void flight_end_udp(struct flight *flight)
{
    atomic_store_explicit(&flight->udp_count, 0, memory_order_release);
}

static inline void flight_begin_tcp(struct flight *flight, const union settings_address *client,
                                    const uint8_t *query, size_t octets)
{
    memcpy(flight->tcp, query, octets < FLIGHT_TCP_OCTETS ? octets : FLIGHT_TCP_OCTETS);
    flight->tcp_client = *client;
    flight_count_batch(flight);
    atomic_store_explicit(&flight->tcp_octets, (uint32_t)octets, memory_order_release);
}

static inline void flight_end_tcp(struct flight *flight)
{
    atomic_store_explicit(&flight->tcp_octets, 0, memory_order_release);
}

#endif
