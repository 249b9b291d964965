/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The announcer process: one loop that holds everything about the route, and the server's life.
 *
 *     guard  --> health --> fleet --> announcer --> shared_down (for /status)
 *     control, signals --> drain, reload, leave
 */
#ifndef HITHER_STEER_H
#define HITHER_STEER_H

#include "announce/announcer.h"
#include "base/clock.h"
#include "base/shared.h"
#include "config.h"
#include "control/control.h"
#include "guard.h"
#include "health/fleet_socket.h"
#include "health/health.h"
#include "settings_text.h"

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <uv.h>

#define STEER_WHY_OCTETS    512 /* with what the fleet makes of it */
#define STEER_HEALTH_OCTETS 256

/* How far the way out is. */
enum steer_leaving {
    STEER_STAYS,
    STEER_DRAINS,  /* the route is being taken back */
    STEER_LINGERS, /* it is gone; queries that were on their way still come */
    STEER_CLOSES,  /* Cease is being sent */
    STEER_ENDS,    /* the server is leaving */
};

/* Of an upgrade that has been asked for. */
struct steer_upgrade_state {
    bool under_way;
    struct control_request *request; /* NULL: a signal, or it has been answered */
    pid_t judge;                     /* the new program's judgement on the configuration; 0: none */
    uv_signal_t child;
    struct stat judged; /* the file that it was */
    uv_timer_t delay;
    struct mono give_up; /* something is always under way that can't be handed over */
};

/* Of the server; `row` 0: none has died. */
struct steer_death {
    struct mono at;
    unsigned row;
    int64_t lived_ms;
    int64_t pause_ms;
    size_t queries; /* that were being answered */
    char why[STEER_WHY_OCTETS];
    char record[PATH_MAX]; /* its file; empty: none */
};

#define HISTORY_KEPT        64
#define HISTORY_TEXT_OCTETS 200

enum steer_event_kind {
    EVENT_ROUTE,
    EVENT_NEIGHBOR,
    EVENT_SERVER,
    EVENT_OPERATOR,
};

struct steer_event {
    int64_t unix_ms;
    enum steer_event_kind kind;
    bool good;
    char text[HISTORY_TEXT_OCTETS];
};

struct steer_history {
    uint64_t noted;
    struct steer_event events[HISTORY_KEPT];
    json_t *neighbors; /* as told last */
};

/* The last good zones and settings, and the trial of newer ones. */
struct steer_good {
    struct settings_text text; /* none: nothing was good yet */
    uint8_t digest[16];        /* of the zones; zeros: of an earlier life */
    uint8_t tried[16];         /* of those on trial */
    struct mono ends;          /* the trial */
    uv_timer_t timer;
    bool on_trial;
    bool failed_before; /* it did so when the trial began, and still does */
    bool asked;         /* the server is keeping what is good */
    bool back;          /* they are in force, because what is newer failed */
    char why[STEER_WHY_OCTETS];
};

struct steer {
    uv_loop_t loop;
    const char *program;       /* argv[0] */
    char executable[PATH_MAX]; /* where we came from: what is there now may be newer */
    json_t *heritage;          /* of the program in whose place we are; NULL: this is a start */
    char path[PATH_MAX];       /* of the configuration; settings come and go */
    struct settings *settings;
    struct shared_down *down;
    const struct shared_up *up;
    int down_fd;
    int up_fd;
    int text_fd;
    int statm_fd; /* of our own memory; below 0: unknown */
    struct mono started;
    struct steer_death last_death;

    struct guard *guard;
    struct health *health;
    struct announcer *announcer;
    struct fleet *fleet; /* NULL: none is configured, and health alone decides */
    struct fleet_socket *fleet_socket;
    struct control *control;
    uv_signal_t hup;
    uv_signal_t term;
    uv_signal_t interrupt;
    uv_signal_t usr2;
    struct steer_upgrade_state upgrade;
    uv_timer_t watchdog; /* the service manager's, to be fed */

    enum route_state route; /* as told last */
    struct mono route_since;
    char why[STEER_WHY_OCTETS]; /* what health said last, and what the fleet makes of it */
    char health_why[STEER_HEALTH_OCTETS];
    struct verdict_report report; /* health's last */

    struct steer_good good;

    uv_timer_t drain;                      /* the end of an operator's drain */
    struct control_request *drain_request; /* the other PoPs are being asked about it; NULL: none */
    uint64_t drain_for_ms;

    struct steer_history history;

    enum steer_leaving leaving;
    uv_timer_t linger;
    struct mono linger_until;
    struct mono quiet_since;
    uint64_t queries; /* at the last look */
    int status;       /* exit status */
};

/* Runs the announcer (and so the server) with `settings`, which are taken over, and which `text` means, until
 * told to leave. `program` is our argv[0]. The exit status. */
int steer_main(const char *program, struct settings *settings, const struct settings_text *text);

/* Tells the announcer what health said last, as far as the fleet lets it. */
void steer_go_by_verdict(struct steer *s);

/* steer_fleet.c: the other PoPs. */

/* Starts, changes or stops the heartbeats as the settings in force say. False when memory is short. */
bool steer_fleet_apply(struct steer *s);

void steer_fleet_stop(struct steer *s);

/* Health's last report, with what the fleet makes of it. */
struct verdict_report steer_fleet_verdict(struct steer *s);

/* steer_leave.c: the way out. */

/* Drains, waits until queries stop, closes, and ends the loop. */
void steer_leave(struct steer *s, const char *reason);

/* Ends everything now. */
void steer_leave_now(struct steer *s, int status);

/* steer_drain.c: an operator's drain, which lasts over restarts. */

/* Drains when that was asked for before this start. */
void steer_drain_start(struct steer *s);

/* What the program that takes our place needs to know of a drain; null: there is none. New reference. */
json_t *steer_drain_hand_over(const struct steer *s);

/* `for_ms` 0: until steer_resume(). 0; or -errno when it won't last over a restart. */
int steer_drain(struct steer *s, const char *reason, uint64_t for_ms);

/* The same for whoever asks, once the other PoPs, where there are any, have let it go; `force`: at once. */
void steer_drain_ask(struct steer *s, struct control_request *request, uint64_t for_ms, bool force);

/* The fleet may have decided. */
void steer_drain_look(struct steer *s);

/* What is being asked for isn't wanted any more, because of `why`. */
void steer_drain_cancel(struct steer *s, const char *why);

void steer_resume(struct steer *s);

/* steer_reload.c: the configuration and the zones again. `request` (NULL: SIGHUP) is answered when the server
 * is done. */
void steer_reload(struct steer *s, struct control_request *request, const char *only_zone);

/* 0, and `wanted` are in force, or a restart's part of them is; in their place those that were. Or -ENOMEM,
 * and nothing has changed. */
int steer_apply(struct steer *s, struct settings *wanted);

/* steer_good.c: back to what was good. */

/* At the start, when health is there. */
void steer_good_start(struct steer *s);

/* New settings or zones are coming: their trial begins. */
void steer_good_trial(struct steer *s);

/* Health has said something. */
void steer_good_look(struct steer *s);

/* The server has died. */
void steer_good_died(struct steer *s, const struct guard_death *death);

/* For `status` and `why`. New reference, or NULL. */
json_t *steer_good_describe(const struct steer *s);

/* steer_crash.c: what is kept of a server that died. */
void steer_on_death(void *arg, const struct guard_death *death);

/* For `why`: null when none has died. New reference, or NULL. */
json_t *steer_describe_death(const struct steer *s, struct mono now);

/* steer_history.c: what happened. */
void steer_note(struct steer *s, enum steer_event_kind kind, bool good, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Notes sessions that came or went since the last call; `status` is steer_status(). */
void steer_note_neighbors(struct steer *s, const json_t *status);

/* [{"unix_ms", "kind", "good", "text"}], the oldest first. New reference. */
json_t *steer_history(const struct steer *s);

/* steer_manager.c: what the service manager is told. */
void steer_manager_start(struct steer *s);
void steer_manager_tell(const struct steer *s);

/* steer_upgrade.c: another program takes our place, and nobody notices. `request` (NULL: SIGUSR2) is answered
 * when the new program has found the configuration sound. */
void steer_upgrade(struct steer *s, struct control_request *request);
void steer_upgrade_start(struct steer *s);

/* The service sockets of the program before us into `down`. */
bool steer_inherit(struct steer *s);

/* steer_commands.c: what the control socket offers. */
extern const struct control_command steer_commands[];
extern const size_t steer_command_count;

/* Answers with the route as it is now, and the message. */
void steer_answer_route(const struct steer *s, struct control_request *request, const char *message);

/* The announcer's half of `status`. New reference, or NULL. */
json_t *steer_status(const struct steer *s);

#endif
