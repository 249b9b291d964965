/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The text that a zone is made of: its file and everything that it includes, read whole into memory, so that
 * what is digested is exactly what is parsed. What remains after the text is forgotten is its stamp: enough
 * to tell later, without reading, that nothing has changed.
 *
 * Includes are found by a scan for lines that begin with $INCLUDE. It may find one too many (a line of that
 * look inside parentheses), never one too few; a file too many only makes the digest pickier.
 */
#ifndef HITHER_ZONE_TEXT_H
#define HITHER_ZONE_TEXT_H

#include "zone/stamp.h"
#include "zone/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Goes up when the same text would be read into other records: images in the cache are then made anew. */
#define ZONE_READER_VERSION "hither zone text 2"

#define ZONE_TEXT_MAX_FILES     10000
#define ZONE_TEXT_DIGEST_OCTETS 32
#define ZONE_TEXT_PATH_MAX      4096

struct zone_file {
    char *bytes;    /* owned; not zero-terminated; NULL when it could not be read */
    size_t octets;  /* of `bytes` */
    int error;      /* errno of the attempt, or 0 */
    size_t same_as; /* the file among `files` that has the text: itself, or an earlier one that is the
                     * same file by another path */
    struct zone_stamp stamp; /* its path too: absolute when the zone's own is */
};

struct zone_text {
    struct zone_file *files; /* the zone's own file first, then what it includes in the order of discovery */
    size_t count;
    size_t octets; /* of all files */
    int64_t taken_ns;
};

/* Reads the file at `path` and what it includes. 0, or -errno of the zone's own file (ENOMEM when memory is
 * short); a file included that can't be read is kept with its error, for zone_read() to name the line. The
 * result is to be freed even after a failure. Only regular files are read. */
int zone_text_load(struct zone_text *text, const char *path);

/* One file from memory: `octets` of `bytes` are copied and nothing is read from disk; includes will be
 * missing. For tests and fuzzing. 0 or -ENOMEM. */
int zone_text_of_memory(struct zone_text *text, const char *path, const char *bytes, size_t octets);

/* Another such file, for an $INCLUDE to find. 0 or -ENOMEM. */
int zone_text_add_memory(struct zone_text *text, const char *path, const char *bytes, size_t octets);

/* The path that the word after $INCLUDE spells, zero-terminated, its escapes resolved. False when it can't be
 * one. */
bool zone_text_path(const struct zone_token *token, char path[ZONE_TEXT_PATH_MAX]);

/* The file that `path`, written in an $INCLUDE of the file at `from`, stands for; NULL when it wasn't
 * loaded. */
const struct zone_file *zone_text_included(const struct zone_text *text, const struct zone_file *from,
                                           const char *path);

/* BLAKE2b-256 over the reader's version, the apex (wire form, folded), and the tree digest (base/digest.h) of
 * every file in order. The paths are left out, so that it is the same at PoPs that keep their zones in
 * different places; where a file is included from is in the text itself. */
void zone_text_digest(const struct zone_text *text, const uint8_t *apex,
                      uint8_t digest[ZONE_TEXT_DIGEST_OCTETS]);

/* Gives back the octets, which are the most of it. */
void zone_text_forget(struct zone_text *text);

void zone_text_free(struct zone_text *text);

/* The stamps of what was loaded. 0 or -ENOMEM. */
int zone_stamps_of(struct zone_stamps *stamps, const struct zone_text *text);

#endif
