/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the self-check remembers. health/health writes it; health/why tells of it; nobody else looks.
 */
#ifndef HITHER_HEALTH_STATE_H
#define HITHER_HEALTH_STATE_H

#include "health/asked.h"
#include "health/exec.h"
#include "health/flight.h"
#include "health/health.h"
#include "health/probe.h"
#include "health/strain.h"
#include "health/workers.h"
#include "health/zones.h"

#include <arpa/inet.h>
#include <uv.h>

#define WHY_OCTETS        1400
#define SCOPE_NAME_OCTETS (INET6_ADDRSTRLEN + 8)

/* One verdict: an announced prefix, or everything when there is none. */
struct scope {
    struct settings_prefix prefix; /* family 0: everything; its text isn't used */
    struct verdict_state state;
    bool addresses[SETTINGS_MAX_ADDRESSES]; /* which listen addresses count */
    struct zones_effect zones;              /* as the last complete walk found them */
    size_t group;                           /* of zones that are its own */
    bool takes_common;                      /* zones without a prefix count for it */
    enum verdict told;                      /* what the log knows */
};

struct health {
    uv_loop_t *loop;
    uv_timer_t interval; /* a round */
    uv_timer_t watch;    /* a look at shared memory, and at the time */
    const struct shared_up *up;
    health_callback callback;
    void *arg;
    struct settings_health settings;
    struct verdict_rules rules;
    struct probe *probe;
    union settings_address listen[SETTINGS_MAX_ADDRESSES];
    size_t listen_count;
    struct scope scopes[SETTINGS_MAX_PREFIXES];
    size_t scope_count;
    bool has_prefixes;
    struct zones_scan scan;
    struct asked asked;    /* in the last round, or in the one under way */
    uint64_t refused;      /* of the last round: zones with bad answers */
    struct mono changed;   /* when the table of zones was last another one */
    uint64_t good_answers; /* by the server's count, when the round began */
    bool clients_good;     /* clients got good answers while the last round ran, more than our own */
    struct health_workers workers;
    bool lanes; /* each worker can be asked by itself */
    struct exec_checks *execs;
    struct flight *flight;
    struct strain strain;
    struct mono strain_at;
    int64_t unix_offset_s; /* wall time less monotonic time, as at the start */
    bool zones_too_old;
    bool signatures_end;   /* so soon, or already, that it is trouble */
    char back[WHY_OCTETS]; /* why not the newest zones are served; empty: they are */
    bool serving;
    bool gone; /* the guard knows that the server can't answer */
    char gone_why[256];
    uint64_t rounds;
    struct probe_result results[SETTINGS_MAX_ADDRESSES * 2];
    size_t result_count;
    struct mono round_began;
    int64_t round_took_ms;
    struct mono watched_at;
    char why[WHY_OCTETS];
    bool stopping;
    unsigned open_handles;
};

#endif
