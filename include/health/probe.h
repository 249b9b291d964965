/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One round of questions to our own service addresses, each from a new socket with a random port and random
 * ids. Each worker is asked on every address over UDP and over TCP for one zone, and in turn one of them over
 * UDP for a slice of the zones: the ports that the questions come from lead to the workers (net/lane.h). With
 * more than PROBE_ASKS_MOST of these they take turns, and a row with a bad one is asked again.
 *
 * Without lanes the kernel spreads datagrams over the workers by their addresses and ports. Then one socket
 * on every address asks for the slice, one asks over TCP, and as many more as there are workers ask for one
 * zone each: a worker that doesn't answer is met within a few rounds, but not known by its number.
 *
 * A round ends when everything is answered, or at its time limit; what is missing then counts as bad. UDP
 * questions are asked once again at half the time, because a datagram may be lost in a full queue.
 */
#ifndef HITHER_HEALTH_PROBE_H
#define HITHER_HEALTH_PROBE_H

#include "config.h"
#include "health/probe_message.h"

#include <uv.h>

#define PROBE_ZONES_MOST 64 /* of one round */
#define PROBE_ASKS_MOST  512

enum probe_transport {
    PROBE_UDP,
    PROBE_TCP,
};

/* What came of one address and transport. */
struct probe_result {
    size_t address; /* of settings.server.listen */
    enum probe_transport transport;
    bool good;        /* every question has a good answer */
    bool reached;     /* every question has an answer of ours, good or not */
    uint64_t refused; /* zones that we answered for, but not well: 1 << index into the round's names */
    unsigned asked;
    unsigned answered;             /* well */
    bool steered;                  /* what follows is known: 1 << the worker's number */
    uint64_t workers;              /* asked */
    uint64_t lost_workers;         /* without an answer of ours to every question */
    uint64_t wrong_workers;        /* answered badly what was answered well otherwise */
    unsigned worker;               /* whom `why` is about */
    const char *why;               /* a string that lives on; NULL when good */
    uint8_t name[NAME_MAX_OCTETS]; /* the first that isn't answered well */
};

struct probe;

typedef void (*probe_callback)(void *arg, const struct probe_result *results, size_t count);

/* Probes all of `server`'s listen addresses and expects its identity; copies both. `lanes`: they have lanes.
 * NULL when memory is short. */
struct probe *probe_new(uv_loop_t *loop, const struct settings_server *server, bool lanes,
                        probe_callback callback, void *arg);

/* Starts a round for `count` zones (at most PROBE_ZONES_MOST; 0: id.server) that ends with the callback,
 * never from inside. Does nothing while one is running. */
void probe_round(struct probe *probe, uint8_t (*names)[NAME_MAX_OCTETS], int count, uint32_t timeout_ms);

bool probe_is_running(const struct probe *probe);

/* The address as it is probed: a wildcard by its loopback address. */
union settings_address probe_address_of(const union settings_address *listen);

/* No callback comes any more; freed when the loop has closed what was open. */
void probe_free(struct probe *probe);

#endif
