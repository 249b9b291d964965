/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Everything that is wrong with a configuration and its zones, at once.
 */
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "config.h"
#include "control/control.h"
#include "wire/name.h"
#include "zone/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char zone_ending[] = ".zone";

static bool ends_as_zone(const char *path)
{
    size_t octets = strlen(path);
    size_t ending = sizeof zone_ending - 1;
    return octets > ending && strcmp(path + octets - ending, zone_ending) == 0;
}

/* The zone that the file NAME.zone is for. */
static bool apex_of_path(const char *path, uint8_t apex[NAME_MAX_OCTETS])
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    char *name = strndup(base, strlen(base) - (sizeof zone_ending - 1));
    bool good = name != NULL && name_from_text(apex, name) > 0;
    free(name);
    return good;
}

static void check_zone(const char *path, struct findings *findings, struct zone_load_summary *summary)
{
    uint8_t apex[NAME_MAX_OCTETS];
    summary->zones = 1;
    if (!apex_of_path(path, apex)) {
        findings_add(findings, FINDING_ERROR, path, 0,
                     "the file's name isn't a zone's: call it NAME.zone, or configure it with its name");
        return;
    }
    struct zone_image *image = progress_load(apex, path, findings);
    if (image == NULL)
        return;
    summary->sound = 1;
    summary->names = zone_image_names(image);
    summary->records = zone_image_records(image);
    zone_image_release(image);
}

static void check_config(const char *path, struct findings *findings, struct zone_load_summary *summary)
{
    struct settings *settings = settings_read(path, findings);
    if (settings != NULL)
        progress_check_all(settings, findings, summary);
    settings_free(settings);
}

static void show_summary(const char *path, const struct findings *findings,
                         const struct zone_load_summary *summary)
{
    char zones[32];
    char names[32];
    char records[32];
    size_t warnings = 0;
    for (size_t i = 0; i < findings->count; i++)
        warnings += findings->list[i].level == FINDING_WARNING;
    (void)printf("%s: ", path);
    if (findings->errors > 0)
        (void)printf("%zu error%s", findings->errors, findings->errors == 1 ? "" : "s");
    else
        (void)printf("good");
    if (warnings > 0)
        (void)printf(", %zu warning%s", warnings, warnings == 1 ? "" : "s");
    if (findings->errors == 0)
        (void)printf("; %s zone%s, %s names, %s records", show_count(summary->zones, zones),
                     summary->zones == 1 ? "" : "s", show_count(summary->names, names),
                     show_count(summary->records, records));
    (void)putchar('\n');
}

static void show_json(const struct findings *findings, const struct zone_load_summary *summary)
{
    json_t *report = json_pack("{s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "ok", findings->errors == 0,
                               "findings", control_findings(findings), "errors", (json_int_t)findings->errors,
                               "left_out", (json_int_t)findings->left_out, "zones",
                               (json_int_t)summary->zones, "sound", (json_int_t)summary->sound, "names",
                               (json_int_t)summary->names, "records", (json_int_t)summary->records);
    (void)json_dumpf(report, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(report);
}

enum cli_exit cli_check(const struct cli_options *options)
{
    struct findings findings = {0};
    struct zone_load_summary summary = {0};
    const struct show show = show_to(stdout);
    const char *path = options->config != NULL ? options->config : CLI_DEFAULT_CONFIG;
    if (options->argument_count > 0)
        path = options->arguments[0];
    if (ends_as_zone(path))
        check_zone(path, &findings, &summary);
    else
        check_config(path, &findings, &summary);
    if (options->json)
        show_json(&findings, &summary);
    else {
        show_findings(&show, &findings);
        show_summary(path, &findings, &summary);
    }
    enum cli_exit status = findings.errors == 0 ? CLI_OK : CLI_REFUSED;
    findings_free(&findings);
    return status;
}
