/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A server that died: its last queries are recorded, and `hither why` tells of the last death and of where
 * its record is, for as long as this announcer lives.
 *
 *     guard --(death)--> steer_crash --> crash --> state-dir        --> why
 */
#include "base/log.h"
#include "crash.h"
#include "steer.h"

#include <stdio.h>
#include <time.h>

static int64_t crash_unix_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void crash_remember(struct steer_death *last, const struct guard_death *death,
                           const struct crash *crash, const char *directory)
{
    last->at = death->died;
    last->row = death->row;
    last->lived_ms = mono_ms_between(death->started, death->died);
    last->pause_ms = death->pause_ms;
    last->queries = crash != NULL ? crash_queries(crash) : 0;
    (void)snprintf(last->why, sizeof last->why, "%s", death->why);
    last->record[0] = '\0';
    if (crash != NULL)
        (void)snprintf(last->record, sizeof last->record, "%s/%s", directory, crash_name(crash));
}

void steer_on_death(void *arg, const struct guard_death *death)
{
    struct steer *s = arg;
    const char *directory = s->settings->server.state_dir;
    struct crash_story story = {
        .why = death->why,
        .pid = death->pid,
        .lived_ms = mono_ms_between(death->started, death->died),
        .row = death->row,
        .unix_ms = crash_unix_ms(),
        .server = s->settings->server.identity,
    };
    struct crash *crash = crash_take(&story, s->up);
    crash_remember(&s->last_death, death, crash, directory);
    steer_note(s, EVENT_SERVER, false, "the server died: %s", death->why);
    steer_good_died(s, death);
    if (crash != NULL)
        crash_save_later(&s->loop, crash, directory);
    else
        log_warn("memory is short: the server's last queries aren't recorded");
}

json_t *steer_describe_death(const struct steer *s, struct mono now)
{
    const struct steer_death *last = &s->last_death;
    if (last->row == 0)
        return json_null();
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "why", last->why, "ago_s",
                     (json_int_t)(mono_ms_between(last->at, now) / 1000), "lived_ms",
                     (json_int_t)last->lived_ms, "in_a_row", (json_int_t)last->row, "pause_ms",
                     (json_int_t)last->pause_ms, "queries", (json_int_t)last->queries, "record",
                     last->record);
}
