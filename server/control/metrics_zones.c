/* SPDX-License-Identifier: BSD-2-Clause */
#include "control/exposition.h"
#include "control/metrics.h"
#include "control/report.h"
#include "wire/name.h"

#include <stdlib.h>

struct zone_list {
    struct shared_zone *zones;
    size_t count;
    const struct worker_stats *sum;
};

static void put_zone(FILE *out, const char *family, const struct shared_zone *zone, double value)
{
    char name[NAME_TEXT_MAX];
    exposition_number(out, &(struct exposition_sample){family, {{"zone", name_to_text(zone->apex, name)}}},
                      value);
}

/* A family with a sample for each zone of which `value` knows something: below 0 it doesn't. */
static void put_zones(FILE *out, const struct zone_list *list, const char *name, const char *help,
                      double (*value)(const struct shared_zone *zone))
{
    exposition_family(out, name, "gauge", help);
    for (size_t i = 0; i < list->count; i++) {
        double number = value(&list->zones[i]);
        if (number >= 0)
            put_zone(out, name, &list->zones[i], number);
    }
}

static double zone_serial(const struct shared_zone *zone)
{
    return zone->serial;
}

static double zone_names(const struct shared_zone *zone)
{
    return (double)zone->names;
}

static double zone_loaded(const struct shared_zone *zone)
{
    return zone->loaded_unix_s > 0 ? (double)zone->loaded_unix_s : -1;
}

static double zone_signature_end(const struct shared_zone *zone)
{
    return zone->signature_end_unix_s > 0 ? (double)zone->signature_end_unix_s : -1;
}

static double zone_expires(const struct shared_zone *zone)
{
    return zone->expires_unix_s > 0 ? (double)zone->expires_unix_s : -1;
}

static double zone_is_current(const struct shared_zone *zone)
{
    return zone->state == SHARED_ZONE_SERVED;
}

static void put_digests(FILE *out, const struct zone_list *list)
{
    exposition_family(out, "zone_info", "gauge",
                      "1, labelled with the digest of the image: equal digests mean equal answers.");
    for (size_t i = 0; i < list->count; i++) {
        char name[NAME_TEXT_MAX];
        char digest[2 * sizeof list->zones[i].digest + 1];
        exposition_count(out,
                         &(struct exposition_sample){"zone_info",
                                                     {{"zone", name_to_text(list->zones[i].apex, name)},
                                                      {"state", report_zone_state(list->zones[i].state)},
                                                      {"digest", report_digest(&list->zones[i], digest)}}},
                         1);
    }
}

/* Zones that share the counter 0 are told together. */
static void put_queries(FILE *out, const struct zone_list *list)
{
    exposition_family(
        out, "zone_queries_total", "counter",
        "Queries for names in the zone; those of zones without a counter of their own are together.");
    for (size_t i = 0; i < list->count; i++) {
        uint32_t counter = list->zones[i].counter;
        if (counter > 0 && counter < STATS_ZONES)
            put_zone(out, "zone_queries_total", &list->zones[i],
                     (double)stat_read(&list->sum->zones[counter]));
    }
    exposition_count(out, &(struct exposition_sample){"zone_queries_total", {{"zone", "others"}}},
                     stat_read(&list->sum->zones[0]));
}

void metrics_write_zones(FILE *out, const struct shared_up *up, const struct worker_stats *sum)
{
    struct report_totals totals;
    struct zone_list list = {.zones = calloc(METRICS_MAX_ZONES, sizeof *list.zones), .sum = sum};
    list.count = list.zones != NULL ? report_copy_zones(up, list.zones, METRICS_MAX_ZONES, &totals)
                                    : report_copy_zones(up, NULL, 0, &totals);
    exposition_family(out, "zones", "gauge", "Zones, by state.");
    for (uint32_t i = 0; i <= SHARED_ZONE_STALE; i++)
        exposition_count(out, &(struct exposition_sample){"zones", {{"state", report_zone_state(i)}}},
                         totals.by_state[i]);
    exposition_gauge(out, "images_bytes", "Octets of all zone images.", (double)totals.image_octets);
    exposition_gauge(out, "zones_unlabelled", "Zones without lines of their own below, for their number.",
                     (double)(totals.zones - list.count));
    put_zones(out, &list, "zone_serial", "The serial being served.", zone_serial);
    put_zones(out, &list, "zone_names", "Names in the zone.", zone_names);
    put_zones(out, &list, "zone_loaded_timestamp_seconds", "When the zone's image was loaded.", zone_loaded);
    put_zones(out, &list, "zone_signature_end_timestamp_seconds",
              "When the first signature of a signed zone ends.", zone_signature_end);
    put_zones(out, &list, "zone_expires_timestamp_seconds",
              "When a secondary's zone will be served no more unless its primary is heard from.",
              zone_expires);
    put_zones(out, &list, "zone_current", "1 while the newest source of the zone is being served.",
              zone_is_current);
    put_digests(out, &list);
    put_queries(out, &list);
    free(list.zones);
}
