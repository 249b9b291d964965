/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One pass over the owners in canonical order. What lies below a name follows it at once, so the cut or DNAME
 * that hides a name is a single thing to remember.
 */
#include "zone/check.h"

#include "wire/name.h"
#include "wire/rdata.h"
#include "zone/rdata.h"

#include <inttypes.h>
#include <ldns/ldns.h>
#include <stdio.h>

#define NSEC3_HASH_SHA1       1
#define NSEC3_MANY_ITERATIONS 500
#define NSEC3_HASH_OCTETS     20
#define RR_KEY                25
#define TYPE_TEXT_MAX         10
#define MESSAGE_MOST_OCTETS   65535
#define AROUND_QUESTION       16 /* the header; type and class of the question */
#define AROUND_RDATA          12 /* a pointer as owner; type, class, TTL and length */

/* What is warned of once for the whole zone. */
enum once {
    ONCE_NSEC3_HASH = 1,
    ONCE_NSEC3_ITERATIONS = 2,
    ONCE_NSEC3_LENGTH = 4,
};

struct zone_judge {
    struct zone_records *records;
    struct findings *findings;
    const uint8_t *hider; /* owner of the cut or DNAME that hides what is below; NULL: none */
    bool hider_is_dname;
    bool hider_named; /* what it hides was warned of */
    unsigned said;    /* enum once */
    const struct zone_record *soa;
    const struct zone_record *apex_ns;
    const struct zone_record *nsec;
    const struct zone_record *nsec3;
    const struct zone_record *nsec3param;
};

/* The records of one owner. */
struct owner_group {
    struct zone_record *first;
    struct zone_record *end;
    bool apex;
    /* The first of each, or NULL. */
    const struct zone_record *ns;
    const struct zone_record *cname;
    const struct zone_record *dname;
    const struct zone_record *ds;
    const struct zone_record *other; /* what may not stand beside a CNAME */
};

static const char *record_file(const struct zone_judge *judge, const struct zone_record *record)
{
    return record->file < judge->records->file_count ? judge->records->files[record->file] : "zone";
}

#define finding(judge, level, record, ...)                                                                   \
    findings_add((judge)->findings, level, record_file(judge, record), (record)->line, __VA_ARGS__)

static bool same_owner(const struct zone_record *a, const struct zone_record *b)
{
    return a->owner == b->owner || name_equal(a->owner, b->owner);
}

/* The first record of the name in sorted records, or NULL. */
static const struct zone_record *records_find(const struct zone_records *records, const uint8_t *name)
{
    size_t low = 0;
    size_t high = records->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (name_compare(records->records[middle].owner, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == records->count || !name_equal(records->records[low].owner, name))
        return NULL;
    return &records->records[low];
}

struct target {
    bool exists;
    bool has_address;
    bool is_cname;
};

static struct target target_find(const struct zone_records *records, const uint8_t *name)
{
    struct target target = {0};
    const struct zone_record *first = records_find(records, name);
    const struct zone_record *end = records->records + records->count;
    for (const struct zone_record *r = first; r != NULL && r < end && same_owner(r, first); r++) {
        target.exists = true;
        target.has_address |= r->type == RR_A || r->type == RR_AAAA;
        target.is_cname |= r->type == RR_CNAME;
    }
    return target;
}

static const char *type_word(uint16_t type, char text[TYPE_TEXT_MAX])
{
    const char *name = ldns_rr_descript(type)->_name;
    if (name != NULL)
        return name;
    (void)snprintf(text, TYPE_TEXT_MAX, "TYPE%u", type);
    return text;
}

/* Whether a wildcard or a cut above may stand in for a name that has no records of its own. */
static bool may_be_synthesised(const struct zone_judge *judge, const uint8_t *name)
{
    const struct zone_records *records = judge->records;
    uint8_t wildcard[NAME_MAX_OCTETS + 2] = {1, '*'};
    while (!name_equal(name, records->apex)) {
        name = name_parent(name);
        size_t octets = name_octets(name);
        for (size_t i = 0; i < octets; i++)
            wildcard[2 + i] = name[i];
        if (octets + 2 <= NAME_MAX_OCTETS && records_find(records, wildcard) != NULL)
            return true;
        const struct zone_record *end = records->records + records->count;
        const struct zone_record *r = records_find(records, name);
        for (const struct zone_record *at = r; at != NULL && at < end && same_owner(at, r); at++) {
            if (at->type == RR_DNAME || (at->type == RR_NS && !name_equal(name, records->apex)))
                return true;
        }
    }
    return false;
}

/* NS: its address has to be here when it lies in the zone. MX and SRV: an alias is against RFC 2181 10.3. */
static void check_target(struct zone_judge *judge, const struct zone_record *record, bool cut)
{
    const uint8_t *name = zone_rdata_target(record->type, record->rdata);
    char owner[NAME_TEXT_MAX];
    char target_name[NAME_TEXT_MAX];
    char type[TYPE_TEXT_MAX];
    if (name[0] == 0 || !name_is_at_or_below(name, judge->records->apex))
        return;
    struct target target = target_find(judge->records, name);
    if (target.is_cname) {
        finding(judge, FINDING_WARNING, record,
                "%s of %s leads to %s, which is a CNAME: it has to be a name with "
                "addresses (RFC 2181 10.3)",
                type_word(record->type, type), name_to_text(record->owner, owner),
                name_to_text(name, target_name));
        return;
    }
    if (target.has_address || record->type != RR_NS)
        return;
    bool below = cut && name_is_at_or_below(name, record->owner);
    if (below || !may_be_synthesised(judge, name))
        finding(judge, FINDING_WARNING, record, "NS of %s leads to %s, which has no address here%s",
                name_to_text(record->owner, owner), name_to_text(name, target_name),
                below ? ": its glue is missing, and the delegation can't be followed" : "");
}

static void check_targets(struct zone_judge *judge, const struct owner_group *group)
{
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        if (r->type == RR_NS || r->type == RR_MX || r->type == RR_SRV)
            check_target(judge, r, r->type == RR_NS && !group->apex);
    }
}

static void group_note(struct owner_group *group, const struct zone_record *r)
{
    switch (r->type) {
    case RR_NS:
        group->ns = group->ns != NULL ? group->ns : r;
        break;
    case RR_CNAME:
        group->cname = group->cname != NULL ? group->cname : r;
        return;
    case RR_DNAME:
        group->dname = group->dname != NULL ? group->dname : r;
        break;
    case RR_DS:
        group->ds = group->ds != NULL ? group->ds : r;
        break;
    case RR_RRSIG:
    case RR_NSEC:
    case RR_NSEC3:
    case RR_KEY: /* RFC 3007 3.1.1 */
        return;
    default:
        break;
    }
    group->other = group->other != NULL ? group->other : r;
}

/* A second record of a type that a name may have only once. */
static void check_single(struct zone_judge *judge, const struct owner_group *group, uint16_t type,
                         const char *word)
{
    const struct zone_record *before = NULL;
    char owner[NAME_TEXT_MAX];
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        if (r->type != type)
            continue;
        if (before != NULL) {
            /* Sorting may have turned them round. */
            const struct zone_record *later = r->line > before->line ? r : before;
            const struct zone_record *earlier = later == r ? before : r;
            finding(judge, FINDING_ERROR, later,
                    "%s has a second %s; the first is on line %" PRIu32 ": a name has only one",
                    name_to_text(r->owner, owner), word, earlier->line);
            return;
        }
        before = r;
    }
}

static void check_cname(struct zone_judge *judge, const struct owner_group *group)
{
    char owner[NAME_TEXT_MAX];
    check_single(judge, group, RR_CNAME, "CNAME");
    check_single(judge, group, RR_DNAME, "DNAME");
    if (group->cname != NULL && group->other != NULL)
        finding(judge, FINDING_ERROR, group->cname,
                "%s has a CNAME and, on line %" PRIu32
                ", other data: beside a CNAME nothing may stand (RFC 1034 "
                "3.6.2)",
                name_to_text(group->cname->owner, owner), group->other->line);
}

static void check_soa(struct zone_judge *judge, const struct owner_group *group)
{
    char owner[NAME_TEXT_MAX];
    check_single(judge, group, RR_SOA, "SOA");
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        if (r->type != RR_SOA)
            continue;
        if (group->apex)
            judge->soa = judge->soa != NULL ? judge->soa : r;
        else
            finding(judge, FINDING_ERROR, r, "%s has an SOA, but only the zone's own name has one",
                    name_to_text(r->owner, owner));
    }
}

static void check_delegation(struct zone_judge *judge, const struct owner_group *group)
{
    char owner[NAME_TEXT_MAX];
    const struct zone_record *r = group->first;
    name_to_text(r->owner, owner);
    if (group->apex) {
        judge->apex_ns = group->ns;
        if (group->ds != NULL)
            finding(judge, FINDING_WARNING, group->ds, "%s: a DS belongs in the zone above (RFC 4035 2.4)",
                    owner);
        return;
    }
    if (group->ds != NULL && group->ns == NULL)
        finding(judge, FINDING_WARNING, group->ds, "%s has a DS but no NS (RFC 4035 2.4)", owner);
    if (group->ns != NULL && r->owner[0] == 1 && r->owner[1] == '*')
        finding(judge, FINDING_WARNING, group->ns,
                "%s: NS at a wildcard has no defined meaning (RFC 4592 4.2)", owner);
    if (group->ns != NULL && group->dname != NULL)
        finding(judge, FINDING_WARNING, group->dname,
                "%s has a DNAME and NS: the delegation goes before the DNAME "
                "(RFC 6672 2.3)",
                owner);
}

static uint16_t covered_type(const struct zone_record *rrsig)
{
    return rrsig->rdata_octets >= 2 ? (uint16_t)(rrsig->rdata[0] << 8 | rrsig->rdata[1]) : 0;
}

/* One RRset; signatures are as many sets as they cover types. */
static bool same_set(const struct zone_record *a, const struct zone_record *b)
{
    return a->type == b->type && (a->type != RR_RRSIG || covered_type(a) == covered_type(b));
}

static void check_ttls(struct zone_judge *judge, const struct owner_group *group)
{
    char owner[NAME_TEXT_MAX];
    struct zone_record *set = group->first;
    while (set < group->end) {
        struct zone_record *end = set + 1;
        uint32_t lowest = set->ttl;
        const struct zone_record *odd = NULL;
        for (; end < group->end && same_set(set, end); end++) {
            odd = end->ttl != set->ttl && odd == NULL ? end : odd;
            lowest = end->ttl < lowest ? end->ttl : lowest;
        }
        if (odd != NULL)
            finding(judge, FINDING_WARNING, odd,
                    "%s: TTLs %" PRIu32 " and %" PRIu32 " (line %" PRIu32
                    ") within one RRset: the lowest, %" PRIu32 ", is used for all (RFC 2181 5.2)",
                    name_to_text(odd->owner, owner), odd->ttl, set->ttl, set->line, lowest);
        for (; set < end; set++)
            set->ttl = lowest;
    }
}

/* A record that no message holds can be neither answered nor transferred; of an RRset the records can still
 * be transferred one by one. */
static void check_size(struct zone_judge *judge, const struct zone_record *set, size_t records, size_t octets)
{
    char owner[NAME_TEXT_MAX];
    char type[TYPE_TEXT_MAX];
    size_t whole = AROUND_QUESTION + name_octets(set->owner) + octets;
    if (whole <= MESSAGE_MOST_OCTETS)
        return;
    finding(judge, records == 1 ? FINDING_ERROR : FINDING_WARNING, set,
            "%s: an answer with the %s here would take %zu octets, and a message has at most %d: %s",
            name_to_text(set->owner, owner), type_word(set->type, type), whole, MESSAGE_MOST_OCTETS,
            records == 1 ? "make its data shorter" : "it can't be given, so make them fewer");
}

static void check_sizes(struct zone_judge *judge, const struct owner_group *group)
{
    const struct zone_record *set = group->first;
    size_t octets = 0;
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        if (r->type != set->type) {
            check_size(judge, set, (size_t)(r - set), octets);
            set = r;
            octets = 0;
        }
        octets += AROUND_RDATA + (size_t)r->rdata_octets;
        if (r->type == RR_RRSIG)
            octets = 0; /* those are answered with what they sign */
    }
    check_size(judge, set, (size_t)(group->end - set), octets);
}

static void check_signatures(struct zone_judge *judge, const struct owner_group *group)
{
    char owner[NAME_TEXT_MAX];
    char type[TYPE_TEXT_MAX];
    int before = -1;
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        bool found = false;
        if (r->type != RR_RRSIG || covered_type(r) == before)
            continue;
        before = covered_type(r);
        for (const struct zone_record *set = group->first; set < group->end && !found; set++)
            found = set->type == before;
        if (!found) {
            finding(judge, FINDING_WARNING, r, "%s: an RRSIG over %s, of which there is no record",
                    name_to_text(r->owner, owner), type_word((uint16_t)before, type));
        }
    }
}

static void warn_once(struct zone_judge *judge, enum once what, const struct zone_record *record,
                      const char *text)
{
    if ((judge->said & what) == 0)
        finding(judge, FINDING_WARNING, record, "%s", text);
    judge->said |= what;
}

/* NSEC3 and NSEC3PARAM begin alike: hash, flags, iterations, salt (RFC 5155 3.2, 4.2). */
static void check_nsec3(struct zone_judge *judge, const struct zone_record *r)
{
    if (r->rdata_octets < 5)
        return;
    unsigned iterations = (unsigned)r->rdata[2] << 8 | r->rdata[3];
    size_t hash_at = 5 + (size_t)r->rdata[4];
    if (r->rdata[0] != NSEC3_HASH_SHA1)
        warn_once(judge, ONCE_NSEC3_HASH, r,
                  "NSEC3 with a hash algorithm other than SHA-1 (1): nobody can validate it (RFC 5155 11)");
    if (iterations > NSEC3_MANY_ITERATIONS)
        warn_once(
            judge, ONCE_NSEC3_ITERATIONS, r,
            "NSEC3 with more than 500 iterations: validators take it for unsigned; use 0 (RFC 9276 3.1)");
    if (r->type == RR_NSEC3 && (hash_at >= r->rdata_octets || r->rdata[hash_at] != NSEC3_HASH_OCTETS))
        warn_once(judge, ONCE_NSEC3_LENGTH, r, "NSEC3 whose next hash isn't 20 octets long, as SHA-1's are");
}

static void check_chain(struct zone_judge *judge, const struct owner_group *group)
{
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        if (r->type == RR_NSEC && judge->nsec == NULL)
            judge->nsec = r;
        if (r->type == RR_NSEC3 && judge->nsec3 == NULL)
            judge->nsec3 = r;
        if (r->type == RR_NSEC3PARAM && group->apex && judge->nsec3param == NULL)
            judge->nsec3param = r;
        if (r->type == RR_NSEC3 || r->type == RR_NSEC3PARAM)
            check_nsec3(judge, r);
    }
}

/* What a cut leaves visible: its NS and DS, their proof, and addresses as glue. */
static bool shows_at_cut(uint16_t type)
{
    return type == RR_NS || type == RR_DS || type == RR_NSEC || type == RR_RRSIG || type == RR_A ||
           type == RR_AAAA;
}

/* The first record of the group that is hidden by `hider_is_dname`, or NULL. */
static const struct zone_record *first_hidden(const struct owner_group *group, bool dname, bool at_cut)
{
    for (const struct zone_record *r = group->first; r < group->end; r++) {
        bool address = r->type == RR_A || r->type == RR_AAAA;
        if (at_cut ? !shows_at_cut(r->type) && r->type != RR_NSEC3 && r->type != RR_DNAME : dname || !address)
            return r;
    }
    return NULL;
}

/* What lies below a cut or a DNAME is never answered from; warned of once for each. */
static void check_hidden(struct zone_judge *judge, const struct owner_group *group)
{
    char owner[NAME_TEXT_MAX];
    char hider[NAME_TEXT_MAX];
    bool hidden = judge->hider != NULL && name_is_at_or_below(group->first->owner, judge->hider);
    bool at_cut = !hidden && group->ns != NULL && !group->apex;
    if (!hidden) {
        judge->hider = at_cut || group->dname != NULL ? group->first->owner : NULL;
        judge->hider_is_dname = !at_cut;
        judge->hider_named = false;
    }
    if (judge->hider == NULL || judge->hider_named || (!hidden && !at_cut))
        return;
    const struct zone_record *r = first_hidden(group, judge->hider_is_dname, at_cut);
    if (r == NULL)
        return;
    judge->hider_named = true;
    finding(judge, FINDING_WARNING, r,
            "%s is hidden by the %s at %s: it is never answered (other data there may "
            "be hidden as well)",
            name_to_text(r->owner, owner), judge->hider_is_dname ? "DNAME" : "delegation",
            name_to_text(judge->hider, hider));
}

static void check_group(struct zone_judge *judge, struct owner_group *group)
{
    for (const struct zone_record *r = group->first; r < group->end; r++)
        group_note(group, r);
    group->apex = name_equal(group->first->owner, judge->records->apex);
    check_soa(judge, group);
    check_cname(judge, group);
    check_delegation(judge, group);
    check_ttls(judge, group);
    check_sizes(judge, group);
    check_signatures(judge, group);
    check_chain(judge, group);
    check_targets(judge, group);
    check_hidden(judge, group);
}

static void check_outside(struct zone_judge *judge)
{
    char owner[NAME_TEXT_MAX];
    for (size_t i = 0; i < judge->records->count; i++) {
        const struct zone_record *r = &judge->records->records[i];
        if ((i == 0 || r->owner != r[-1].owner) && !name_is_at_or_below(r->owner, judge->records->apex))
            finding(judge, FINDING_ERROR, r, "%s is outside the zone", name_to_text(r->owner, owner));
    }
}

static uint32_t soa_serial(const struct zone_record *soa)
{
    const uint8_t *p = soa->rdata + soa->rdata_octets - 20;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* RFC 1982 3.2: the distance forward from the old to the new is less than half the circle. */
static void check_serial(struct zone_judge *judge, uint32_t served)
{
    uint32_t serial = soa_serial(judge->soa);
    uint32_t forward = serial - served;
    if (forward == 0)
        finding(judge, FINDING_WARNING, judge->soa,
                "the zone has changed, but its serial is still %" PRIu32
                ": secondaries won't take the change",
                serial);
    else if (forward >= 0x80000000U)
        finding(judge, FINDING_WARNING, judge->soa,
                "the serial went backwards, from %" PRIu32 " to %" PRIu32
                " (RFC 1982): secondaries won't take the change",
                served, serial);
}

static void check_whole(struct zone_judge *judge, const uint32_t *served_serial)
{
    const struct zone_records *records = judge->records;
    const char *file = records->file_count > 0 ? records->files[0] : "zone";
    char apex[NAME_TEXT_MAX];
    name_to_text(records->apex, apex);
    if (judge->soa == NULL)
        findings_add(judge->findings, FINDING_ERROR, file, 0, "the zone has no SOA at %s", apex);
    if (judge->apex_ns == NULL)
        findings_add(judge->findings, FINDING_ERROR, file, 0, "the zone has no NS at %s", apex);
    if (judge->nsec != NULL && judge->nsec3 != NULL)
        finding(judge, FINDING_WARNING, judge->nsec3,
                "the zone has NSEC3 here and NSEC on line %" PRIu32 ": one of them is a remnant",
                judge->nsec->line);
    if (judge->nsec3 != NULL && judge->nsec3param == NULL)
        finding(judge, FINDING_WARNING, judge->nsec3,
                "the zone has NSEC3 but no NSEC3PARAM at %s (RFC 5155 7.3)", apex);
    if (judge->soa != NULL && served_serial != NULL && judge->soa->rdata_octets >= 20)
        check_serial(judge, *served_serial);
}

bool zone_check(struct zone_records *records, const uint32_t *served_serial, struct findings *findings)
{
    struct zone_judge judge = {.records = records, .findings = findings};
    size_t errors_before = findings->errors;
    check_outside(&judge);
    for (size_t i = 0; i < records->count;) {
        struct owner_group group = {.first = &records->records[i]};
        while (i < records->count && same_owner(&records->records[i], group.first))
            i++;
        group.end = &records->records[i];
        check_group(&judge, &group);
    }
    check_whole(&judge, served_serial);
    return findings->errors == errors_before;
}
