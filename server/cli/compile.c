/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A zone file -> an image file, the same bytes wherever it is done.
 */
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/show.h"
#include "control/control.h"
#include "wire/name.h"
#include "zone/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "example.com." -> "example.com.image", "." -> "root.image". The caller's; NULL when memory is short. */
static char *default_output(const uint8_t *apex)
{
    char name[NAME_TEXT_MAX];
    char *path = NULL;
    (void)name_to_text(apex, name);
    for (char *c = name; *c != '\0'; c++) {
        if (*c == '/')
            *c = '_';
    }
    size_t octets = strlen(name) - 1; /* without the closing dot */
    if (asprintf(&path, "%.*s.image", (int)(octets > 0 ? octets : 4), octets > 0 ? name : "root") < 0)
        return NULL;
    return path;
}

static json_t *image_as_json(const struct zone_image *image, const char *path)
{
    char name[NAME_TEXT_MAX];
    char digest[2 * IMAGE_DIGEST_OCTETS + 1];
    for (size_t i = 0; i < IMAGE_DIGEST_OCTETS; i++)
        (void)snprintf(digest + 2 * i, 3, "%02x", zone_image_digest(image)[i]);
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "zone",
                     name_to_text(zone_image_apex(image), name), "image", path, "serial",
                     (json_int_t)zone_image_serial(image), "names", (json_int_t)zone_image_names(image),
                     "records", (json_int_t)zone_image_records(image), "octets", (json_int_t)image->octets,
                     "digest", digest);
}

static void show_image(const struct zone_image *image, const char *path)
{
    char name[NAME_TEXT_MAX];
    char names[32];
    char records[32];
    char octets[32];
    (void)printf("%s: %s serial %u, %s names, %s records, %s octets, digest ", path,
                 name_to_text(zone_image_apex(image), name), zone_image_serial(image),
                 show_count(zone_image_names(image), names), show_count(zone_image_records(image), records),
                 show_count(image->octets, octets));
    for (size_t i = 0; i < IMAGE_DIGEST_OCTETS; i++)
        (void)printf("%02x", zone_image_digest(image)[i]);
    (void)putchar('\n');
}

static void show_outcome(const struct cli_options *options, const struct findings *findings,
                         const struct zone_image *image, const char *path)
{
    const struct show err = show_to(stderr);
    if (!options->json) {
        show_findings(&err, findings);
        if (image != NULL)
            show_image(image, path);
        return;
    }
    json_t *report = image != NULL ? image_as_json(image, path) : json_object();
    (void)json_object_set_new(report, "ok", json_boolean(image != NULL));
    (void)json_object_set_new(report, "findings", control_findings(findings));
    (void)json_dumpf(report, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(report);
}

enum cli_exit cli_compile(const struct cli_options *options)
{
    struct findings findings = {0};
    uint8_t apex[NAME_MAX_OCTETS];
    if (name_from_text(apex, options->arguments[0]) == 0) {
        (void)fprintf(stderr, "hither: '%s' isn't a zone's name: write hither compile ZONE FILE\n",
                      options->arguments[0]);
        return CLI_USAGE;
    }
    char *output = options->output != NULL ? strdup(options->output) : default_output(apex);
    struct zone_image *image = output != NULL ? progress_load(apex, options->arguments[1], &findings) : NULL;
    int error = image != NULL ? zone_image_save(image, NULL, 0, output) : 0;
    if (error < 0) {
        findings_add(&findings, FINDING_ERROR, output, 0, "can't be written: %s", strerror(-error));
        zone_image_release(image);
        image = NULL;
    }
    show_outcome(options, &findings, image, output);
    enum cli_exit status = image != NULL ? CLI_OK : CLI_REFUSED;
    if (image != NULL)
        zone_image_release(image);
    findings_free(&findings);
    free(output);
    return status;
}
