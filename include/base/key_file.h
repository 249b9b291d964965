/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A file with the fleet's keys: a line of hexadecimal digits each, the active one first; empty lines and what
 * follows '#' are passed over. The first key makes, all of them check: so a new one is staged everywhere
 * before it becomes the first, and the old one stays behind it for a while.
 */
#ifndef HITHER_BASE_KEY_FILE_H
#define HITHER_BASE_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_FILE_WHY_OCTETS 160

/* Where keys of `octets` each go, at most `most` of them. */
struct key_file {
    uint8_t *keys;
    size_t octets;
    size_t most;
    size_t count;
};

/* Reads keys from text. False, and `why` says it in a few words that hold nothing of the keys. */
bool key_file_parse(struct key_file *file, const char *text, char why[KEY_FILE_WHY_OCTETS]);

#endif
