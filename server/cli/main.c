/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The `hither` command: what an operator types. Each command is a row of the table in
 * server/cli/subcommands.c.
 */
#include "cli/command.h"
#include "cli/subcommands.h"

#include "config.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MOST 32

/* "-c, --config FILE", or with room for the letter "    --socket PATH". */
static void print_option(FILE *out, const struct subcommand_option *option)
{
    char usage[64];
    char letter[8] = "    ";
    if (option->letter < 256)
        (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    (void)snprintf(usage, sizeof usage, "%s--%s%s%s", letter, option->name,
                   option->argument != NULL ? " " : "", option->argument != NULL ? option->argument : "");
    (void)fprintf(out, "  %-19s %s\n", usage, option->does);
}

static void print_options(FILE *out, const char *command)
{
    for (size_t i = 0; i < subcommand_option_count; i++) {
        const struct subcommand_option *option = &subcommand_options[i];
        if (command == NULL ? option->command == NULL
                            : option->command != NULL && strcmp(option->command, command) == 0)
            print_option(out, option);
    }
}

static void print_help(FILE *out)
{
    (void)fputs("hither [-c FILE] COMMAND: asks and steers hitherd, an anycast DNS server\n\n", out);
    for (size_t i = 0; i < subcommand_count; i++) {
        char usage[64];
        (void)snprintf(usage, sizeof usage, "%s %s", subcommands[i].name, subcommands[i].arguments);
        (void)fprintf(out, "  %-19s %s\n", usage, subcommands[i].does);
    }
    (void)fputs("  help [COMMAND]      this, or more about a command\n\n", out);
    print_options(out, NULL);
    (void)fputs("\nExit status: 0 done, 1 refused or wrong, 2 wrong command line, 3 no daemon to ask.\n",
                out);
}

static const struct subcommand *find_subcommand(const char *name)
{
    const struct subcommand *sub = subcommand_find(name);
    if (sub == NULL)
        (void)fprintf(stderr, "hither: there is no command '%s'; `hither help` lists them\n", name);
    return sub;
}

static bool has_options(const char *command)
{
    for (size_t i = 0; i < subcommand_option_count; i++) {
        if (subcommand_options[i].command != NULL && strcmp(subcommand_options[i].command, command) == 0)
            return true;
    }
    return false;
}

static enum cli_exit help_about(const char *name)
{
    const struct subcommand *about = find_subcommand(name);
    if (about == NULL)
        return CLI_USAGE;
    (void)printf("hither %s%s%s: %s\n\n%s", about->name, about->arguments[0] != '\0' ? " " : "",
                 about->arguments, about->does, about->more);
    if (has_options(name))
        (void)putchar('\n');
    print_options(stdout, name);
    return CLI_OK;
}

/* Everything of the help, for programs. */
static enum cli_exit help_as_json(void)
{
    json_t *all = subcommands_as_json();
    (void)json_dumpf(all, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(all);
    return CLI_OK;
}

/* What the options ask for beside a command. */
enum wish {
    WISH_COMMAND,
    WISH_HELP,
    WISH_VERSION,
    WISH_WRONG,
};

static void note_used(struct cli_options *options, int letter)
{
    for (size_t i = 0; i < subcommand_option_count; i++) {
        if (subcommand_options[i].letter == letter)
            options->used |= 1U << i;
    }
}

static enum wish read_options(int argc, char **argv, struct cli_options *options)
{
    enum wish wish = WISH_COMMAND;
    struct option long_options[OPTIONS_MOST + 1] = {0};
    int letter;
    for (size_t i = 0; i < subcommand_option_count && i < OPTIONS_MOST; i++)
        long_options[i] =
            (struct option){subcommand_options[i].name,
                            subcommand_options[i].argument != NULL ? required_argument : no_argument, NULL,
                            subcommand_options[i].letter};
    while ((letter = getopt_long(argc, argv, "c:o:hV", long_options, NULL)) != -1) {
        note_used(options, letter);
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
        case LETTER_TYPE:
            options->type = optarg;
            break;
        case LETTER_SUFFIX:
            options->suffix = true;
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
    for (size_t i = 0; i < subcommand_option_count; i++) {
        const struct subcommand_option *option = &subcommand_options[i];
        if ((options->used >> i & 1) == 0 || option->command == NULL ||
            strcmp(option->command, sub->name) == 0)
            continue;
        (void)fprintf(stderr, "hither: --%s isn't for the command %s\n", option->name, sub->name);
        return false;
    }
    return true;
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
    if (strcmp(name, "cache") == 0)
        return cli_cache(options);
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
    if (help && options.json)
        return help_as_json();
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
