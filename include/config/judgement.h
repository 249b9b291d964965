/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the judges of the sections share: the file as written, the settings that come out, and the words for
 * what is wrong. Private to server/config.
 */
#ifndef HITHER_CONFIG_JUDGEMENT_H
#define HITHER_CONFIG_JUDGEMENT_H

#include "config.h"
#include "config/outline.h"
#include "config/schema.h"
#include "config/value.h"
#include "config/vault.h"

#define JUDGE_PATH 128

/* What was written and where, and what it becomes. */
struct judge {
    struct settings *settings;
    const struct raw_config *raw;
    const struct outline *outline;
    struct findings *findings;
    const char *host;
    char *directory;     /* of the file, absolute */
    struct vault *vault; /* where secrets come from; NULL: from their files */
};

/* A value in the file: its path gives the line, and names it in messages. */
struct place {
    char path[JUDGE_PATH];
};

struct place place(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* 0 when the file has nothing there. */
uint32_t judge_line(const struct judge *j, const struct place *at);

/* "PATH is such and such", at the path's line. */
void judge_say(struct judge *j, enum finding_level level, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same with a value's reason. */
void judge_say_why(struct judge *j, const struct place *at, const struct value_why *why);

/* A key of `section` that isn't there at all; one without a value was a finding of the outline. */
void judge_say_missing(struct judge *j, const struct place *section, const char *key, const char *remedy);

/* Values with a default, which is also what stands in for a wrong one while the rest is judged. */
uint64_t judge_number(struct judge *j, struct place at, const char *text, uint64_t least, uint64_t most,
                      uint64_t otherwise);
uint32_t judge_duration(struct judge *j, struct place at, const char *text, uint32_t least_ms,
                        uint32_t most_ms, uint32_t otherwise_ms);

/* An absolute path that the settings own; NULL after a finding. */
char *judge_path(struct judge *j, struct place at, const char *text);

/* What the file that is named there holds, whose path is relative to the configuration, or
 * `credential:NAME`, one of systemd's. False after a finding, or when it isn't for this process. */
bool judge_secret_text(struct judge *j, struct place at, enum vault_owner owner, const char *name,
                       struct vault_text *text);

bool judge_address_equal(const union settings_address *a, const union settings_address *b);

/* Neither a wildcard nor a multicast address. */
bool judge_address_is_unicast(const union settings_address *a);

/* 0.0.0.0 or ::, which stand for every address of the host. */
bool judge_address_is_any(const union settings_address *a);

void judge_server(struct judge *j);
void judge_keys(struct judge *j);
void judge_zones(struct judge *j);

/* Which of announce.prefixes, judged already, are the zones' own. */
void judge_zone_prefixes(struct judge *j);

/* To whom the zones of an entry are handed on; `entry` is where it stands. */
void judge_peers(struct judge *j, const struct place *entry, const struct raw_zone *raw,
                 struct settings_zone *zone);

/* The list of prefixes, addresses and keys that stands at `at`. One reference; NULL when there is none, or
 * after a finding. */
struct zone_access *judge_access(struct judge *j, struct place at, char *const *texts, uint32_t count);

/* Before the zones, which take what they don't say from here. */
void judge_limits(struct judge *j);

void judge_announce(struct judge *j);
void judge_neighbors(struct judge *j, const struct raw_announce *raw);
void judge_health(struct judge *j);
void judge_fleet(struct judge *j);
void judge_log(struct judge *j);
void judge_resolve(struct judge *j);

/* The keys of the other backends than our own BGP, for the backend that was chosen. */
void judge_backend_keys(struct judge *j, const struct raw_announce *raw);

/* The keys of a policy, over what `policy` has already. `section` is where they stand. */
void judge_policy(struct judge *j, const struct place *section, const struct raw_policy *raw,
                  struct settings_policy *policy);

#endif
