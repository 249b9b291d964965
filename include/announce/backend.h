/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Announcing through another program: BIRD, FRR, ExaBGP, a command of the operator's, or a network device.
 * The announcer says for each prefix in which state its route should be; what is here makes it so through a
 * driver, looks at the result after every change, and looks again every verify-interval: these programs
 * restart, are configured anew, and forget.
 *
 *     announcer --(backend_want)--> wanted state --(differs from what was seen)--> driver change --> driver
 * look
 *
 * One operation at a time, withdrawals first. Unlike our own BGP session the route outlives us when we are
 * killed, except where it hangs on `tun-device`, which the kernel removes with us (announce/tun_device.h).
 */
#ifndef HITHER_ANNOUNCE_BACKEND_H
#define HITHER_ANNOUNCE_BACKEND_H

#include "base/clock.h"
#include "base/shared.h"
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

struct backend;

#define BACKEND_WHY_OCTETS   160
#define BACKEND_HERITAGE_FDS 4 /* descriptors left to another program, at most */

/* What a driver is told of a route. */
struct backend_route {
    struct settings_prefix is; /* its text isn't used */
    char text[64];
    enum route_state state;
    bool announced; /* by the state */
    bool lesser;    /* announced, but to be others' second choice: degraded or draining */
    struct settings_policy policy;
    struct settings_bird_protocols bird;
    union settings_address address; /* of ours, in the prefix; family 0: none */
};

/* What a look has shown. */
enum backend_seen {
    BACKEND_AS_WANTED,
    BACKEND_OTHERWISE,
    BACKEND_UNSEEN, /* the program can't be asked */
};

/* How one kind of program is steered. `change` and `look` are told one route at a time, and each ends with
 * exactly one call of backend_changed() or backend_seen(), perhaps before it returns and never later than
 * the time that the settings allow. Changes may be repeated. */
struct backend_driver {
    void *(*open)(struct backend *backend, uv_loop_t *loop, const struct settings_backend *settings);
    void (*change)(void *driver, const struct backend_route *route);
    void (*look)(void *driver, const struct backend_route *route);
    void (*close)(void *driver); /* ends with backend_closed() */
    /* Between two operations: what another program needs to go on, its descriptors into `fds`; and that taken
     * over, before the first operation. NULL where every operation stands alone. */
    json_t *(*hand_over)(void *driver, int *fds, size_t *count);
    void (*take_over)(void *driver, const json_t *heritage);
};

/* For drivers. `why` is NULL when all went well. */
void backend_changed(struct backend *backend, const char *why);
void backend_seen(struct backend *backend, enum backend_seen seen, const char *why);
void backend_closed(struct backend *backend);

/* Opens the backend that the settings ask for; prefixes are wanted withdrawn until backend_want(). `changed`
 * is called when something was made, or couldn't be. What another program has left in `heritage` (NULL: none)
 * isn't made again, but looked at. NULL when memory is short. */
struct backend *backend_open(uv_loop_t *loop, const struct settings *settings, const json_t *heritage,
                             void (*changed)(void *arg), void *arg);

/* Leaves routes, device and pipes to another program: descriptors go into `fds`. NULL while an operation is
 * under way, which may take its command's timeout; none begins from the first call on, until
 * backend_keep(). */
json_t *backend_hand_over(struct backend *backend, int *fds, size_t *count);

/* Nothing was handed over after all. */
void backend_keep(struct backend *backend);

/* The state wanted for a prefix, and its route with it. Cheap when nothing changes. */
void backend_want(struct backend *backend, const struct settings_prefix *prefix, enum route_state state);

/* Takes other prefixes over; those that went are withdrawn. False when the settings differ in more than that:
 * close it then and open another. */
bool backend_reload(struct backend *backend, const struct settings *settings);

/* Whether all is as wanted, and was seen so. */
bool backend_is_settled(const struct backend *backend);

/* Whether a prefix may be announced still, as far as was seen. */
bool backend_holds_any(const struct backend *backend);

/* How long a drain should wait for it at most. */
int64_t backend_patience_ms(const struct backend *backend);

/* Withdraws everything, looks, and frees; then calls `gone` (may be NULL). What can't be withdrawn in
 * backend_patience_ms() is logged as such. */
void backend_close(struct backend *backend, void (*gone)(void *arg), void *arg);

/* An array: each prefix with its state there. New reference. */
json_t *backend_status(const struct backend *backend);

#endif
