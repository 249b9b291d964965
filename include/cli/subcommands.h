/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands of `hither` and their options: the one table that the help, the shells' completions and the
 * manual page are made of (`hither help --json`, deploy/man/make.py).
 */
#ifndef HITHER_CLI_SUBCOMMANDS_H
#define HITHER_CLI_SUBCOMMANDS_H

#include <jansson.h>
#include <stddef.h>

struct subcommand {
    const char *name;
    const char *arguments; /* as the help shows them */
    int least;
    int most;
    const char *does; /* one line */
    const char *more; /* what `hither help COMMAND` adds */
};

extern const struct subcommand subcommands[];
extern const size_t subcommand_count;

#define LETTER_SOCKET 256
#define LETTER_REASON 257
#define LETTER_JSON   258
#define LETTER_FORCE  259
#define LETTER_FOR    260
#define LETTER_TYPE   261
#define LETTER_SUFFIX 262

struct subcommand_option {
    const char *name;
    int letter;           /* of getopt; above 255: it has a long name only */
    const char *argument; /* NULL: none */
    const char *command;  /* that it is for; NULL: all of them */
    const char *does;
};

extern const struct subcommand_option subcommand_options[];
extern const size_t subcommand_option_count;

/* NULL: there is none of that name. */
const struct subcommand *subcommand_find(const char *name);

/* {"version", "commands": [{"name", "arguments", "does", "more"}], "options": [{"name", "letter", "argument",
 * "command", "does"}]}. New reference. */
json_t *subcommands_as_json(void);

#endif
