/* SPDX-License-Identifier: BSD-2-Clause
 *
 * hitherd: one program, two processes (guard.h). Which of them this is, the environment says: what an
 * operator starts is the announcer, and it starts the server.
 */
#include "base/log.h"
#include "heritage.h"
#include "serve.h"
#include "settings_text.h"
#include "spawn.h"
#include "steer.h"
#include "zone/load.h"

#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAIN_SETTINGS_PATH "/etc/hither/hither.yaml"
#define MAIN_EXIT_USAGE    2

struct main_options {
    const char *settings;
    bool check;
    int status; /* of the program, when `done` */
    bool done;
};

static const char main_usage[] =
    "usage: hitherd [-c FILE] [--check]\n"
    "\n"
    "Answers DNS queries on the anycast addresses, and announces their route while it can.\n"
    "Stays in the foreground and logs to standard error.\n"
    "\n"
    "  -c, --config FILE  the configuration (" MAIN_SETTINGS_PATH ")\n"
    "      --check        check the configuration and all its zones, and leave: 0 when they are sound\n"
    "      --version      say which version this is\n"
    "      --help         this text\n"
    "\n"
    "SIGHUP: read the configuration and changed zones again. SIGTERM, SIGINT: drain and leave; a second\n"
    "one leaves at once. The `hither` command asks and steers a running hitherd.\n";

static struct main_options main_finish(int status, FILE *to, const char *text)
{
    (void)fputs(text, to);
    return (struct main_options){.done = true, .status = status};
}

static struct main_options main_parse(int argc, char **argv)
{
    static const struct option known[] = {{"config", required_argument, NULL, 'c'},
                                          {"check", no_argument, NULL, 'k'},
                                          {"version", no_argument, NULL, 'V'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct main_options options = {.settings = MAIN_SETTINGS_PATH};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        switch (option) {
        case 'c':
            options.settings = optarg;
            break;
        case 'k':
            options.check = true;
            break;
        case 'V':
            return main_finish(EXIT_SUCCESS, stdout, "hitherd " HITHER_VERSION "\n");
        case 'h':
            return main_finish(EXIT_SUCCESS, stdout, main_usage);
        default:
            return main_finish(MAIN_EXIT_USAGE, stderr, main_usage);
        }
    }
    if (optind < argc)
        return main_finish(MAIN_EXIT_USAGE, stderr, main_usage);
    return options;
}

/* The path as seen from the root, because paths in the configuration are relative to where it stands. */
static bool main_absolute(const char *path, char absolute[PATH_MAX])
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
        return false;
    int octets = path[0] == '/' ? snprintf(absolute, PATH_MAX, "%s", path)
                                : snprintf(absolute, PATH_MAX, "%s/%s", here, path);
    return octets > 0 && octets < PATH_MAX;
}

static void main_print_findings(const struct findings *findings)
{
    char line[900];
    for (size_t i = 0; i < findings->count; i++)
        (void)fprintf(stderr, "%s\n", finding_to_text(&findings->list[i], line, sizeof line));
    if (findings->left_out > 0)
        (void)fprintf(stderr, "and %zu more\n", findings->left_out);
}

static int main_check(const char *path)
{
    struct findings findings = {0};
    struct zone_load_summary summary = {0};
    struct settings *settings = settings_read(path, &findings);
    bool sound = settings != NULL && zone_load_check_all(settings, &findings, &summary, NULL);
    main_print_findings(&findings);
    if (sound)
        printf("%s: sound; %zu zone%s, %llu records\n", path, summary.zones, summary.zones == 1 ? "" : "s",
               (unsigned long long)summary.records);
    settings_free(settings);
    findings_free(&findings);
    if (!sound)
        return EXIT_FAILURE;
    return heritage_is_trial() ? HERITAGE_TRIAL_PASSED : EXIT_SUCCESS;
}

static int main_announce(const char *program, const char *path)
{
    struct findings findings = {0};
    struct settings_text text;
    int status = EXIT_FAILURE;
    log_open("announcer", LOG_LEVEL_INFO);
    struct settings *settings = settings_text_read(path, &text, &findings);
    findings_log(&findings);
    findings_free(&findings);
    if (settings != NULL && !log_configure(&settings->log.how))
        log_warn("log.target: nobody takes what is sent to %s; standard error has it",
                 settings->log.how.target);
    if (settings != NULL)
        status = steer_main(program, settings, &text);
    settings_text_free(&text);
    return status;
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    struct main_options options = main_parse(argc, argv);
    if (options.done)
        return options.status;
    /* Chooses the fastest code that this processor has; everything else in the library counts on it. */
    if (sodium_init() < 0) {
        (void)fputs("hitherd: libsodium can't be used: there is no source of randomness\n", stderr);
        return EXIT_FAILURE;
    }
    if (!main_absolute(options.settings, path)) {
        (void)fprintf(stderr, "hitherd: the path %s is too long\n", options.settings);
        return EXIT_FAILURE;
    }
    const char *descriptors = getenv(SPAWN_VARIABLE);
    if (descriptors != NULL)
        return serve_main(descriptors, path);

    return options.check ? main_check(path) : main_announce(argv[0], path);
}
