/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For fuzzers: whether an answer is one. It fits, it echoes, its pointers go backwards only, its sections
 * hold what the header says, and ldns can read it. Aborts when not.
 */
#ifndef HITHER_TESTS_FUZZ_JUDGE_H
#define HITHER_TESTS_FUZZ_JUDGE_H

#include "answer/query.h"

#include <stddef.h>
#include <stdint.h>

void judge_answer(const uint8_t *query, size_t query_octets, const uint8_t *response, size_t octets,
                  enum answer_transport transport);

#endif
