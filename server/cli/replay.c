/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the flight recorder wrote -> the same decisions once more, without a daemon.
 */
#include "cli/command.h"
#include "health/flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void replay_show(const struct flight_record *record, enum verdict again, bool as_json)
{
    char when[32] = "";
    time_t at = (time_t)record->unix_s;
    struct tm utc;
    if (gmtime_r(&at, &utc) != NULL)
        (void)strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (as_json)
        (void)printf("{\"unix_s\": %lld, \"prefix\": \"%s\", \"to\": \"%s\", \"again\": \"%s\"}\n",
                     (long long)record->unix_s, record->prefix, verdict_name(record->after),
                     verdict_name(again));
    else
        (void)printf("%s %s: %s -> %s: %s%s%s\n", when, record->prefix, verdict_name(record->before.verdict),
                     verdict_name(record->after), record->why,
                     again != record->after ? "; NOW IT WOULD BE " : "",
                     again != record->after ? verdict_name(again) : "");
}

/* One line of the file. False when it can't be replayed, or with another outcome. */
static bool replay_line(const char *line, unsigned number, bool as_json)
{
    struct flight_record record;
    const char *why = "it isn't JSON";
    json_error_t error;
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    bool sound = json != NULL && flight_of_json(json, &record, &why);
    json_decref(json);
    if (!sound) {
        (void)fprintf(stderr, "hither: line %u can't be replayed: %s\n", number, why);
        return false;
    }
    enum verdict again = flight_replay(&record);
    replay_show(&record, again, as_json);
    return again == record.after;
}

enum cli_exit cli_replay(const struct cli_options *options)
{
    char *line = NULL;
    size_t size = 0;
    unsigned number = 0;
    bool same = true;
    FILE *file = fopen(options->arguments[0], "re");
    if (file == NULL) {
        perror(options->arguments[0]);
        return CLI_REFUSED;
    }
    while (getline(&line, &size, file) > 0)
        same &= replay_line(line, ++number, options->json);
    free(line);
    (void)fclose(file);
    return same ? CLI_OK : CLI_REFUSED;
}
