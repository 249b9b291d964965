/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What happened to this PoP, for the timeline of the page and of `status`: the route's state, neighbours that
 * came and went, servers that died, and what the operator asked for. The last HISTORY_KEPT events, in memory.
 */
#include "steer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const kinds[] = {"route", "neighbor", "server", "operator"};

void steer_note(struct steer *s, enum steer_event_kind kind, bool good, const char *format, ...)
{
    struct steer_event *event = &s->history.events[s->history.noted++ % HISTORY_KEPT];
    struct timespec now;
    va_list args;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    event->unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    event->kind = kind;
    event->good = good;
    va_start(args, format);
    (void)vsnprintf(event->text, sizeof event->text, format, args);
    va_end(args);
}

static bool is_established(const json_t *neighbor)
{
    const char *session = json_string_value(json_object_get(neighbor, "session"));
    return session != NULL && strcmp(session, "Established") == 0;
}

static const json_t *find_neighbor(const json_t *list, const char *name)
{
    size_t i;
    const json_t *neighbor;
    json_array_foreach(list, i, neighbor)
    {
        const char *found = json_string_value(json_object_get(neighbor, "neighbor"));
        if (found != NULL && strcmp(found, name) == 0)
            return neighbor;
    }
    return NULL;
}

void steer_note_neighbors(struct steer *s, const json_t *status)
{
    size_t i;
    const json_t *neighbor;
    json_t *now = json_object_get(json_object_get(status, "announce"), "neighbors");
    json_array_foreach(now, i, neighbor)
    {
        const char *name = json_string_value(json_object_get(neighbor, "neighbor"));
        if (name == NULL)
            continue;
        bool was = is_established(find_neighbor(s->history.neighbors, name));
        const char *error = json_string_value(json_object_get(neighbor, "last_error"));
        if (!was && is_established(neighbor))
            steer_note(s, EVENT_NEIGHBOR, true, "%s: session established", name);
        else if (was && !is_established(neighbor))
            steer_note(s, EVENT_NEIGHBOR, false, "%s: session lost%s%s", name, error != NULL ? ": " : "",
                       error != NULL ? error : "");
    }
    json_decref(s->history.neighbors);
    s->history.neighbors = json_incref(now);
}

json_t *steer_history(const struct steer *s)
{
    json_t *list = json_array();
    uint64_t count = s->history.noted < HISTORY_KEPT ? s->history.noted : HISTORY_KEPT;
    for (uint64_t i = s->history.noted - count; i < s->history.noted; i++) {
        const struct steer_event *event = &s->history.events[i % HISTORY_KEPT];
        json_t *told = json_pack("{s:I, s:s, s:b, s:s}", "unix_ms", (json_int_t)event->unix_ms, "kind",
                                 kinds[event->kind], "good", (int)event->good, "text", event->text);
        if (told != NULL) /* an operator's words may be in any encoding */
            (void)json_array_append_new(list, told);
    }
    return list;
}
