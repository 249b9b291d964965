/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The two processes, seen from the announcer: starts the server, watches that it lives and that its hearts
 * beat, and puts another one in its place, on the same sockets, when it doesn't. It also beats the
 * announcer's own heart, which the server watches in turn.
 *
 *     fork, exec ourselves --> server
 *     SIGCHLD, still heart --> kill --> start again (base/respawn)
 *     not serving for the grace --> `gone`;  serving again --> `back`
 *
 * The server inherits the service sockets, the shared memory, the channel and the configuration's text; every
 * other descriptor is closed by exec, because a copy of a BGP socket would keep a dead announcer's route
 * alive.
 */
#ifndef HITHER_GUARD_H
#define HITHER_GUARD_H

#include "base/clock.h"
#include "base/shared.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define GUARD_START_MS 10000 /* from its start to its first heartbeat */
#define GUARD_STOP_MS  2000  /* from "stop" to SIGKILL */
#define GUARD_MAX_ASKS 64

/* What the server needs, besides the sockets in `down`; all of it outlives the guard. */
struct guard_setup {
    const char *program;      /* argv[0] of the server */
    const char *settings;     /* the configuration's path, for messages and for paths relative to it */
    struct shared_down *down; /* our side */
    const struct shared_up *up;
    int down_fd;
    int up_fd;
    int text_fd;            /* the configuration's text in force */
    int64_t grace_ms;       /* a server that is back within this time keeps its route */
    const json_t *heritage; /* the server of the program before us: answers until ours does; NULL: none */
};

/* How a server that wasn't told to leave has died. */
struct guard_death {
    const char *why; /* one line */
    pid_t pid;
    struct mono started;
    struct mono died;
    unsigned row;     /* deaths, each soon after its start: this one counts */
    int64_t pause_ms; /* until the next is started */
};

/* Called on the loop. */
struct guard_owner {
    void (*died)(void *arg, const struct guard_death *death); /* `up` is still as it left it */
    void (*gone)(void *arg, const char *why);                 /* the grace is over and nobody answers */
    void (*back)(void *arg);    /* after `gone`, and for the first time: it serves */
    void (*news)(void *arg);    /* it serves, or its zones are others: shared memory says more */
    void (*refused)(void *arg); /* the first server found its zones wrong, and has said so */
    void *arg;
};

/* The reply to guard_ask(): a JSON object that the server wrote, not looked at; NULL when it died instead. */
typedef void (*guard_reply)(void *arg, const char *json, size_t octets);

struct guard;

/* Another grace, from the next death on. */
void guard_set_grace(struct guard *guard, int64_t grace_ms);

/* Starts the first server. NULL, and `why` says what is wrong. Copies `setup` and `owner`. */
struct guard *guard_start(uv_loop_t *loop, const struct guard_setup *setup, const struct guard_owner *owner,
                          char *why, size_t why_octets);

/* Sends a command down the channel (base/channel.h). 0, and `reply` will be called once; or -errno: no server
 * is there to ask. */
int guard_ask(struct guard *guard, const char *command, guard_reply reply, void *arg);

/* The server is alive, its zones are published and its workers run. */
bool guard_is_serving(const struct guard *guard);

/* No heart that should beat stands still: there is no server that was killed and doesn't die. */
bool guard_is_well(const struct guard *guard);

/* It served, and doesn't at the moment: within its grace, or beyond it. */
bool guard_is_down(const struct guard *guard);

/* How often a server was put in the place of one that died. */
unsigned guard_restarts(const struct guard *guard);

#define GUARD_HERITAGE_FDS (1 + SHARED_MAX_IMAGES)

/* Leaves the server to another program: its channel and images go into `fds`, and it stops watching our
 * heart, because the heir beats another. New reference, or NULL. */
json_t *guard_hand_over(struct guard *guard, int *fds, size_t *count);

/* It came to nothing: the server watches our heart again. */
void guard_keep(struct guard *guard);

/* Has the server leave, without replacing it, and calls `done` when it is gone. No other callback comes any
 * more. Memory goes when the loop has run the close callbacks. */
void guard_stop(struct guard *guard, void (*done)(void *arg), void *arg);

/* The same without asking it. */
void guard_kill(struct guard *guard);

#endif
