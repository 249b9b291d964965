/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the file system says of the files that a zone was read from: enough to tell later, without reading
 * them, that nothing has changed. Written behind an image in the cache, it says so over a restart too.
 */
#ifndef HITHER_ZONE_STAMP_H
#define HITHER_ZONE_STAMP_H

#include "wire/reader.h"
#include "wire/writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* One file's. */
struct zone_stamp {
    char *path; /* owned */
    uint64_t device;
    uint64_t inode;
    int64_t octets; /* -1: it could not be read */
    int64_t mtime_ns;
    int64_t ctime_ns;
    uint32_t tick_ms; /* writes so close to each other may have got the same times */
};

struct zone_stamps {
    struct zone_stamp *list;
    size_t count;
    int64_t taken_ns; /* wall clock, before the files were read */
};

/* Fills all but the path from what fstat() said of `fd`. */
void zone_stamp_take(struct zone_stamp *stamp, int fd, const struct stat *st);

/* Whether every file still looks as it did. False also when a file was written so shortly before it was read
 * that another write in the same tick of the file system's clock could have gone unseen, and when there are
 * no stamps. */
bool zone_stamps_hold(const struct zone_stamps *stamps);

/* As octets, and back. False when memory is short or the octets are none of ours; nothing is to be freed
 * then. */
size_t zone_stamps_octets(const struct zone_stamps *stamps);
void zone_stamps_write(const struct zone_stamps *stamps, struct writer *w);
bool zone_stamps_read(struct zone_stamps *stamps, struct reader *r);

void zone_stamps_free(struct zone_stamps *stamps);

#endif
