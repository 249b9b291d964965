/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The zones as the server tells of them in shared memory, read without trust and without ever waiting: a
 * table that is being replaced is read at a later turn.
 *
 *     shared_up --> zones_scan_step() --> struct zones_summary --> zones_judge() --> what it means for a
 * prefix
 *
 * A zone may have prefixes of its own; they make its group. All zones without any are one group more. What a
 * zone's trouble may do: one that was served here and can't be any more withdraws its own prefixes; whatever
 * may be the same at every PoP (a text that was refused everywhere, a new zone that never loaded) only makes
 * routes less preferred; and when not one zone can be served, there is nothing to announce.
 */
#ifndef HITHER_HEALTH_ZONES_H
#define HITHER_HEALTH_ZONES_H

#include "base/shared.h"
#include "wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zone to be asked for. */
struct zones_entry {
    uint8_t name[NAME_MAX_OCTETS]; /* checked; folded */
    uint64_t prefixes;             /* shared_zone.prefixes */
};

/* Copies up to `most` zones that are being served (SERVED or STALE) into `zones`, going round from entry
 * `*cursor`, which moves on. Looks at a bounded number of entries. How many, or -1 when the table was being
 * replaced. */
int zones_read_slice(const struct shared_up *up, size_t *cursor, struct zones_entry *zones, int most);

/* The table's number; odd while it is being replaced. */
uint32_t zones_sequence(const struct shared_up *up);

#define ZONES_COMMON SETTINGS_MAX_PREFIXES /* the group of zones without a prefix of their own */

/* Worse ones last. */
enum zones_trouble {
    ZONES_NO_TROUBLE,
    ZONES_STALE,  /* the newest text was refused; an older one is served */
    ZONES_FAILED, /* it can't be served, and never was while we looked */
    ZONES_LOST,   /* it was served, and can't be any more */
};

struct zones_group {
    size_t total;
    size_t stale;
    size_t failed; /* without those lost */
    size_t lost;
    enum zones_trouble worst;
    uint8_t first[NAME_MAX_OCTETS]; /* of the worst kind; folded */
};

struct zones_summary {
    size_t total;
    size_t served; /* SERVED or STALE */
    size_t failed; /* FAILED: also those lost */
    size_t stale;
    int64_t oldest_unix_s;           /* when the zone that was loaded first, of those served, was */
    uint8_t oldest[NAME_MAX_OCTETS]; /* which */
    int64_t signature_end_unix_s;    /* when the first signature of those served ends; 0: none is signed */
    uint8_t signed_zone[NAME_MAX_OCTETS]; /* whose that is */
    /* The sum of the digests of the zones that are served: the same zones make the same sum, in any order. */
    uint64_t digests[2];
    size_t prefix_count;
    struct shared_prefix prefixes[SETTINGS_MAX_PREFIXES];
    struct zones_group groups[SETTINGS_MAX_PREFIXES + 1];
};

/* Which zones with a prefix of their own have been served: hashes of their names, open addressing. */
struct zones_seen {
    uint64_t *slots; /* 0: free */
    size_t size;     /* a power of two, or 0 */
    size_t count;
};

/* A walk over all zones, a bounded piece at a time. Zero-initialised is ready. */
struct zones_scan {
    uint32_t sequence; /* of the table that is being walked, or was */
    bool complete;     /* `last` is true of that table */
    size_t at;
    struct zones_summary so_far;
    struct zones_summary last; /* of the last complete walk */
    struct zones_seen seen;    /* up to the last complete walk */
    struct zones_seen seen_so_far;
};

/* Looks at the next piece, from the start again when the table has changed. True when a walk has just been
 * completed. */
bool zones_scan_step(struct zones_scan *scan, const struct shared_up *up);

/* The next step begins a walk, whatever the table's number is; what has been served is remembered. */
void zones_scan_again(struct zones_scan *scan);

void zones_scan_free(struct zones_scan *scan);

/* What the zones mean for a prefix. */
struct zones_effect {
    bool withdraws;
    bool degrades;
    bool only_stale; /* it degrades because of zones that are served from an older text, and no others */
    char why[NAME_TEXT_MAX + 160];
};

/* The index of the prefix's own group in the summary, or ZONES_COMMON when no zone has it for its own. */
size_t zones_group_of(const struct zones_summary *summary, uint8_t family, uint8_t bits,
                      const uint8_t octets[16]);

/* One of those that can't be served, "" when all can. Returns `name`. */
const char *zones_first_failed(const struct zones_summary *summary, char name[NAME_TEXT_MAX]);

/* `group` is the prefix's; `takes_common` says that trouble of zones without a prefix counts for it too. */
struct zones_effect zones_judge(const struct zones_summary *summary, size_t group, bool takes_common);

/* The wall clock as it is, and as it would be if nobody had set it since our start. */
struct zones_time {
    int64_t wall_unix_s;
    int64_t steady_unix_s;
};

/* Whether the time is past `limit_unix_s`. Where the clocks disagree it is so as it was `before`, so that a
 * clock that is set by up to a day changes nothing; one that is further off was wrong from the start, and
 * nothing is past by one clock alone. */
bool zones_is_past(struct zones_time now, int64_t limit_unix_s, bool before);

/* Whether some zone that is served was loaded more than `most_s` ago; never when that is 0. */
bool zones_are_old(const struct zones_summary *summary, struct zones_time now, int64_t most_s, bool before);

/* Whether some signature ends within `ahead_s`, or has ended; never when that is 0. */
bool zones_signatures_end(const struct zones_summary *summary, struct zones_time now, int64_t ahead_s,
                          bool before);

/* Which zone's signature ends first, and when, in a line; "" when no zone is signed. Returns `text`. */
#define ZONES_SIGNATURE_OCTETS (NAME_TEXT_MAX + 64)
const char *zones_say_signature(const struct zones_summary *summary, int64_t wall_unix_s,
                                char text[ZONES_SIGNATURE_OCTETS]);

#endif
