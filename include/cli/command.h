/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every command of `hither` gets, and how it ends. The table of commands is server/cli/subcommands.c.
 */
#ifndef HITHER_CLI_COMMAND_H
#define HITHER_CLI_COMMAND_H

#include <stdbool.h>

#define CLI_DEFAULT_CONFIG "/etc/hither/hither.yaml"

enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,     /* it was asked and said no, or what was checked is wrong */
    CLI_USAGE = 2,       /* the command line is wrong */
    CLI_UNREACHABLE = 3, /* there is no daemon to ask */
};

struct cli_options {
    const char *config; /* NULL: CLI_DEFAULT_CONFIG */
    const char *socket; /* NULL: what the configuration names */
    const char *output; /* of compile; NULL: ZONE.image here */
    const char *reason; /* of drain; NULL: none */
    const char *span;   /* of drain, as written; NULL: until it is taken back */
    const char *type;   /* of cache; NULL: all */
    unsigned used;      /* set of the bits 1 << index into subcommand_options */
    bool json;
    bool suffix;            /* of cache: names below too */
    bool force;             /* drain: whatever the other PoPs say */
    char *const *arguments; /* behind the command's name */
    int argument_count;
};

/* Asks the daemon `command` and shows the reply (server/cli/ask.c). */
enum cli_exit cli_ask(const char *command, const struct cli_options *options);

/* The control socket's path, the caller's; NULL after what is wrong was shown (server/cli/ask.c). */
char *cli_find_socket(const struct cli_options *options);

/* Shows or flushes what the resolver remembers (server/cli/remembered.c). */
enum cli_exit cli_cache(const struct cli_options *options);

/* Judges a configuration and all its zones, or one zone file (server/cli/check.c). */
enum cli_exit cli_check(const struct cli_options *options);

/* Judges anew what a flight recorder wrote (server/cli/replay.c). */
enum cli_exit cli_replay(const struct cli_options *options);

/* Compiles a zone file to an image file (server/cli/compile.c). */
enum cli_exit cli_compile(const struct cli_options *options);

#endif
