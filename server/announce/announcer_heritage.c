/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The announcer's half of an upgrade in place: what it leaves to the program that takes its place, and what
 * it takes over from the one before. What is left must be whole, or a router would be told something by
 * mistake: so everything is left between two operations, or not now.
 */
#include "announce/announcer_state.h"
#include "heritage.h"

#include <stdio.h>
#include <string.h>

#define TOOK_OVER_MOST_MS 10000 /* as long as a new server may take to start */

static json_t *neighbor_hand_over(const struct neighbor *n, int *fds, size_t *count)
{
    const struct announcer *a = n->announcer;
    json_t *left = bgp_peer_hand_over(n->peer, fds, count);
    json_t *sent = json_array();
    for (size_t i = 0; i < a->prefix_count; i++)
        if (n->up && n->sent[i].announced)
            (void)json_array_append_new(
                sent, json_pack("{s:s, s:o}", "prefix", a->prefixes[i].text, "digest",
                                heritage_octets(n->sent[i].digest, sizeof n->sent[i].digest)));
    if (!json_is_object(left)) {
        json_decref(sent);
        return left;
    }
    (void)json_object_set_new(left, "sent", sent);
    (void)json_object_set_new(left, "withdrawing_since_ns", json_integer(n->withdrawing_since.ns));
    return left;
}

/* NULL: one of them is being told something at the moment. */
static json_t *neighbors_hand_over(const struct announcer *a, int *fds, size_t *count, char *why,
                                   size_t why_octets)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->neighbor_count; i++) {
        const struct neighbor *n = a->neighbors[i];
        json_t *left = !n->initial ? neighbor_hand_over(n, fds, count) : NULL;
        if (left == NULL) {
            (void)snprintf(why, why_octets, "neighbor %s is being told something", n->settings.text);
            json_decref(list);
            return NULL;
        }
        (void)json_array_append_new(list, left);
    }
    return list;
}

static json_t *drain_hand_over(const struct announcer *a)
{
    return json_pack("{s:i, s:s, s:I}", "phase", (int)a->drain, "reason", a->reason, "wait_ms",
                     (json_int_t)uv_timer_get_due_in(&a->drain_timer));
}

json_t *announcer_hand_over(struct announcer *a, int *fds, size_t *count, char *why, size_t why_octets)
{
    json_t *other = a->other != NULL ? backend_hand_over(a->other, fds, count) : json_null();
    if (other == NULL) {
        (void)snprintf(why, why_octets, "the %s backend is changing something",
                       settings_backend_name(a->backend));
        return NULL;
    }
    json_t *neighbors = neighbors_hand_over(a, fds, count, why, why_octets);
    if (neighbors == NULL) {
        json_decref(other);
        return NULL;
    }
    json_t *prefixes = json_array();
    for (size_t i = 0; i < a->prefix_count; i++)
        (void)json_array_append_new(prefixes, json_pack("{s:s, s:i}", "prefix", a->prefixes[i].text,
                                                        "verdict", (int)a->prefixes[i].verdict));
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "overall", (int)a->overall, "prefixes", prefixes,
                     "neighbors", neighbors, "other", other, "drain", drain_hand_over(a), "bfd",
                     bfd_hand_over(a->bfd, fds, count));
}

void announcer_keep(struct announcer *a)
{
    if (a->other != NULL)
        backend_keep(a->other);
}

static const json_t *find_text(const json_t *list, const char *key, const char *text)
{
    size_t i;
    const json_t *object;
    json_array_foreach(list, i, object)
    {
        const char *found = json_string_value(json_object_get(object, key));
        if (found != NULL && strcmp(found, text) == 0)
            return object;
    }
    return NULL;
}

static enum verdict verdict_from(const json_t *object, const char *key)
{
    json_int_t verdict = json_integer_value(json_object_get(object, key));
    return verdict >= VERDICT_NONE && verdict <= VERDICT_BAD ? (enum verdict)verdict : VERDICT_NONE;
}

/* Before anything is mended: a drained PoP must not announce itself for a moment. */
static void drain_take_over(struct announcer *a)
{
    const json_t *left = json_object_get(a->heritage, "drain");
    json_int_t phase = json_integer_value(json_object_get(left, "phase"));
    json_int_t wait_ms = json_integer_value(json_object_get(left, "wait_ms"));
    const char *reason = json_string_value(json_object_get(left, "reason"));
    if (phase != DRAIN_MARKED && phase != DRAIN_WITHDRAWN)
        return;
    a->drain = (enum drain_phase)phase;
    (void)snprintf(a->reason, sizeof a->reason, "%s", reason != NULL ? reason : "");
    if (a->drain == DRAIN_MARKED)
        announcer_drain_goes_on(a, wait_ms > 0 ? (uint64_t)wait_ms : 0);
}

void announcer_take_over_verdicts(struct announcer *a)
{
    if (a->heritage == NULL)
        return;
    a->took_over = true;
    a->took_over_until = mono_add_ms(mono_now(), TOOK_OVER_MOST_MS);
    a->overall = verdict_from(a->heritage, "overall");
    for (size_t i = 0; i < a->prefix_count; i++)
        a->prefixes[i].verdict = verdict_from(
            find_text(json_object_get(a->heritage, "prefixes"), "prefix", a->prefixes[i].text), "verdict");
    drain_take_over(a);
}

bool neighbor_take_over(struct neighbor *n)
{
    const struct announcer *a = n->announcer;
    const json_t *left = find_text(json_object_get(a->heritage, "neighbors"), "neighbor", n->settings.text);
    if (left == NULL || !bgp_peer_take_over(n->peer, left))
        return false;
    n->up = true;
    for (size_t i = 0; i < a->prefix_count; i++) {
        const json_t *sent = find_text(json_object_get(left, "sent"), "prefix", a->prefixes[i].text);
        n->sent[i].announced =
            sent != NULL && heritage_octets_get(sent, "digest", n->sent[i].digest, sizeof n->sent[i].digest);
    }
    n->withdrawing_since.ns = json_integer_value(json_object_get(left, "withdrawing_since_ns"));
    neighbor_find_next_hops(n);
    return true;
}
