/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/stamp.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

/* File systems of this host take a file's times from the kernel's clock, which ticks at least every ten
 * milliseconds. Elsewhere (FAT, a file server with a clock of its own) it may be seconds. */
#define TICK_HERE_MS      50
#define TICK_ELSEWHERE_MS 2000

#define MAGIC_XFS      0x58465342
#define MAGIC_ZFS      0x2fc12fc1
#define MAGIC_BCACHEFS 0xca451a4e

#define STAMP_FIXED_OCTETS  (5 * 8 + 4 + 2)
#define STAMPS_FIXED_OCTETS (8 + 4)
#define STAMPS_MOST         10000 /* ZONE_TEXT_MAX_FILES */

static uint32_t tick_ms_of(int fd)
{
    struct statfs fs;
    if (fstatfs(fd, &fs) < 0)
        return TICK_ELSEWHERE_MS;
    switch ((uint32_t)fs.f_type) {
    case EXT4_SUPER_MAGIC:
    case MAGIC_XFS:
    case BTRFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case OVERLAYFS_SUPER_MAGIC:
    case F2FS_SUPER_MAGIC:
    case MAGIC_BCACHEFS:
    case MAGIC_ZFS:
        return TICK_HERE_MS;
    default:
        return TICK_ELSEWHERE_MS;
    }
}

static int64_t ns_of(struct timespec t)
{
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void stamp_fill(struct zone_stamp *stamp, const struct stat *st)
{
    stamp->device = st->st_dev;
    stamp->inode = st->st_ino;
    stamp->octets = st->st_size;
    stamp->mtime_ns = ns_of(st->st_mtim);
    stamp->ctime_ns = ns_of(st->st_ctim);
}

void zone_stamp_take(struct zone_stamp *stamp, int fd, const struct stat *st)
{
    stamp_fill(stamp, st);
    stamp->tick_ms = tick_ms_of(fd);
}

static bool stamp_holds(const struct zone_stamp *stamp, int64_t taken_ns)
{
    struct stat st;
    struct zone_stamp now = {0};
    if (stamp->octets < 0 || stat(stamp->path, &st) < 0)
        return false;
    stamp_fill(&now, &st);
    int64_t settled_ns = taken_ns - (int64_t)stamp->tick_ms * 1000000;
    return stamp->mtime_ns <= settled_ns && stamp->ctime_ns <= settled_ns && now.device == stamp->device &&
           now.inode == stamp->inode && now.octets == stamp->octets && now.mtime_ns == stamp->mtime_ns &&
           now.ctime_ns == stamp->ctime_ns;
}

bool zone_stamps_hold(const struct zone_stamps *stamps)
{
    for (size_t i = 0; i < stamps->count; i++) {
        if (!stamp_holds(&stamps->list[i], stamps->taken_ns))
            return false;
    }
    return stamps->count > 0;
}

static void put_u64(struct writer *w, uint64_t value)
{
    writer_u32(w, (uint32_t)(value >> 32));
    writer_u32(w, (uint32_t)value);
}

static uint64_t get_u64(struct reader *r)
{
    uint64_t high = reader_u32(r);
    return high << 32 | reader_u32(r);
}

size_t zone_stamps_octets(const struct zone_stamps *stamps)
{
    size_t octets = STAMPS_FIXED_OCTETS;
    for (size_t i = 0; i < stamps->count; i++)
        octets += STAMP_FIXED_OCTETS + strlen(stamps->list[i].path);
    return octets;
}

void zone_stamps_write(const struct zone_stamps *stamps, struct writer *w)
{
    put_u64(w, (uint64_t)stamps->taken_ns);
    writer_u32(w, (uint32_t)stamps->count);
    for (size_t i = 0; i < stamps->count; i++) {
        const struct zone_stamp *stamp = &stamps->list[i];
        size_t path_octets = strlen(stamp->path);
        put_u64(w, stamp->device);
        put_u64(w, stamp->inode);
        put_u64(w, (uint64_t)stamp->octets);
        put_u64(w, (uint64_t)stamp->mtime_ns);
        put_u64(w, (uint64_t)stamp->ctime_ns);
        writer_u32(w, stamp->tick_ms);
        writer_u16(w, (uint16_t)path_octets);
        writer_bytes(w, stamp->path, path_octets);
    }
}

/* False when memory is short; what is wrong otherwise, the reader knows. */
static bool stamp_read(struct zone_stamp *stamp, struct reader *r)
{
    stamp->device = get_u64(r);
    stamp->inode = get_u64(r);
    stamp->octets = (int64_t)get_u64(r);
    stamp->mtime_ns = (int64_t)get_u64(r);
    stamp->ctime_ns = (int64_t)get_u64(r);
    stamp->tick_ms = reader_u32(r);
    size_t octets = reader_u16(r);
    const uint8_t *path = reader_bytes(r, octets);
    stamp->path = path != NULL ? malloc(octets + 1) : NULL;
    if (stamp->path == NULL)
        return false;
    memcpy(stamp->path, path, octets); /* it has no closing zero for strndup() to find */
    stamp->path[octets] = '\0';
    return true;
}

bool zone_stamps_read(struct zone_stamps *stamps, struct reader *r)
{
    *stamps = (struct zone_stamps){.taken_ns = (int64_t)get_u64(r)};
    uint32_t count = reader_u32(r);
    if (r->failed || count > STAMPS_MOST)
        return false;
    stamps->list = calloc(count > 0 ? count : 1, sizeof *stamps->list);
    if (stamps->list == NULL)
        return false;
    while (stamps->count < count && stamp_read(&stamps->list[stamps->count], r))
        stamps->count++;
    if (stamps->count == count && !r->failed)
        return true;
    zone_stamps_free(stamps);
    return false;
}

void zone_stamps_free(struct zone_stamps *stamps)
{
    for (size_t i = 0; i < stamps->count; i++)
        free(stamps->list[i].path);
    free(stamps->list);
    *stamps = (struct zone_stamps){0};
}
