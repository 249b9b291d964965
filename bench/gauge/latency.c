/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Samples a server's latency while something else loads it: sends a trickle of questions at even distances
 * from one source port, and prints what became of them. Open loop: a late answer delays no later question, so
 * a pause of the server's is seen by every question that fell into it.
 *
 *     latency ADDRESS PORT SOURCE-PORT QUESTIONS RATE SECONDS
 *     -> asked=N lost=N wrong=N p50_us=N p99_us=N p999_us=N max_us=N
 *
 * QUESTIONS holds "NAME TYPE" lines; every one is asked for A and must be answered with a record.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define IDS          65536
#define QUESTIONS    1000
#define QUESTION_MAX 300
#define HEADER       12
#define NS_PER_S     1000000000L
#define LINGER_NS    (NS_PER_S / 2) /* how long to wait for the last answers */

struct question {
    uint8_t octets[QUESTION_MAX];
    size_t length;
};

struct sampler {
    int fd;
    struct question questions[QUESTIONS];
    size_t question_count;
    int64_t sent_ns[IDS]; /* by message id; 0: answered, or never sent */
    int64_t *took_ns;
    size_t took_count;
    size_t asked;
    size_t wrong;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Wire form of `name`, a query for its A record. false when it is too long. */
static bool question_make(struct question *question, const char *name)
{
    static const uint8_t header[HEADER] = {[5] = 1}, tail[] = {0, 0, 1, 0, 1};
    memcpy(question->octets, header, HEADER);
    size_t at = HEADER;
    while (*name != '\0') {
        size_t label = strcspn(name, ".");
        if (label > 63 || at + label + 1 + sizeof tail > QUESTION_MAX)
            return false;
        question->octets[at++] = (uint8_t)label;
        memcpy(question->octets + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    memcpy(question->octets + at, tail, sizeof tail);
    question->length = at + sizeof tail;
    return true;
}

static bool questions_read(struct sampler *sampler, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    char name[256];
    while (sampler->question_count < QUESTIONS && fscanf(file, "%255s %*[^\n]", name) == 1) {
        if (question_make(&sampler->questions[sampler->question_count], name))
            sampler->question_count++;
    }
    fclose(file);
    return sampler->question_count > 0;
}

static uint16_t port_of(const char *text)
{
    return htons((uint16_t)strtoul(text, NULL, 10));
}

static int sampler_connect(const char *address, const char *port, const char *source_port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = port_of(port)};
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = port_of(source_port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        return -1;
    return fd;
}

static void sampler_ask(struct sampler *sampler)
{
    struct question *question = &sampler->questions[sampler->asked % sampler->question_count];
    uint16_t id = (uint16_t)sampler->asked;
    question->octets[0] = (uint8_t)(id >> 8);
    question->octets[1] = (uint8_t)id;
    sampler->sent_ns[id] = now_ns();
    sampler->asked++;
    if (send(sampler->fd, question->octets, question->length, 0) < 0)
        return; /* counted as lost: nothing will come for it */
}

static void sampler_take(struct sampler *sampler)
{
    uint8_t answer[4096];
    while (recv(sampler->fd, answer, sizeof answer, 0) >= HEADER) {
        uint16_t id = (uint16_t)(answer[0] << 8 | answer[1]);
        if (sampler->sent_ns[id] == 0)
            continue;
        sampler->took_ns[sampler->took_count++] = now_ns() - sampler->sent_ns[id];
        sampler->sent_ns[id] = 0;
        if ((answer[3] & 15) != 0 || (answer[6] == 0 && answer[7] == 0))
            sampler->wrong++;
    }
}

static void sampler_wait(struct sampler *sampler, int64_t until_ns)
{
    for (int64_t left; (left = until_ns - now_ns()) > 0;) {
        struct pollfd poll_fd = {.fd = sampler->fd, .events = POLLIN};
        struct timespec timeout = {left / NS_PER_S, left % NS_PER_S};
        if (ppoll(&poll_fd, 1, &timeout, NULL) > 0)
            sampler_take(sampler);
    }
}

static int compare_ns(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double quantile_us(const struct sampler *sampler, double share)
{
    if (sampler->took_count == 0)
        return 0;
    size_t at = (size_t)(share * (double)(sampler->took_count - 1));
    return (double)sampler->took_ns[at] / 1000;
}

static void sampler_print(struct sampler *sampler)
{
    qsort(sampler->took_ns, sampler->took_count, sizeof *sampler->took_ns, compare_ns);
    printf("asked=%zu lost=%zu wrong=%zu p50_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f\n", sampler->asked,
           sampler->asked - sampler->took_count, sampler->wrong, quantile_us(sampler, 0.5),
           quantile_us(sampler, 0.99), quantile_us(sampler, 0.999), quantile_us(sampler, 1));
}

int main(int argc, char **argv)
{
    static struct sampler sampler;
    if (argc != 7) {
        fprintf(stderr, "usage: %s ADDRESS PORT SOURCE-PORT QUESTIONS RATE SECONDS\n", argv[0]);
        return 2;
    }
    long rate = strtol(argv[5], NULL, 10), seconds = strtol(argv[6], NULL, 10);
    if (rate < 1 || rate > 20000 || seconds < 1 || seconds > 3600 || !questions_read(&sampler, argv[4])) {
        fprintf(stderr, "%s: no questions, or a rate or time out of range\n", argv[0]);
        return 2;
    }
    sampler.fd = sampler_connect(argv[1], argv[2], argv[3]);
    sampler.took_ns = calloc((size_t)(rate * seconds), sizeof *sampler.took_ns);
    if (sampler.fd < 0 || sampler.took_ns == NULL) {
        perror(argv[0]);
        return 1;
    }
    int64_t begin_ns = now_ns();
    for (int64_t i = 0; i < rate * seconds; i++) {
        sampler_wait(&sampler, begin_ns + i * NS_PER_S / rate);
        sampler_ask(&sampler);
    }
    sampler_wait(&sampler, now_ns() + LINGER_NS);
    sampler_print(&sampler);
    free(sampler.took_ns);
    return 0;
}
