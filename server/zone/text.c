/* SPDX-License-Identifier: BSD-2-Clause */
#include "zone/text.h"

#include "base/digest.h"
#include "wire/name.h"
#include "zone/lexer.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define INCLUDE_WINDOW ((size_t)2 * ZONE_TEXT_PATH_MAX)

static int64_t wall_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Reads what is left at `fd` up to `octets`, into `bytes`; how many, or -errno. */
static ssize_t read_whole(int fd, char *bytes, size_t octets)
{
    size_t at = 0;
    while (at < octets) {
        ssize_t got = read(fd, bytes + at, octets - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        at += (size_t)got;
    }
    return (ssize_t)at;
}

/* Only regular files: a device or a pipe would never end. */
static int file_read_fd(struct zone_file *file, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    if (!S_ISREG(st.st_mode))
        return EINVAL;
    zone_stamp_take(&file->stamp, fd, &st);
    file->bytes = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
    if (file->bytes == NULL)
        return ENOMEM;
    ssize_t octets = read_whole(fd, file->bytes, (size_t)st.st_size);
    if (octets < 0)
        return (int)-octets;
    file->octets = (size_t)octets;
    return 0;
}

static void file_read(struct zone_file *file)
{
    int fd = open(file->stamp.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    file->error = fd < 0 ? errno : file_read_fd(file, fd);
    if (fd >= 0)
        close(fd);
    if (file->error != 0) {
        free(file->bytes);
        file->bytes = NULL;
        file->octets = 0;
        file->stamp.octets = -1;
    }
}

/* Appends a file of this path, which is taken over. */
static struct zone_file *file_add(struct zone_text *text, char *path)
{
    struct zone_file *files = path != NULL ? realloc(text->files, (text->count + 1) * sizeof *files) : NULL;
    if (files == NULL) {
        free(path);
        return NULL;
    }
    text->files = files;
    files[text->count] = (struct zone_file){.same_as = text->count, .stamp = {.path = path, .octets = -1}};
    return &files[text->count++];
}

/* The path that `path`, written in the file at `from`, stands for; to be freed. */
static char *path_resolve(const char *from, const char *path)
{
    const char *slash = strrchr(from, '/');
    char *joined = NULL;
    if (path[0] == '/' || slash == NULL)
        return strdup(path);
    if (asprintf(&joined, "%.*s%s", (int)(slash - from + 1), from, path) < 0)
        return NULL;
    return joined;
}

static const struct zone_file *file_find(const struct zone_text *text, const char *path)
{
    for (size_t i = 0; i < text->count; i++) {
        if (strcmp(text->files[i].stamp.path, path) == 0)
            return &text->files[i];
    }
    return NULL;
}

const struct zone_file *zone_text_included(const struct zone_text *text, const struct zone_file *from,
                                           const char *path)
{
    char *resolved = path_resolve(from->stamp.path, path);
    const struct zone_file *file = resolved != NULL ? file_find(text, resolved) : NULL;
    free(resolved);
    return file != NULL ? &text->files[file->same_as] : NULL;
}

bool zone_text_path(const struct zone_token *token, char path[ZONE_TEXT_PATH_MAX])
{
    struct writer w = writer_to((uint8_t *)path, ZONE_TEXT_PATH_MAX);
    if (zone_token_string(token, ZONE_TEXT_PATH_MAX - 1, &w) != NULL)
        return false;
    size_t octets = writer_offset(&w);
    writer_u8(&w, '\0');
    return octets > 0 && !w.failed && strlen(path) == octets;
}

/* The path of the $INCLUDE on the line from `at` on, if it is one. */
static bool line_includes(const char *at, size_t octets, char path[ZONE_TEXT_PATH_MAX])
{
    static const char word[] = "$INCLUDE";
    struct zone_lexer lexer;
    struct zone_entry entry;
    if (octets < sizeof word || strncasecmp(at, word, sizeof word - 1) != 0)
        return false;
    /* Enough for any path, even one in parentheses, and little enough for a file of nothing but such lines.
     */
    zone_lexer_init(&lexer, at, octets < INCLUDE_WINDOW ? octets : INCLUDE_WINDOW);
    bool found = zone_lexer_next(&lexer, &entry) == ZONE_LEXER_ENTRY && entry.count >= 2 &&
                 zone_token_is(&entry.tokens[0], word) && zone_text_path(&entry.tokens[1], path);
    zone_lexer_free(&lexer);
    return found;
}

/* A file that was read already by another path keeps its text only once: a file that includes itself as
 * ./NAME would come again and again. */
static void file_share(struct zone_text *text, struct zone_file *file)
{
    for (struct zone_file *other = text->files; other < file; other++) {
        if (other->bytes != NULL && file->bytes != NULL && other->stamp.device == file->stamp.device &&
            other->stamp.inode == file->stamp.inode) {
            free(file->bytes);
            file->bytes = NULL;
            file->octets = 0;
            file->same_as = (size_t)(other - text->files);
            return;
        }
    }
}

/* Reads the file at `path`, which is taken over, if it isn't there yet. */
static int include_add(struct zone_text *text, char *path)
{
    if (path != NULL && file_find(text, path) != NULL) {
        free(path);
        return 0;
    }
    struct zone_file *file = file_add(text, path);
    if (file == NULL)
        return -ENOMEM;
    file_read(file);
    file_share(text, file);
    text->octets += file->octets;
    return 0;
}

/* Adds what the `i`th file includes and isn't there yet. */
static int includes_add(struct zone_text *text, size_t i)
{
    const char *at = text->files[i].bytes;
    char path[ZONE_TEXT_PATH_MAX];
    if (at == NULL)
        return 0;
    const char *end = at + text->files[i].octets;
    while ((at = memchr(at, '$', (size_t)(end - at))) != NULL) {
        bool line_begins = at == text->files[i].bytes || at[-1] == '\n' || at[-1] == '\xbf';
        if (line_begins && line_includes(at, (size_t)(end - at), path) && text->count < ZONE_TEXT_MAX_FILES) {
            int error = include_add(text, path_resolve(text->files[i].stamp.path, path));
            if (error != 0)
                return error;
        }
        at++;
    }
    return 0;
}

int zone_text_load(struct zone_text *text, const char *path)
{
    *text = (struct zone_text){.taken_ns = wall_clock_ns()};
    struct zone_file *file = file_add(text, strdup(path));
    if (file == NULL)
        return -ENOMEM;
    file_read(file);
    text->octets = file->octets;
    if (file->error != 0)
        return -file->error;
    for (size_t i = 0; i < text->count; i++) {
        int error = includes_add(text, i);
        if (error != 0)
            return error;
    }
    return 0;
}

int zone_text_of_memory(struct zone_text *text, const char *path, const char *bytes, size_t octets)
{
    *text = (struct zone_text){0};
    return zone_text_add_memory(text, path, bytes, octets);
}

int zone_text_add_memory(struct zone_text *text, const char *path, const char *bytes, size_t octets)
{
    struct zone_file *file = file_add(text, strdup(path));
    if (file == NULL)
        return -ENOMEM;
    file->bytes = malloc(octets > 0 ? octets : 1);
    if (file->bytes == NULL)
        return -ENOMEM;
    memcpy(file->bytes, bytes, octets);
    file->octets = octets;
    text->octets += octets;
    return 0;
}

void zone_text_digest(const struct zone_text *text, const uint8_t *apex,
                      uint8_t digest[ZONE_TEXT_DIGEST_OCTETS])
{
    crypto_generichash_state state;
    uint8_t folded[NAME_MAX_OCTETS];
    size_t apex_octets = name_octets(apex);
    name_fold(folded, apex, apex_octets);
    crypto_generichash_init(&state, NULL, 0, ZONE_TEXT_DIGEST_OCTETS);
    crypto_generichash_update(&state, (const uint8_t *)ZONE_READER_VERSION, sizeof ZONE_READER_VERSION);
    crypto_generichash_update(&state, folded, apex_octets);
    for (size_t i = 0; i < text->count; i++) {
        const struct zone_file *file = &text->files[i];
        uint8_t of_file[DIGEST_OCTETS];
        digest_tree(of_file, (const uint8_t *)file->bytes, file->octets);
        crypto_generichash_update(&state, of_file, sizeof of_file);
    }
    crypto_generichash_final(&state, digest, ZONE_TEXT_DIGEST_OCTETS);
}

void zone_text_forget(struct zone_text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        free(text->files[i].bytes);
        text->files[i].bytes = NULL;
        text->files[i].octets = 0;
    }
}

void zone_text_free(struct zone_text *text)
{
    zone_text_forget(text);
    for (size_t i = 0; i < text->count; i++)
        free(text->files[i].stamp.path);
    free(text->files);
    *text = (struct zone_text){0};
}

int zone_stamps_of(struct zone_stamps *stamps, const struct zone_text *text)
{
    *stamps = (struct zone_stamps){.taken_ns = text->taken_ns};
    stamps->list = calloc(text->count > 0 ? text->count : 1, sizeof *stamps->list);
    if (stamps->list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < text->count; i++) {
        struct zone_stamp *stamp = &stamps->list[i];
        *stamp = text->files[i].stamp;
        stamp->path = strdup(text->files[i].stamp.path);
        if (stamp->path == NULL) {
            zone_stamps_free(stamps);
            return -ENOMEM;
        }
        stamps->count++;
    }
    return 0;
}
