/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The record of a server's death: why and when, how many before it, and the queries that its workers were
 * answering, for whoever has to find the one that did it. The queries are copied before the next server
 * starts, and written to a file of the state directory by libuv's pool, because no disk may hold up the
 * route. Nothing here looks into them: they may have killed a parser already.
 *
 *     guard --(death)--> crash <-- base/flight        crash --> state-dir/crash-TIME.txt
 */
#ifndef HITHER_CRASH_H
#define HITHER_CRASH_H

#include "base/shared.h"

#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#define CRASH_MOST_FILES   16  /* the oldest go */
#define CRASH_QUERY_OCTETS 512 /* kept of each query */
#define CRASH_NAME_OCTETS  64

struct crash_story {
    const char *why; /* one line */
    pid_t pid;
    int64_t lived_ms;
    unsigned row;       /* deaths, each soon after its start */
    int64_t unix_ms;    /* of the death */
    const char *server; /* identity */
};

struct crash;

/* Copies what is needed. NULL when memory is short. */
struct crash *crash_take(const struct crash_story *story, const struct shared_up *up);

void crash_free(struct crash *crash);

/* Of its file: "crash-20260131T235959.123Z.txt". */
const char *crash_name(const struct crash *crash);

/* How many queries were being answered. */
size_t crash_queries(const struct crash *crash);

/* The whole record. Queries are in the form that text2pcap(1) reads. */
void crash_write(const struct crash *crash, FILE *out);

/* Writes it to its file in `directory` and removes the oldest records beyond CRASH_MOST_FILES. 0 or -errno.
 */
int crash_save(const struct crash *crash, const char *directory);

/* The same by the pool; takes over `crash`, and says in the log where it went. */
void crash_save_later(uv_loop_t *loop, struct crash *crash, const char *directory);

#endif
