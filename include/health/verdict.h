/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a row of rounds of checks means for one prefix: quick down, slow up, and slower up the more it flaps.
 * Pure: results and time in, verdict out, so that a day of flapping replays in a moment.
 *
 *     verdict_round_of()  what a round of checks comes to
 *     verdict_step()      that, or anything else that can happen to a prefix: the server is dead, a zone is
 *                         lost, time passes; as a value, which the flight recorder keeps and replays
 *
 * The class of a check says what it may do. LOCAL: this PoP can't answer, so its route may go. SHARED: a
 * cause that all PoPs may have in common (an old serial, a primary out of reach); were it to withdraw, it
 * would empty the whole cloud, so it only degrades. ADVISORY: is told and does nothing.
 *
 * A check that takes the prefix down within calm_ms after a rise, the first one too, flaps: it stays down for
 * the longest hold-down, so routers are told of no more than two changes in that time. After a calm time one
 * fall is forgiven, when all is good for settle_ms on end.
 *
 * Down means: bad rounds in a row, or too large a share of the last ones. A round may be suspect: the checks
 * say bad while clients get good answers, or all zones went bad with a change that other PoPs got as well.
 * Suspect rounds degrade at once and withdraw only when they go on.
 */
#ifndef HITHER_HEALTH_VERDICT_H
#define HITHER_HEALTH_VERDICT_H

#include "base/clock.h"
#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_NONE,     /* never judged: nothing may be announced yet */
    VERDICT_GOOD,     /* this PoP should get traffic */
    VERDICT_DEGRADED, /* it can answer, but others should be preferred */
    VERDICT_BAD,      /* it can't answer */
};

#define VERDICT_WINDOW_MAX 64

/* One check's outcome in a round. */
struct check_result {
    enum check_class class;
    bool good;
};

struct verdict_rules {
    unsigned fall;        /* this many bad rounds in a row: down */
    unsigned rise;        /* this many good ones in a row: up again */
    unsigned first_rise;  /* the same before the first good verdict of a clean start */
    int64_t stale_ms;     /* without a complete round for so long: down */
    int64_t hold_down_ms; /* the pause after the second fall in short time; doubles with each further one */
    int64_t hold_down_max_ms; /* and never grows beyond this */
    unsigned window;          /* of so many rounds, at most VERDICT_WINDOW_MAX, ... */
    unsigned window_fall;     /* ... so many bad ones, in a row or not: down; 0: never */
    int64_t suspect_ms;       /* suspect rounds withdraw when they have gone on for so long */
    int64_t calm_ms;          /* so long up without a fall takes one doubling back */
    int64_t settle_ms;        /* so long good after the one fall that a check is forgiven */
};

/* One prefix's memory. Zero-initialised is a clean start. Read it freely; only the functions below write. */
struct verdict_state {
    enum verdict verdict;
    bool was_good;     /* there was a good verdict since the clean start */
    unsigned good_row; /* LOCAL-good rounds in a row, saturating */
    unsigned bad_row;  /* LOCAL-bad rounds in a row, saturating */
    unsigned shared_good_row;
    unsigned shared_bad_row;
    bool degraded;                   /* SHARED trouble, by the same hysteresis */
    bool suspects;                   /* down by the rules, but not believed yet */
    bool suspect;                    /* the last round was */
    uint64_t window;                 /* the last rounds, the newest in bit 0; 1: bad */
    unsigned degrades;               /* beginnings of it in short time */
    struct mono suspect_since;       /* zero: nothing is suspected */
    struct mono degraded_held_until; /* no end of `degraded` before this */
    struct mono degraded_ended;      /* the last time */
    bool degraded_unsettled;         /* as `unsettled` */
    unsigned flaps;                  /* falls remembered, at most VERDICT_FLAPS_MAX */
    struct mono round_at;            /* the last complete round; zero: none yet */
    struct mono since;               /* of the verdict */
    struct mono held_until;          /* no rise before this; zero: no hold-down */
    struct mono calm_since;          /* from when calm is counted */
    struct mono risen;               /* when it last came up */
    bool unsettled; /* down by a check that was forgiven: any bad round begins the wait anew */
};

#define VERDICT_FLAPS_MAX 16

enum verdict_kind {
    VERDICT_ROUND,
    VERDICT_FAIL,
    VERDICT_DEGRADE,
    VERDICT_JUDGE,
    VERDICT_RESTART,
    VERDICT_EXCUSE,
    VERDICT_REPAIR, /* what was wrong is known, and undone: no pause is left, and the next rise is a clean
                       start's */
};

/* What happens to a prefix at one moment. */
struct verdict_input {
    enum verdict_kind kind;
    bool local_good;   /* of a round: no LOCAL check is bad, and there are checks */
    bool shared_good;  /* no SHARED one is */
    bool suspect;      /* what is LOCAL about it isn't to be believed at once */
    int64_t excuse_ms; /* of VERDICT_EXCUSE */
};

/* The rules that these settings ask for. */
struct verdict_rules verdict_rules_of(const struct settings_health *settings);

/* All that can happen goes through here. */
enum verdict verdict_step(struct verdict_state *state, const struct verdict_rules *rules, struct mono now,
                          const struct verdict_input *input);

/* What a round of `count` checks comes to; no checks at all is a bad one. */
struct verdict_input verdict_round_of(const struct check_result *results, size_t count, bool suspect);

const char *verdict_name(enum verdict verdict);

/* The verdicts of all prefixes, as health hands them to the announcer. */
struct verdict_report {
    enum verdict overall; /* the best of them; of the one scope that there is when no prefix is configured */
    bool failing;         /* some prefix is bad, or suspected of it, that was good under this server */
    size_t count;
    struct verdict_of_prefix {
        uint8_t family;
        uint8_t bits;
        uint8_t octets[16];
        enum verdict verdict;
    } prefixes[SETTINGS_MAX_PREFIXES];
};

#endif
