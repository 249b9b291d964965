/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/key_file.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* Reads one line without its comment. False when it isn't a key. */
static bool key_file_take_line(struct key_file *file, const char *line, size_t octets)
{
    size_t got = 0;
    while (octets > 0 && isspace((unsigned char)line[octets - 1]))
        octets--;
    if (octets == 0)
        return true;
    if (octets != 2 * file->octets || file->count == file->most ||
        sodium_hex2bin(file->keys + file->count * file->octets, file->octets, line, octets, NULL, &got,
                       NULL) != 0 ||
        got != file->octets)
        return false;
    file->count++;
    return true;
}

bool key_file_parse(struct key_file *file, const char *text, char why[KEY_FILE_WHY_OCTETS])
{
    file->count = 0;
    while (*text != '\0') {
        if (!key_file_take_line(file, text, strcspn(text, "#\n"))) {
            (void)snprintf(why, KEY_FILE_WHY_OCTETS,
                           "a line isn't a secret of %zu hexadecimal digits, or there are more than %zu",
                           2 * file->octets, file->most);
            return false;
        }
        text += strcspn(text, "\n");
        text += *text == '\n';
    }
    (void)snprintf(why, KEY_FILE_WHY_OCTETS,
                   "there is no secret in it: write a line of %zu hexadecimal digits", 2 * file->octets);
    return file->count > 0;
}
