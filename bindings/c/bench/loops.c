/* The loops that are measured: what a program in C does with the library. Linked to the shared library. */

#include <stdlib.h>
#include <string.h>

#include "blindtally.h"

/* Gives what is needed of the interface to measure it: an agent by its state in the clear. */
blindtally_agent *loops_open(const uint8_t *state, size_t length) {
    blindtally_agent *agent;
    blindtally_pending *pending;
    return blindtally_restore(state, length, NULL, 0, &agent, &pending) == NULL ? agent : NULL;
}

/* Values one by one. Gives how many bytes of tokens there were; 0 if one was refused. */
size_t loops_one(const blindtally_agent *agent, const blindtally_text *values, size_t count) {
    char token[BLINDTALLY_TOKEN_MAX];
    size_t i, length, sum = 0;
    for (i = 0; i < count; i++) {
        if (blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, values[i].data, values[i].length, token, sizeof token,
                                      &length) != NULL) {
            return 0;
        }
        sum += length;
    }
    return sum;
}

/* The same values at once, into memory that the caller uses again. */
size_t loops_many(const blindtally_agent *agent, const blindtally_text *values, size_t count, char *buffer,
                  size_t capacity, blindtally_token_result *results) {
    size_t i, used, sum = 0;
    if (blindtally_agent_tokenize_many(agent, BLINDTALLY_CLASS_APP, values, count, buffer, capacity, &used, results) !=
        NULL) {
        return 0;
    }
    for (i = 0; i < count; i++) {
        sum += results[i].length;
    }
    return sum;
}

/* Records one by one. */
size_t loops_record(const blindtally_agent *agent, const blindtally_text *values, size_t count) {
    size_t i, sum = 0;
    for (i = 0; i < count; i++) {
        blindtally_bytes record;
        if (blindtally_agent_seal_record(agent, BLINDTALLY_CLASS_CHAT, values[i].data, values[i].length, 1790000000123,
                                         &record) != NULL) {
            return 0;
        }
        sum += record.length;
        blindtally_bytes_free(&record);
    }
    return sum;
}
