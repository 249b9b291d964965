/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration's text on its way: read from its file once, judged by the announcer, and handed to the
 * server in a memfd. So both processes go by the same octets, and a server that is started in place of a
 * crashed one goes by those that were found good, whatever the file has become since.
 */
#ifndef HITHER_SETTINGS_TEXT_H
#define HITHER_SETTINGS_TEXT_H

#include "config.h"
#include "config/vault.h"

#include <stddef.h>

#define SETTINGS_TEXT_OCTETS (16 * 1024 * 1024)

struct settings_text {
    char *text; /* owned */
    size_t octets;
    struct vault vault; /* the server's secrets */
};

/* Reads the file and judges it. NULL when it can't be read or anything in it is an error: `findings` says
 * what. `text` is to be freed by settings_text_free() in any case. */
struct settings *settings_text_read(const char *path, struct settings_text *text, struct findings *findings);

/* The text in `fd` alone, without secrets, into an empty `text`, to be freed in any case. 0 or -errno. */
int settings_text_take(int fd, struct settings_text *text);

/* The settings that a text without secrets means, with the announcer's; the server's go into `text`, for
 * settings_text_put(). NULL as above. */
struct settings *settings_text_judge(struct settings_text *text, const char *path, struct findings *findings);

/* Makes `fd` (a memfd) hold the text, and the secrets behind it. 0 or -errno. */
int settings_text_put(int fd, const struct settings_text *text);

/* The settings that the text in `fd` means, with the server's secrets and without the announcer's. NULL as
 * above. */
struct settings *settings_text_get(int fd, const char *path, struct findings *findings);

/* Whether the memfd holds exactly this. */
bool settings_text_is(int fd, const struct settings_text *text);

void settings_text_free(struct settings_text *text);

/* Warns of each difference between the two that takes effect only after a restart. */
void settings_text_warn_of_restart(const struct settings *in_force, const struct settings *wanted,
                                   struct findings *findings);

/* Gives `wanted` the server section of those in force, but for the identity and the cookies, and those in
 * force the wanted one: what was bound and who we are stays until a restart. Doing it again takes it back. */
void settings_text_swap_bound(struct settings *in_force, struct settings *wanted);

#endif
