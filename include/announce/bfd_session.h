/* SPDX-License-Identifier: BSD-2-Clause
 *
 * BFD sessions on the loop: sockets and timers around announce/bfd_fsm, one session for each neighbour that
 * asks for it, between the addresses of its BGP session.
 *
 *     announcer --- start, mute, stop -------------> bfd_session --- UDP 3784, TTL 255 ---> router
 *     announcer <-- down, changed ----------------- bfd_session <-- bfd_fsm <-- bfd_read <-- router
 *
 * Packets are sent from the announcer's own loop and by nothing else, so they stop when it does: a PoP that
 * hangs as a whole is gone from the router's view after the detection time.
 *
 * RFCs: 5880, 5881 (single hop), 5882 (what clients of BFD do).
 */
#ifndef HITHER_ANNOUNCE_BFD_SESSION_H
#define HITHER_ANNOUNCE_BFD_SESSION_H

#include "base/clock.h"
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

/* The sockets that hear, and who is to be told what. One for the whole process. */
struct bfd;
struct bfd_session;

struct bfd_callbacks {
    void (*up)(void *arg);
    void (*down)(void *arg, const char *why); /* it was up; not when either side wished it so */
    void (*changed)(void *arg);               /* for whoever shows it */
};

/* NULL when memory is short. Nothing is opened yet. */
struct bfd *bfd_new(uv_loop_t *loop);

/* Stops all sessions, lets them say farewell, frees everything and calls `gone`, at once when there is none.
 */
void bfd_close(struct bfd *bfd, void (*gone)(void *arg), void *arg);

/* Leaves all sessions to another program: their sockets go into `fds`. Each says a packet, so call it right
 * before. New reference, or NULL. */
json_t *bfd_hand_over(struct bfd *bfd, int *fds, size_t *count);

/* Goes on with those that another program left (NULL: none). Nobody is told anything of one until
 * bfd_session_start() finds it. */
void bfd_take_over(struct bfd *bfd, const json_t *heritage);

/* `name` is the neighbour's, for the log. NULL when memory is short. What doesn't work out with the sockets
 * is told in the log, and tried again. A session that runs between these addresses already is taken over as
 * it is: a peer would take another one for the end of the first. */
struct bfd_session *bfd_session_start(struct bfd *bfd, const char *name, const struct settings_bfd *times,
                                      const union settings_address *local,
                                      const union settings_address *remote,
                                      const struct bfd_callbacks *callbacks, void *arg);

/* Goes to AdminDown, says so to the peer a few times, and frees itself. No callback comes any more. */
void bfd_session_stop(struct bfd_session *session);

/* Stops the session that was started, or taken over, with this `arg`, if there is one. */
void bfd_stop_of(struct bfd *bfd, const void *arg);

/* Another owner from now on: the callbacks get `arg`. */
void bfd_session_pass_on(struct bfd_session *session, void *arg);

/* Whether it runs between these; ports aren't looked at. */
bool bfd_session_is_between(const struct bfd_session *session, const union settings_address *local,
                            const union settings_address *remote);

void bfd_session_set_times(struct bfd_session *session, const struct settings_bfd *times);

/* Sends nothing at all, so that the peer finds out: what it has of ours isn't good any more. */
void bfd_session_set_muted(struct bfd_session *session, bool muted);

/* States, times and counts. New reference or NULL. */
json_t *bfd_session_status(const struct bfd_session *session, struct mono now);

#endif
