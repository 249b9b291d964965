/* SPDX-License-Identifier: BSD-2-Clause */
#include "resolve/errand.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_TEXT_OCTETS 320 /* of one entry, besides its name */

struct telling {
    struct errand *errand;
    bool full;
};

/* In the words that zone files use. From malloc. */
static json_t *text_of_number(char *text)
{
    json_t *value = json_string(text != NULL ? text : "");
    free(text);
    return value;
}

static json_t *rcode_text(uint16_t rcode)
{
    const ldns_lookup_table *known = ldns_lookup_by_id(ldns_rcodes, rcode);
    return known != NULL ? json_string(known->name) : json_sprintf("RCODE%u", rcode);
}

static json_t *entry_describe(const struct cache_key *key, const struct cache_hit *hit, const char *name,
                              unsigned worker)
{
    const struct resolved *r = &hit->resolved;
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:b, s:b, s:b, s:[i,i,i], s:i, s:I, s:I, s:I, s:i}", "name", name, "type",
        text_of_number(ldns_rr_type2str((ldns_rr_type)key->type)), "class",
        text_of_number(ldns_rr_class2str((ldns_rr_class)key->class)), "rcode", rcode_text(r->rcode), "secure",
        (int)r->secure, "dnssec_ok", (int)((key->flags & CACHE_DNSSEC) != 0), "checking_disabled",
        (int)((key->flags & CACHE_UNCHECKED) != 0), "records", (int)r->counts[0], (int)r->counts[1],
        (int)r->counts[2], "octets", (int)r->octets, "ttl_s", (json_int_t)r->ttl_s, "age_s",
        (json_int_t)hit->age_s, "left_s", (json_int_t)hit->left_s, "worker", (int)worker);
}

static bool is_meant(const struct errand *errand, const struct cache_key *key)
{
    if (errand->type != 0 && errand->type != key->type)
        return false;
    if (errand->any)
        return true;
    return errand->below ? name_is_at_or_below(key->name, errand->name) : name_equal(key->name, errand->name);
}

static bool tell_entry(void *arg, const struct cache_key *key, const struct cache_hit *hit)
{
    struct telling *telling = arg;
    struct errand *errand = telling->errand;
    char name[NAME_TEXT_MAX];
    if (!is_meant(errand, key))
        return true;
    telling->full = errand->text_octets >= ERRAND_TEXT_OCTETS;
    if (telling->full)
        return false;
    (void)name_to_text(key->name, name);
    /* JSON writes the backslash before an octet twice. */
    errand->text_octets += ENTRY_TEXT_OCTETS + 2 * strlen(name);
    (void)json_array_append_new(errand->told, entry_describe(key, hit, name, errand->worker));
    errand->count++;
    return true;
}

bool errand_step(struct errand *errand, struct cache *cache, uint32_t now_s)
{
    struct telling telling = {errand, false};
    if (errand->kind == ERRAND_TELL)
        cache_walk(cache, now_s, tell_entry, &telling, &errand->at, ERRAND_STEP);
    else if (errand->kind == ERRAND_FLUSH)
        errand->count +=
            cache_flush(cache, errand->name, errand->below, errand->type, &errand->at, ERRAND_STEP);
    else
        errand->count += cache_load(cache, errand->loaded, errand->octets, now_s, errand->stale_s,
                                    &errand->at, ERRAND_STEP);
    return telling.full || errand->at == CACHE_END;
}
