/* Prints the token of every value of a file of bindings/vectors/tokens.py (in its form of lines), or the code of its
 * refusal: of each alone, after all of them at once have come out the same. */

#include "lines.h"

int main(int argc, char **argv) {
    blindtally_agent *agent = NULL;
    blindtally_pending *pending = NULL;
    blindtally_text *values = NULL;
    blindtally_token_result *results;
    size_t count = 0, capacity = 0, room = 0, length, i;
    uint32_t token_class;
    uint8_t *state;
    char *line, *buffer;

    CHECK(argc == 2 && freopen(argv[1], "r", stdin) != NULL);
    line = read_line();
    CHECK(line != NULL);
    state = from_hex(line, &length);
    OK(blindtally_restore(state, length, NULL, 0, &agent, &pending));
    CHECK(agent != NULL && pending == NULL);
    free(state);
    free(line);
    line = read_line();
    CHECK(line != NULL);
    token_class = (uint32_t)strtoul(line, NULL, 10);
    free(line);
    while ((line = read_line()) != NULL) {
        if (count == capacity) {
            capacity = 2 * capacity + 64;
            values = (blindtally_text *)realloc(values, capacity * sizeof *values);
            CHECK(values != NULL);
        }
        values[count].data = (const char *)from_hex(line, &values[count].length);
        room += blindtally_token_length(values[count].length);
        count++;
        free(line);
    }
    buffer = (char *)malloc(room);
    results = (blindtally_token_result *)malloc(count * sizeof *results);
    CHECK(buffer != NULL && results != NULL);
    OK(blindtally_agent_tokenize_many(agent, token_class, values, count, buffer, room, &length, results));
    for (i = 0; i < count; i++) {
        char token[BLINDTALLY_TOKEN_MAX];
        const blindtally_error *error = blindtally_agent_tokenize(
            agent, token_class, values[i].data, values[i].length, token, sizeof token, &length);
        CHECK(error == results[i].error);
        if (error == NULL) {
            CHECK(length == results[i].length && memcmp(token, buffer + results[i].offset, length) == 0);
        }
        puts(error != NULL ? blindtally_error_code(error) : token);
        free((void *)values[i].data);
    }
    free(values);
    free(results);
    free(buffer);
    blindtally_agent_free(&agent);
    return 0;
}
