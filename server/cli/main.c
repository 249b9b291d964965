/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The `hither` command: what an operator types. Each command is a row of the table.
 */
#include "cli/command.h"

#include "config.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define LETTER_SOCKET 256
#define LETTER_REASON 257
#define LETTER_JSON   258
#define LETTER_FORCE  259
#define LETTER_FOR    260

static const struct subcommand {
    const char *name;
    const char *arguments; /* as the help shows them */
    int least;
    int most;
    const char *does; /* one line */
    const char *more; /* what `hither help COMMAND` adds */
} subcommands[] = {
    {"status", "", 0, 0, "is this PoP announced, since when, and why",
     "Shows the route's state, each prefix and neighbour, the zones and the queries answered.\n"},
    {"why", "", 0, 0, "the checks behind the route's state",
     "Shows the verdict, the rules it follows, and what each check of the last round found.\n"},
    {"drain", "", 0, 0, "take the route back, and go on answering",
     "Marks the routes with GRACEFUL_SHUTDOWN, waits announce.drain-wait, and withdraws them. Queries that "
     "still\n"
     "come are answered. `hither resume` takes it back. "
     "Lasts over restarts of hitherd.\n\n"
     "  --reason TEXT    told to the neighbours, and shown by `hither status`\n"
     "  --for TIME       takes itself back after 90s, 30m, 2h\n"
     "  --force          even when the fleet knows of too few other PoPs that are up\n"},
    {"resume", "", 0, 0, "announce again after a drain",
     "The route comes back as soon as the checks are good.\n"},
    {"reload", "[ZONE]", 0, 1, "read the configuration and changed zones again",
     "Answers when it is done. What can't be taken is refused with file, line and reason, and what was "
     "being\n"
     "served stays. With ZONE only that zone's files are looked at.\n"},
    {"upgrade", "", 0, 0, "have the program on disk take over without losing a query",
     "For a new version that was put in the place of the old one. The new program judges the configuration "
     "and\n"
     "all zones first. Service sockets and BGP sessions are handed on: the route stays.\n"},
    {"zones", "", 0, 0, "the zones with state, serial and age",
     "States: served; stale (the newest text was refused, the one before is served); failed; loading.\n"},
    {"check", "[FILE]", 0, 1, "find everything that is wrong with a configuration and its zones",
     "Reads FILE, by default the configuration that hitherd would read, and every zone in it, and shows all\n"
     "findings with file and line. A FILE that ends in .zone is checked as that zone by itself. Needs no\n"
     "running daemon.\n"},
    {"replay", "FILE", 1, 1, "judge anew what led to each change of the route",
     "FILE is the flight.log of a server.state-dir. Each line has all that a verdict was made of: shows what "
     "was\n"
     "decided, and what this version would decide. Exit status 1 when that differs. Needs no running "
     "daemon.\n"},
    {"compile", "ZONE FILE", 2, 2, "compile a zone's text to an image file",
     "Reads the text of ZONE from FILE and writes the image that hitherd would serve: the same text gives "
     "the\n"
     "same bytes everywhere. Shows how far it is when that takes long.\n\n"
     "  -o, --output OUT    where to; by default ZONE.image in this directory\n"},
};

#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"socket", required_argument, NULL, LETTER_SOCKET},
    {"output", required_argument, NULL, 'o'},
    {"reason", required_argument, NULL, LETTER_REASON},
    {"json", no_argument, NULL, LETTER_JSON},
    {"force", no_argument, NULL, LETTER_FORCE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"for", required_argument, NULL, LETTER_FOR},
    {NULL, 0, NULL, 0},
};

static void print_help(FILE *out)
{
    (void)fputs("hither [-c FILE] COMMAND: asks and steers hitherd, an anycast DNS server\n\n", out);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        char usage[64];
        (void)snprintf(usage, sizeof usage, "%s %s", subcommands[i].name, subcommands[i].arguments);
        (void)fprintf(out, "  %-18s %s\n", usage, subcommands[i].does);
    }
    (void)fputs("  help [COMMAND]     this, or more about a command\n\n"
                "  -c, --config FILE  the configuration, which names the control socket\n"
                "                     (" CLI_DEFAULT_CONFIG ")\n"
                "      --socket PATH  the control socket itself\n"
                "      --json         the answer as JSON, for programs\n"
                "  -h, --help         this, or more about the command\n"
                "  -V, --version      the version of this program\n\n"
                "Exit status: 0 done, 1 refused or wrong, 2 wrong command line, 3 no daemon to ask.\n",
                out);
}

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    (void)fprintf(stderr, "hither: there is no command '%s'; `hither help` lists them\n", name);
    return NULL;
}

static enum cli_exit help_about(const char *name)
{
    const struct subcommand *about = find_subcommand(name);
    if (about == NULL)
        return CLI_USAGE;
    (void)printf("hither %s%s%s: %s\n\n%s", about->name, about->arguments[0] != '\0' ? " " : "",
                 about->arguments, about->does, about->more);
    return CLI_OK;
}

/* What the options ask for beside a command. */
enum wish {
    WISH_COMMAND,
    WISH_HELP,
    WISH_VERSION,
    WISH_WRONG,
};

static enum wish read_options(int argc, char **argv, struct cli_options *options)
{
    enum wish wish = WISH_COMMAND;
    int letter;
    while ((letter = getopt_long(argc, argv, "c:o:hV", long_options, NULL)) != -1) {
        switch (letter) {
        case 'c':
            options->config = optarg;
            break;
        case 'o':
            options->output = optarg;
            break;
        case LETTER_SOCKET:
            options->socket = optarg;
            break;
        case LETTER_REASON:
            options->reason = optarg;
            break;
        case LETTER_FOR:
            options->span = optarg;
            break;
        case LETTER_JSON:
            options->json = true;
            break;
        case LETTER_FORCE:
            options->force = true;
            break;
        case 'h':
            wish = WISH_HELP;
            break;
        case 'V':
            wish = WISH_VERSION;
            break;
        default:
            return WISH_WRONG;
        }
    }
    return wish;
}

/* Options that this command has no use for are mistakes, and told as such. */
static bool options_fit(const struct subcommand *sub, const struct cli_options *options)
{
    const char *wrong = NULL;
    if (options->output != NULL && strcmp(sub->name, "compile") != 0)
        wrong = "--output";
    if (options->reason != NULL && strcmp(sub->name, "drain") != 0)
        wrong = "--reason";
    if (options->force && strcmp(sub->name, "drain") != 0)
        wrong = "--force";
    if (options->span != NULL && strcmp(sub->name, "drain") != 0)
        wrong = "--for";
    if (wrong != NULL)
        (void)fprintf(stderr, "hither: %s isn't for the command %s\n", wrong, sub->name);
    return wrong == NULL;
}

static enum cli_exit run_subcommand(const char *name, const struct cli_options *options)
{
    const struct subcommand *sub = find_subcommand(name);
    if (sub == NULL || !options_fit(sub, options))
        return CLI_USAGE;
    if (options->argument_count < sub->least || options->argument_count > sub->most) {
        (void)fprintf(stderr, "hither: write hither %s%s%s\n", sub->name,
                      sub->arguments[0] != '\0' ? " " : "", sub->arguments);
        return CLI_USAGE;
    }
    if (strcmp(name, "check") == 0)
        return cli_check(options);
    if (strcmp(name, "replay") == 0)
        return cli_replay(options);
    if (strcmp(name, "compile") == 0)
        return cli_compile(options);
    return cli_ask(name, options);
}

static enum cli_exit run(int argc, char **argv)
{
    struct cli_options options = {0};
    enum wish wish = read_options(argc, argv, &options);
    const char *name = optind < argc ? argv[optind] : NULL;
    bool help = wish == WISH_HELP || (name != NULL && strcmp(name, "help") == 0);
    if (wish == WISH_WRONG)
        return CLI_USAGE;
    if (wish == WISH_VERSION) {
        (void)printf("hither %s\n", HITHER_VERSION);
        return CLI_OK;
    }
    if (help && name != NULL && strcmp(name, "help") == 0)
        name = ++optind < argc ? argv[optind] : NULL;
    if (help && name != NULL)
        return help_about(name);
    if (help || name == NULL) {
        print_help(help ? stdout : stderr);
        return help ? CLI_OK : CLI_USAGE;
    }
    options.arguments = argv + optind + 1;
    options.argument_count = argc - optind - 1;
    return run_subcommand(name, &options);
}

int main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        (void)fputs("hither: libsodium can't be used: there is no source of randomness\n", stderr);
        return CLI_REFUSED;
    }
    enum cli_exit status = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("hither: standard output");
        return CLI_REFUSED;
    }
    return (int)status;
}
