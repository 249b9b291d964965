/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where zones come from, with real files: the list of sources, the text with its includes, stamps and
 * digests, the names of cached images, and loading all that the settings name.
 */
#include "zone/source.h"

#include "zone/cache.h"
#include "zone/load.h"
#include "zone/text.h"

#include <check.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static char *path_of(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static void file_write(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/hither-source-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct zone_source *find(const struct zone_sources *sources, const char *name)
{
    uint8_t apex[NAME_MAX_OCTETS];
    ck_assert_uint_gt(name_from_text(apex, name), 0);
    return zone_sources_find(sources, apex);
}

START_TEST(directories_are_expanded)
{
    struct zone_sources sources;
    struct findings findings = {0};
    char file[] = "/x/one";
    char name[] = "Example.NET.";
    const struct settings_zone zones[] = {{.directory = directory, .line = 3},
                                          {.name = name, .file = file, .line = 4}};
    file_write("example.com.zone", "");
    file_write("root.zone", "");
    file_write(".hidden.zone", "");
    file_write(".zone", "");
    file_write("notes.txt", "");
    ck_assert(zone_sources_list(&sources, zones, 2, "/c.yaml", &findings));
    ck_assert_uint_eq(sources.count, 3);
    ck_assert_str_eq(find(&sources, "EXAMPLE.com")->path, path_of("example.com.zone"));
    ck_assert_str_eq(find(&sources, "root")->path, path_of("root.zone"));
    ck_assert_uint_eq(find(&sources, "root")->line, 3);
    ck_assert_str_eq(find(&sources, "example.net")->path, "/x/one");
    ck_assert_uint_eq(find(&sources, "example.net")->apex[1], 'E');
    ck_assert_ptr_null(find(&sources, "."));
    for (size_t i = 1; i < sources.count; i++)
        ck_assert_int_lt(name_compare(sources.list[i - 1].apex, sources.list[i].apex), 0);
    ck_assert_uint_eq(findings.count, 0);
    zone_sources_free(&sources);
    findings_free(&findings);
}
END_TEST

/* One entry, perhaps after a sound one, and the words of its finding. */
static const struct {
    const char *about;
    const char *name;
    const char *file;
    const char *directory;
    enum finding_level level;
    const char *words[4];
} wrong_sources[] = {
    {"a directory that isn't there",
     NULL,
     NULL,
     "/nonexistent",
     FINDING_ERROR,
     {"/nonexistent", "can't be read"}},
    {"an empty directory", NULL, NULL, "", FINDING_WARNING, {"no NAME.zone"}},
    {"no name", "a..b", "/x", NULL, FINDING_ERROR, {"\"a..b\"", "domain name"}},
    {"the same zone twice",
     "EXAMPLE.com.",
     "/x/two",
     NULL,
     FINDING_ERROR,
     {"example.com.", "/x/one", "line 1", "/x/two"}},
};

START_TEST(wrong_sources_are_findings)
{
    struct zone_sources sources;
    struct findings findings = {0};
    char name[] = "example.com";
    char file[] = "/x/one";
    struct settings_zone zones[2] = {{.name = name, .file = file, .line = 1}, {.line = 2}};
    zones[1].name = wrong_sources[_i].name != NULL ? strdup(wrong_sources[_i].name) : NULL;
    zones[1].file = wrong_sources[_i].file != NULL ? strdup(wrong_sources[_i].file) : NULL;
    if (wrong_sources[_i].directory != NULL)
        zones[1].directory =
            strdup(wrong_sources[_i].directory[0] != '\0' ? wrong_sources[_i].directory : directory);
    bool ok = zone_sources_list(&sources, zones, 2, "/c.yaml", &findings);
    ck_assert_msg(ok == (wrong_sources[_i].level != FINDING_ERROR), "%s", wrong_sources[_i].about);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_uint_eq(findings.list[0].line, 2);
    ck_assert_int_eq((int)findings.list[0].level, (int)wrong_sources[_i].level);
    for (size_t i = 0; i < 4 && wrong_sources[_i].words[i] != NULL; i++)
        ck_assert_msg(strcasestr(findings.list[0].text, wrong_sources[_i].words[i]) != NULL, "%s: %s",
                      wrong_sources[_i].about, findings.list[0].text);
    ck_assert_uint_eq(sources.count, 1);
    free(zones[1].name);
    free(zones[1].file);
    free(zones[1].directory);
    zone_sources_free(&sources);
    findings_free(&findings);
}
END_TEST

START_TEST(includes_are_found_and_read_once)
{
    struct zone_text text;
    ck_assert_int_eq(mkdir(path_of("sub"), 0755), 0);
    file_write(
        "main",
        "$INCLUDE sub/one ; x\n$include \"two\" name\n$INCLUDE missing\n $INCLUDE not-in-column-one\n");
    file_write("sub/one", "$INCLUDE ../two\n$INCLUDE three\n$INCLUDE ./one\n");
    file_write("two", "; $INCLUDE x\n");
    file_write("sub/three", "");
    ck_assert_int_eq(zone_text_load(&text, path_of("main")), 0);
    ck_assert_uint_eq(text.count, 7);
    ck_assert_ptr_eq(zone_text_included(&text, &text.files[0], "sub/one"), &text.files[1]);
    const struct zone_file *two = zone_text_included(&text, &text.files[0], "two");
    ck_assert_ptr_eq(two, &text.files[2]);
    ck_assert_ptr_eq(zone_text_included(&text, &text.files[1], "../two"), two);
    ck_assert_ptr_eq(zone_text_included(&text, &text.files[1], "./one"), &text.files[1]);
    ck_assert_ptr_nonnull(zone_text_included(&text, &text.files[1], "three"));
    ck_assert_int_eq(zone_text_included(&text, &text.files[0], "missing")->error, ENOENT);
    ck_assert_ptr_null(zone_text_included(&text, &text.files[0], "not-in-column-one"));
    zone_text_free(&text);
}
END_TEST

START_TEST(only_regular_files_are_read)
{
    struct zone_text text;
    ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
    ck_assert_int_eq(zone_text_load(&text, path_of("fifo")), -EINVAL);
    zone_text_free(&text);
    ck_assert_int_eq(zone_text_load(&text, directory), -EISDIR);
    zone_text_free(&text);
    ck_assert_int_eq(zone_text_load(&text, "/dev/zero"), -EINVAL);
    zone_text_free(&text);
    ck_assert_int_eq(zone_text_load(&text, path_of("none")), -ENOENT);
    zone_text_free(&text);
}
END_TEST

static void digest_of(const char *main_file, const char *name, uint8_t digest[ZONE_TEXT_DIGEST_OCTETS])
{
    struct zone_text text;
    uint8_t apex[NAME_MAX_OCTETS];
    name_from_text(apex, name);
    ck_assert_int_eq(zone_text_load(&text, path_of(main_file)), 0);
    zone_text_digest(&text, apex, digest);
    zone_text_free(&text);
}

START_TEST(digests_tell_texts_apart)
{
    uint8_t first[ZONE_TEXT_DIGEST_OCTETS];
    uint8_t other[ZONE_TEXT_DIGEST_OCTETS];
    ck_assert_int_eq(mkdir(path_of("elsewhere"), 0755), 0);
    file_write("main", "$INCLUDE one\n");
    file_write("one", "x");
    file_write("elsewhere/main", "$INCLUDE one\n");
    file_write("elsewhere/one", "x");
    digest_of("main", "example.com", first);
    digest_of("elsewhere/main", "EXAMPLE.com", other);
    ck_assert_mem_eq(first, other, sizeof first); /* the place and the case don't matter */
    digest_of("main", "example.org", other);
    ck_assert_mem_ne(first, other, sizeof first);
    file_write("one", "y");
    digest_of("main", "example.com", other);
    ck_assert_mem_ne(first, other, sizeof first);
    file_write("main", "$INCLUDE one\nx"); /* an octet that moved from one file to the next */
    file_write("one", "");
    digest_of("main", "example.com", other);
    ck_assert_mem_ne(first, other, sizeof first);
}
END_TEST

/* Stamps of text that was read long after its files were written. */
static void stamps_settled(struct zone_stamps *stamps)
{
    struct zone_text text;
    ck_assert_int_eq(zone_text_load(&text, path_of("main")), 0);
    text.taken_ns += (int64_t)10 * 1000000000;
    ck_assert_int_eq(zone_stamps_of(stamps, &text), 0);
    zone_text_free(&text);
}

START_TEST(stamps_hold_until_a_file_changes)
{
    struct zone_stamps stamps;
    struct zone_text text;
    file_write("main", "$INCLUDE one\n");
    file_write("one", "x");
    stamps_settled(&stamps);
    ck_assert(zone_stamps_hold(&stamps));
    file_write("one", "xy");
    ck_assert(!zone_stamps_hold(&stamps));
    zone_stamps_free(&stamps);

    stamps_settled(&stamps);
    ck_assert_int_eq(rename(path_of("one"), path_of("two")), 0);
    ck_assert(!zone_stamps_hold(&stamps));
    zone_stamps_free(&stamps);

    /* An include that isn't there may come. */
    stamps_settled(&stamps);
    ck_assert(!zone_stamps_hold(&stamps));
    zone_stamps_free(&stamps);

    /* Written just now: another write could go unseen. */
    file_write("one", "x");
    ck_assert_int_eq(zone_text_load(&text, path_of("main")), 0);
    ck_assert_int_eq(zone_stamps_of(&stamps, &text), 0);
    ck_assert(!zone_stamps_hold(&stamps));
    zone_stamps_free(&stamps);
    zone_text_free(&text);

    const struct zone_stamps none = {0};
    ck_assert(!zone_stamps_hold(&none));
}
END_TEST

static const struct {
    const char *name;
    const char *file;
} cache_names[] = {
    {"Example.COM", "/s/zones/example.com.image"},
    {".", "/s/zones/%.image"},
    {"a\\.b.c", "/s/zones/a%2eb.c.image"},
    {"\\.\\./x", "/s/zones/%2e%2e%2fx.image"},
    {"%25", "/s/zones/%2525.image"},
    {"_tcp.x-y\\000", "/s/zones/_tcp.x-y%00.image"},
};

START_TEST(cache_files_are_safe)
{
    uint8_t apex[NAME_MAX_OCTETS];
    ck_assert_uint_gt(name_from_text(apex, cache_names[_i].name), 0);
    char *path = zone_cache_path("/s", apex);
    ck_assert_str_eq(path, cache_names[_i].file);
    free(path);
}
END_TEST

START_TEST(long_names_are_cached_by_hash)
{
    uint8_t apex[NAME_MAX_OCTETS] = {0};
    for (unsigned i = 0; i < 254; i += 2) {
        apex[i] = 1;
        apex[i + 1] = 'X';
    }
    char *path = zone_cache_path("/s", apex);
    ck_assert_uint_lt(strlen(path), 100);
    ck_assert_ptr_nonnull(strstr(path, "/s/zones/%="));
    apex[1] = 'x';
    char *same = zone_cache_path("/s", apex);
    ck_assert_str_eq(path, same);
    apex[1] = 'y';
    char *other = zone_cache_path("/s", apex);
    ck_assert_str_ne(path, other);
    free(path);
    free(same);
    free(other);
}
END_TEST

START_TEST(all_that_the_settings_name_is_checked)
{
    struct findings findings = {0};
    struct zone_load_summary summary;
    struct settings_zone zones[1] = {{.directory = directory, .line = 1}};
    char path[] = "/c.yaml";
    struct settings settings = {.path = path, .zones = zones, .zone_count = 1};
    file_write("a.example.zone", "$TTL 60\n@ SOA ns. h. 1 2 3 4 5\n@ NS ns.\nx.y A 192.0.2.1\n");
    ck_assert(zone_load_check_all(&settings, &findings, &summary, NULL));
    ck_assert_uint_eq(summary.zones, 1);
    ck_assert_uint_eq(summary.sound, 1);
    ck_assert_uint_eq(summary.records, 3);
    ck_assert_uint_eq(summary.names, 3);
    file_write("b.example.zone", "$TTL 60\n@ SOA ns. h. 1 2 3 4 5\n@ NS ns.\nx A 192.0.2\n");
    file_write("c.example.zone", "$TTL 60\n@ SOA ns. h. 1 2 3 4 5\n");
    ck_assert_int_eq(symlink("/nonexistent", path_of("d.example.zone")), 0);
    ck_assert(!zone_load_check_all(&settings, &findings, NULL, NULL));
    ck_assert_uint_eq(findings.errors, 3);
    ck_assert_str_eq(findings.list[0].file, path_of("b.example.zone"));
    ck_assert_uint_eq(findings.list[0].line, 4);
    ck_assert_ptr_nonnull(strstr(findings.list[1].text, "no NS"));
    ck_assert_ptr_nonnull(strstr(findings.list[2].text, "No such file"));
    findings_free(&findings);
}
END_TEST

START_TEST(progress_is_told)
{
    struct findings findings = {0};
    struct zone_progress progress = {0};
    uint8_t apex[NAME_MAX_OCTETS];
    const char *text = "$TTL 60\n@ SOA ns. h. 1 2 3 4 5\n@ NS ns.\n";
    name_from_text(apex, "example.com");
    file_write("z", text);
    struct zone_image *image = zone_load(apex, path_of("z"), NULL, &findings, &progress);
    ck_assert_ptr_nonnull(image);
    ck_assert_uint_eq(progress.stage, ZONE_LOAD_DONE);
    ck_assert_uint_eq(progress.done_octets, strlen(text));
    ck_assert_uint_eq(progress.total_octets, strlen(text));
    ck_assert_uint_eq(progress.records, 2);
    zone_image_release(image);
    findings_free(&findings);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zone/source");
    TCase *tcase = tcase_create("source");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, directories_are_expanded);
    tcase_add_loop_test(tcase, wrong_sources_are_findings, 0, sizeof wrong_sources / sizeof wrong_sources[0]);
    tcase_add_test(tcase, includes_are_found_and_read_once);
    tcase_add_test(tcase, only_regular_files_are_read);
    tcase_add_test(tcase, digests_tell_texts_apart);
    tcase_add_test(tcase, stamps_hold_until_a_file_changes);
    tcase_add_loop_test(tcase, cache_files_are_safe, 0, sizeof cache_names / sizeof cache_names[0]);
    tcase_add_test(tcase, long_names_are_cached_by_hash);
    tcase_add_test(tcase, all_that_the_settings_name_is_checked);
    tcase_add_test(tcase, progress_is_told);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
