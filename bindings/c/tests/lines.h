/* What the C programs of the tests share: checks that say where they failed, and messages as lines of text. */
#ifndef LINES_H
#define LINES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blindtally.h"

#define CHECK(holds)                                                               \
    do {                                                                           \
        if (!(holds)) {                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);    \
            exit(1);                                                               \
        }                                                                          \
    } while (0)

/* The call fails with this code, or succeeds with "". */
#define GIVES(code, call)                                                                                     \
    do {                                                                                                      \
        const blindtally_error *given_ = (call);                                                              \
        if (strcmp(blindtally_error_code(given_), code) != 0) {                                               \
            fprintf(stderr, "%s:%d: \"%s\" instead of \"%s\" from %s\n", __FILE__, __LINE__,                   \
                    blindtally_error_code(given_), code, #call);                                              \
            exit(1);                                                                                          \
        }                                                                                                     \
    } while (0)

#define OK(call) GIVES("", call)

/* A line of standard input without its end, to be freed; NULL past the last. */
static char *read_line(void) {
    size_t length = 0, capacity = 4096;
    char *line = (char *)malloc(capacity);
    int next;
    CHECK(line != NULL);
    while ((next = getchar()) != EOF && next != '\n') {
        if (length + 1 == capacity) {
            capacity *= 2;
            line = (char *)realloc(line, capacity);
            CHECK(line != NULL);
        }
        line[length++] = (char)next;
    }
    line[length] = 0;
    if (next == EOF && length == 0) {
        free(line);
        return NULL;
    }
    return line;
}

/* The bytes that hexadecimal digits stand for, to be freed. A block of its own length: what reads past its end is seen. */
static uint8_t *from_hex(const char *text, size_t *length) {
    size_t i;
    uint8_t *bytes;
    *length = strlen(text) / 2;
    bytes = (uint8_t *)malloc(*length > 0 ? *length : 1);
    CHECK(bytes != NULL);
    for (i = 0; i < *length; i++) {
        unsigned int byte = 0;
        CHECK(sscanf(text + 2 * i, "%2x", &byte) == 1);
        bytes[i] = (uint8_t)byte;
    }
    return bytes;
}

static void print_hex(const char *name, const uint8_t *bytes, size_t length) {
    size_t i;
    printf("%s ", name);
    for (i = 0; i < length; i++) {
        printf("%02x", bytes[i]);
    }
    putchar('\n');
    fflush(stdout);
}

#endif
