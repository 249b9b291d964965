/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The memory that the two processes share: one region that only the announcer writes, one that only the
 * server writes. Both are sealed memfds, so neither can shrink one under the other, and each side maps the
 * other's region read-only. Whoever reads trusts nothing: counts are bounded, text is copied out and checked.
 *
 *     announcer --- shared_down: sockets, its heart, the state of the route ---> server
 *     announcer <-- shared_up: hearts of main and workers, zones, counters  ---- server
 */
#ifndef HITHER_BASE_SHARED_H
#define HITHER_BASE_SHARED_H

#include "base/flight.h"
#include "config.h"

#include <stdatomic.h>
#include <stdint.h>

#define SHARED_MAGIC       0x68697468 /* "hith" */
#define SHARED_MAX_SOCKETS (SETTINGS_MAX_ADDRESSES * SETTINGS_MAX_WORKERS * 4)
#define SHARED_MAX_ZONES   (1024 * 1024)
#define SHARED_TEXT_OCTETS (512 * 1024)
#define SHARED_MAX_IMAGES  128 /* zone/shelf.h: as many as go into one message */

enum shared_transport {
    SHARED_UDP,
    SHARED_TCP,
};

/* A bound service socket, inherited by the server at the same descriptor. */
struct shared_socket {
    int32_t fd;
    uint16_t worker;    /* which worker it belongs to */
    uint16_t address;   /* which of settings.server.listen */
    uint16_t transport; /* enum shared_transport */
    uint16_t lane;      /* 1: the self-check's alone (net/lane.h) */
};

/* What this PoP does with its route, in the design's words. */
enum route_state {
    ROUTE_INIT,
    ROUTE_UP,
    ROUTE_DEGRADED,
    ROUTE_DRAINING,
    ROUTE_WITHDRAWN,
};

/* A text that one side replaces and the other reads: odd `sequence` means that it is being written. */
struct shared_text {
    _Atomic uint32_t sequence;
    uint32_t octets;
    char text[SHARED_TEXT_OCTETS];
};

/* Written by the announcer. */
struct shared_down {
    uint32_t magic;
    uint32_t socket_count;
    uint32_t lanes; /* 1: every address has them, so that probes reach the worker they are meant for */
    struct shared_socket sockets[SHARED_MAX_SOCKETS];
    uint32_t image_count;
    int32_t images[SHARED_MAX_IMAGES]; /* that the server before left, inherited at the same descriptor */
    _Atomic int64_t beat_ns;           /* the announcer's heart, monotonic */
    _Atomic uint32_t route_state;      /* enum route_state */
    _Atomic uint32_t last_good;        /* 1: a server that starts serves the last good zones (zone/good.h) */
    struct shared_text status;         /* the announcer's half of /status: one JSON object */
};

enum shared_zone_state {
    SHARED_ZONE_LOADING, /* not served yet */
    SHARED_ZONE_SERVED,
    SHARED_ZONE_FAILED, /* could not be loaded, and no older image is there to serve */
    SHARED_ZONE_STALE,  /* the newest source was refused; the image before it is being served */
};

/* One of announce.prefixes. */
struct shared_prefix {
    uint8_t family;
    uint8_t bits;
    uint8_t octets[16];
};

struct shared_zone {
    uint32_t state; /* enum shared_zone_state */
    uint32_t serial;
    uint64_t names;
    uint64_t image_octets;
    int64_t loaded_unix_s;
    int64_t signature_end_unix_s; /* when the first signature expires; 0: unsigned */
    int64_t expires_unix_s; /* when it will be served no more unless its primary is heard from; 0: never */
    uint32_t counter;       /* of its queries, in worker_stats.zones; 0: shared with other zones */
    uint64_t prefixes;      /* its own: a set of the bits 1 << index into shared_up.prefixes */
    uint8_t digest[16];     /* the first half of the image's BLAKE2b-256 */
    uint8_t apex[256];      /* folded wire name */
};

/* Written by the server. */
struct shared_up {
    uint32_t magic;
    _Atomic uint32_t serving; /* 1 once the first zone set is published and the workers run */
    _Atomic int64_t beat_ns;  /* the main thread's heart, monotonic */
    _Atomic uint32_t worker_count;
    _Atomic int64_t worker_beat_ns[SETTINGS_MAX_WORKERS];
    _Atomic int32_t worker_tid[SETTINGS_MAX_WORKERS];      /* 0: not running yet */
    struct flight flights[SETTINGS_MAX_WORKERS];           /* what each worker is working on */
    _Atomic uint64_t worker_queries[SETTINGS_MAX_WORKERS]; /* taken since start by each */
    _Atomic uint64_t good_answers;  /* since start, all workers: NOERROR and NXDOMAIN */
    _Atomic uint64_t answers;       /* the same, whatever the rcode */
    _Atomic uint64_t queries;       /* answered since start, all workers; for "queries have stopped" */
    _Atomic uint32_t zone_sequence; /* odd while the zone table is being replaced */
    _Atomic uint32_t zone_count;
    uint32_t prefix_count; /* what zones mean by their prefixes; replaced with the table */
    struct shared_prefix prefixes[SETTINGS_MAX_PREFIXES];
    struct shared_zone zones[SHARED_MAX_ZONES]; /* sparse: only what is used takes memory */
};

/* Makes a sealed memfd of `octets`, close-on-exec, named for /proc. The descriptor, or -errno. */
int shared_create(const char *name, size_t octets);

/* Maps it; `writable` only for the side that writes it. NULL when it is too small or can't be mapped. */
void *shared_map(int fd, size_t octets, bool writable);

/* Replaces the text (cut to what fits). One writer. */
void shared_text_set(struct shared_text *to, const char *text, size_t octets);

/* Copies a whole, untorn text out, zero-terminated, into `text` of SHARED_TEXT_OCTETS. Octets, or -EAGAIN
 * when the writer would not hold still (or died while writing). */
long shared_text_get(const struct shared_text *from, char *text);

#endif
