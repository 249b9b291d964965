/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets on their way from files of their own to the one process that needs them. The announcer reads them
 * all while it judges the configuration; what is the server's it passes on with the text, in memory, and
 * forgets. So the server opens no such file: it can't tell what the announcer's are, and it starts again in
 * place of one that crashed with the secrets that were found good, whatever the files have become since.
 *
 *     file, systemd credential --vault_read()--> judge --> settings
 *                                    |
 *                                  vault --settings_text_put()--> memfd --settings_text_get()--> the server's
 */
#ifndef HITHER_CONFIG_VAULT_H
#define HITHER_CONFIG_VAULT_H

#include "config/value.h"

#include <stdbool.h>
#include <stddef.h>

#define VAULT_SECRETS_MOST 64
#define VAULT_TEXT_OCTETS  4096

enum vault_owner {
    VAULT_OF_SERVER,    /* what clients' and other servers' messages are judged by: cookies, TSIG */
    VAULT_OF_ANNOUNCER, /* of the route: BGP passwords, the fleet's keys */
};

/* What a file holds. */
struct vault_text {
    bool open_to_all; /* any user of the host may read it */
    char text[VAULT_TEXT_OCTETS + 1];
};

struct vault_secret;

/* Zero-initialised it is empty, and open: secrets are read from their files, and the server's are kept. */
struct vault {
    bool closed; /* it is all that there is: no file is read */
    size_t count;
    struct vault_secret *list[VAULT_SECRETS_MOST];
};

enum vault_result {
    VAULT_READ,
    VAULT_NOT_OURS, /* it is the announcer's, and the vault is closed */
    VAULT_REFUSED,  /* `why` says the reason */
};

/* `vault` NULL: from the file, whoever's it is, and nothing is kept. */
enum vault_result vault_read(struct vault *vault, enum vault_owner owner, const char *path,
                             struct vault_text *text, struct value_why *why);

/* All that is in it as octets, from malloc, and back into an empty vault, closed. NULL (false) when memory is
 * short or the octets are no vault. */
char *vault_pack(const struct vault *vault, size_t *octets);
bool vault_unpack(struct vault *vault, const char *packed, size_t octets);

/* Wipes and frees what is in it. */
void vault_empty(struct vault *vault);

#endif
