/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sorting: neighbours are compared first, as most zones come in order. Otherwise each run of records with the
 * same owner gets a key whose octets compare as the names do, and a merge sort that uses the order that is
 * there brings the runs together.
 */
#include "zone/records.h"

#include "wire/name.h"
#include "zone/rdata.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void zone_records_init(struct zone_records *records)
{
    *records = (struct zone_records){0};
}

static bool records_grow(struct zone_records *records)
{
    if (records->count < records->capacity)
        return true;
    size_t capacity = records->capacity > 0 ? records->capacity * 2 : 256;
    struct zone_record *list = realloc(records->records, capacity * sizeof *list);
    if (list == NULL)
        return false;
    records->records = list;
    records->capacity = capacity;
    return true;
}

static const uint8_t *octets_copy(struct arena *arena, const uint8_t *from, size_t octets)
{
    uint8_t *to = arena_take(arena, octets > 0 ? octets : 1, 1);
    if (to != NULL && octets > 0)
        memcpy(to, from, octets);
    return to;
}

int zone_records_add(struct zone_records *records, const struct zone_record *record)
{
    size_t octets = name_octets(record->owner);
    const uint8_t *owner = NULL;
    if (!records_grow(records))
        return -ENOMEM;
    struct zone_record *to = &records->records[records->count];
    /* Records of one name mostly come one after the other. */
    if (records->count > 0) {
        const uint8_t *before = to[-1].owner;
        if (name_octets(before) == octets && memcmp(before, record->owner, octets) == 0)
            owner = before;
    }
    if (owner == NULL)
        owner = octets_copy(&records->arena, record->owner, octets);
    const uint8_t *rdata = octets_copy(&records->arena, record->rdata, record->rdata_octets);
    if (owner == NULL || rdata == NULL)
        return -ENOMEM;
    *to = *record;
    to->owner = owner;
    to->rdata = rdata;
    records->count++;
    return 0;
}

static int record_compare_below_owner(const struct zone_record *a, const struct zone_record *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return zone_rdata_compare(a->type, a->rdata, a->rdata_octets, b->rdata, b->rdata_octets);
}

static int record_compare(const struct zone_record *a, const struct zone_record *b)
{
    int difference = a->owner == b->owner ? 0 : name_compare(a->owner, b->owner);
    return difference != 0 ? difference : record_compare_below_owner(a, b);
}

/* A record on its way to its place. `key` compares as the owner does; `prefix` is the key's first eight
 * octets. */
struct sort_item {
    uint64_t prefix;
    const uint8_t *key;
    uint32_t key_octets;
    uint32_t owner; /* the same number: the same owner, octet for octet */
    const struct zone_record *record;
};

/* The key: labels from the right, folded, each closed by 0; 0 and 1 inside a label are 1 1 and 1 2, so that a
 * label that goes on is always above one that ends. At most twice the name. */
static size_t key_write(const uint8_t *name, uint8_t key[2 * NAME_MAX_OCTETS])
{
    uint8_t folded[NAME_MAX_OCTETS];
    uint8_t starts[NAME_MAX_LABELS];
    unsigned labels = 0;
    size_t octets = 0;
    name_fold(folded, name, name_octets(name));
    for (size_t at = 0; folded[at] != 0 && labels < NAME_MAX_LABELS; at += 1 + (size_t)folded[at])
        starts[labels++] = (uint8_t)at;
    while (labels > 0) {
        const uint8_t *label = folded + starts[--labels];
        for (unsigned i = 1; i <= label[0]; i++) {
            uint8_t c = label[i];
            if (c <= 1)
                key[octets++] = 1;
            key[octets++] = c <= 1 ? (uint8_t)(c + 1) : c;
        }
        key[octets++] = 0;
    }
    return octets;
}

static uint64_t key_prefix(const uint8_t *key, size_t octets)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < octets ? key[i] : 0);
    return prefix;
}

static int item_compare(const struct sort_item *a, const struct sort_item *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    if (a->owner != b->owner) {
        size_t shorter = a->key_octets < b->key_octets ? a->key_octets : b->key_octets;
        int difference = memcmp(a->key, b->key, shorter);
        if (difference != 0)
            return difference;
        if (a->key_octets != b->key_octets)
            return a->key_octets < b->key_octets ? -1 : 1;
    }
    return record_compare_below_owner(a->record, b->record);
}

/* Gives every record its item. What all keys share, the apex, is left out of them. */
static int items_make(const struct zone_records *records, struct sort_item *items, struct arena *arena)
{
    uint8_t key[2 * NAME_MAX_OCTETS];
    size_t shared = records->apex != NULL ? key_write(records->apex, key) : 0;
    for (size_t i = 0; i < records->count; i++) {
        const struct zone_record *record = &records->records[i];
        struct sort_item *item = &items[i];
        if (i > 0 && record->owner == record[-1].owner) {
            *item = item[-1];
        } else {
            size_t octets = key_write(record->owner, key);
            size_t skip = octets >= shared ? shared : 0;
            item->key = octets_copy(arena, key + skip, octets - skip);
            if (item->key == NULL)
                return -ENOMEM;
            item->key_octets = (uint32_t)(octets - skip);
            item->prefix = key_prefix(item->key, item->key_octets);
            item->owner = (uint32_t)i;
        }
        item->record = record;
    }
    return 0;
}

static void items_merge(const struct sort_item *from, struct sort_item *to, size_t start, size_t middle,
                        size_t end)
{
    size_t a = start;
    size_t b = middle;
    for (size_t i = start; i < end; i++) {
        bool first = b == end || (a < middle && item_compare(&from[a], &from[b]) <= 0);
        to[i] = from[first ? a++ : b++];
    }
}

/* Where each run that is in order already ends; how many there are. */
static size_t runs_find(const struct sort_item *items, size_t count, size_t *ends)
{
    size_t runs = 0;
    for (size_t i = 1; i < count; i++) {
        if (item_compare(&items[i - 1], &items[i]) > 0)
            ends[runs++] = i;
    }
    ends[runs++] = count;
    return runs;
}

/* Stable merge of neighbouring runs, back and forth between two arrays, until there is one. Gives the array
 * that holds it. */
static struct sort_item *items_sort(struct sort_item *items, struct sort_item *other, size_t count,
                                    size_t *ends)
{
    size_t runs = runs_find(items, count, ends);
    while (runs > 1) {
        size_t merged = 0;
        size_t start = 0;
        for (size_t run = 0; run < runs; run += 2) {
            size_t middle = ends[run];
            size_t end = run + 1 < runs ? ends[run + 1] : middle;
            items_merge(items, other, start, middle, end);
            ends[merged++] = end;
            start = end;
        }
        runs = merged;
        struct sort_item *swap = items;
        items = other;
        other = swap;
    }
    return items;
}

static bool records_are_in_order(const struct zone_records *records)
{
    for (size_t i = 1; i < records->count; i++) {
        if (record_compare(&records->records[i - 1], &records->records[i]) > 0)
            return false;
    }
    return true;
}

/* Puts the records in the order of `items`. */
static int records_take(struct zone_records *records, const struct sort_item *items)
{
    struct zone_record *sorted = malloc(records->count * sizeof *sorted);
    if (sorted == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < records->count; i++)
        sorted[i] = *items[i].record;
    free(records->records);
    records->records = sorted;
    records->capacity = records->count;
    return 0;
}

static int records_reorder(struct zone_records *records)
{
    struct arena keys = {0};
    size_t count = records->count;
    struct sort_item *items = calloc(count, sizeof *items);
    struct sort_item *other = calloc(count, sizeof *other);
    size_t *ends = calloc(count, sizeof *ends);
    int error = items != NULL && other != NULL && ends != NULL ? 0 : -ENOMEM;
    if (error == 0)
        error = items_make(records, items, &keys);
    struct sort_item *in_order = error == 0 ? items_sort(items, other, count, ends) : items;
    struct sort_item *spare = in_order == items ? other : items;
    /* Before the records are taken over, everything that isn't needed for it goes. */
    arena_free(&keys);
    free(ends);
    free(spare);
    if (error == 0)
        error = records_take(records, in_order);
    free(in_order);
    return error;
}

static void records_drop_duplicates(struct zone_records *records)
{
    size_t kept = records->count > 0 ? 1 : 0;
    for (size_t i = 1; i < records->count; i++) {
        if (record_compare(&records->records[kept - 1], &records->records[i]) != 0)
            records->records[kept++] = records->records[i];
    }
    records->count = kept;
}

int zone_records_sort(struct zone_records *records)
{
    if (!records_are_in_order(records)) {
        int error = records_reorder(records);
        if (error != 0)
            return error;
    }
    records_drop_duplicates(records);
    return 0;
}

void zone_records_free(struct zone_records *records)
{
    arena_free(&records->arena);
    free(records->records);
    *records = (struct zone_records){0};
}
