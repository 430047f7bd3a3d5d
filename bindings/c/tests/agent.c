/* An agent's whole life through the C interface, and whatever a caller can get wrong. The test that runs it is the owner:
 * it sends messages as lines of hexadecimal digits, and opens what comes back. */

#include <limits.h>
#include <pthread.h>

#include "lines.h"

#define NOW INT64_C(1790000000123)
#define THREADS 4

static const uint8_t KEY[BLINDTALLY_KEY_LENGTH] = "thirty-two bytes of a key store";

/* A message of the owner's: a line of hexadecimal digits. */
static uint8_t *receive(size_t *length) {
    char *line = read_line();
    uint8_t *bytes;
    CHECK(line != NULL);
    bytes = from_hex(line, length);
    free(line);
    return bytes;
}

static void errors(void) {
    const blindtally_error *error;
    size_t i;
    for (i = 0; (error = blindtally_error_at(i)) != NULL; i++) {
        printf("code %s\t%s\n", blindtally_error_code(error), blindtally_error_message(error));
    }
    fflush(stdout);
    CHECK(i > 6 && blindtally_error_at(i) == NULL && blindtally_error_at(SIZE_MAX) == NULL);
    CHECK(*blindtally_error_code(NULL) == 0 && *blindtally_error_message(NULL) == 0);
    /* What is no error of the library's is not looked at. */
    CHECK(*blindtally_error_code((const blindtally_error *)(uintptr_t)1) == 0);
    CHECK(blindtally_abi() == BLINDTALLY_ABI && strchr(blindtally_version(), '.') != NULL);
}

static void nulls(void) {
    blindtally_agent *agent = NULL;
    blindtally_pending *pending = NULL;
    blindtally_sealer *sealer = NULL;
    blindtally_status status;
    uint32_t result;
    char text[64];
    blindtally_bytes bytes = {NULL, 0}, stale = {(uint8_t *)text, sizeof text};
    size_t length;

    blindtally_agent_free(NULL);
    blindtally_agent_free(&agent);
    blindtally_pending_free(NULL);
    blindtally_pending_free(&pending);
    blindtally_sealer_free(NULL);
    blindtally_sealer_free(&sealer);
    blindtally_bytes_free(NULL);
    blindtally_bytes_free(&bytes);

    GIVES("c.null", blindtally_agent_enroll(NULL, 1, "pc", 2, NULL, &pending, &bytes));
    /* What one output holds of earlier is gone, also where the other is NULL: else it would be freed as if it were given. */
    GIVES("c.null", blindtally_agent_enroll("ticket", 6, "pc", 2, NULL, NULL, &stale));
    CHECK(stale.data == NULL && stale.length == 0);
    stale.data = (uint8_t *)text;
    GIVES("c.null", blindtally_agent_enroll_by_code("code", 4, NULL, NULL, &stale));
    CHECK(stale.data == NULL && stale.length == 0);
    stale.data = (uint8_t *)text;
    GIVES("c.null", blindtally_sealer_new(NULL, BLINDTALLY_CLASS_VOICE, NOW, NULL, &stale));
    CHECK(stale.data == NULL && stale.length == 0);
    pending = (blindtally_pending *)(void *)text;
    GIVES("c.null", blindtally_restore(KEY, 4, NULL, 0, NULL, &pending));
    CHECK(pending == NULL);
    GIVES("malformed.encoding", blindtally_agent_enroll(NULL, 0, "pc", 2, NULL, &pending, &bytes));
    GIVES("malformed.encoding", blindtally_agent_enroll("ticket", 6, "pc", 2, NULL, &pending, &bytes));
    GIVES("c.null", blindtally_agent_enroll("ticket", 6, "pc", 2, NULL, NULL, &bytes));
    GIVES("c.null", blindtally_agent_enroll("ticket", 6, "pc", 2, NULL, &pending, NULL));
    GIVES("c.value", blindtally_agent_enroll("ticket", SIZE_MAX, "pc", 2, NULL, &pending, &bytes));
    GIVES("c.null", blindtally_agent_enroll_by_code(NULL, 1, NULL, &pending, &bytes));
    GIVES("c.utf8", blindtally_agent_enroll_by_code("\xff", 1, NULL, &pending, &bytes));
    GIVES("c.null", blindtally_restore(NULL, 1, NULL, 0, &agent, &pending));
    GIVES("c.null", blindtally_restore(KEY, 4, NULL, 0, NULL, &pending));
    GIVES("c.null", blindtally_restore(KEY, 4, NULL, 0, &agent, NULL));
    GIVES("c.null", blindtally_restore(KEY, 4, NULL, 32, &agent, &pending));
    GIVES("c.value", blindtally_restore(KEY, 4, KEY, 31, &agent, &pending));
    GIVES("c.value", blindtally_restore(KEY, 4, KEY, 0, &agent, &pending));
    GIVES("c.value", blindtally_restore(KEY, SIZE_MAX, NULL, 0, &agent, &pending));
    GIVES("malformed.truncated", blindtally_restore(NULL, 0, NULL, 0, &agent, &pending));
    GIVES("malformed.magic", blindtally_restore(KEY, 32, NULL, 0, &agent, &pending));
    CHECK(agent == NULL && pending == NULL && bytes.data == NULL && bytes.length == 0);

    GIVES("c.null", blindtally_pending_device_id(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_pending_account(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_pending_device_code(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_pending_claim(NULL, &bytes));
    GIVES("c.null", blindtally_pending_claim_ticket(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_pending_queue(NULL, BLINDTALLY_CLASS_APP, "a", 1, NOW, &bytes));
    GIVES("c.null", blindtally_pending_export_state(NULL, NULL, 0, &bytes));
    GIVES("c.null", blindtally_pending_accept(NULL, KEY, 1, &agent));
    GIVES("c.null", blindtally_pending_close(NULL));
    GIVES("c.null", blindtally_agent_device_id(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_account(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_status(NULL, &status));
    GIVES("c.null", blindtally_agent_accept(NULL, KEY, 1, &result));
    GIVES("c.null", blindtally_agent_apply_policy(NULL, KEY, 1, &result));
    GIVES("c.null", blindtally_agent_export_state(NULL, NULL, 0, &bytes));
    GIVES("c.null", blindtally_agent_claim(NULL, &bytes));
    GIVES("c.null", blindtally_agent_claim_ticket(NULL, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_tokenize(NULL, BLINDTALLY_CLASS_APP, "a", 1, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_tokenize_many(NULL, BLINDTALLY_CLASS_APP, NULL, 0, NULL, 0, &length, NULL));
    GIVES("c.null", blindtally_agent_dequeue(NULL, "br1_", 4, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_seal_record(NULL, BLINDTALLY_CLASS_CHAT, "a", 1, NOW, &bytes));
    GIVES("c.null", blindtally_agent_seal_blob(NULL, BLINDTALLY_CLASS_VOICE, KEY, 1, NOW, &bytes));
    GIVES("c.null", blindtally_agent_close(NULL));
    GIVES("c.null", blindtally_sealer_new(NULL, BLINDTALLY_CLASS_VOICE, NOW, &sealer, &bytes));
    GIVES("c.null", blindtally_sealer_update(NULL, KEY, 1, &bytes));
    GIVES("c.null", blindtally_sealer_finish(NULL, &bytes));
    GIVES("c.null", blindtally_sealer_close(NULL));
    GIVES("c.null", blindtally_token_index(NULL, 1, text, sizeof text, NULL));
    GIVES("malformed.encoding", blindtally_token_index("bt1", 3, text, sizeof text, NULL));
}

static void of_pending(const blindtally_pending *pending) {
    char text[BLINDTALLY_ID_LENGTH];
    size_t length = 0;
    blindtally_bytes bytes;
    OK(blindtally_pending_device_id(pending, text, sizeof text, &length));
    CHECK(length == 32 && strlen(text) == 32);
    printf("device %s\n", text);
    OK(blindtally_pending_account(pending, text, sizeof text, NULL));
    printf("account %s\n", text);
    OK(blindtally_pending_claim_ticket(pending, text, sizeof text, NULL));
    printf("ticket %s\n", text);
    OK(blindtally_pending_device_code(pending, text, BLINDTALLY_CODE_LENGTH, &length));
    CHECK(length + 1 == BLINDTALLY_CODE_LENGTH);
    printf("shown %s\n", text);

    /* A buffer that is short by one is left alone. */
    memset(text, 'x', sizeof text);
    GIVES("c.buffer", blindtally_pending_device_id(pending, text, 32, &length));
    CHECK(length == 33 && text[0] == 'x');
    GIVES("c.buffer", blindtally_pending_device_id(pending, NULL, 0, &length));
    GIVES("c.buffer", blindtally_pending_device_id(pending, NULL, 0, NULL));
    GIVES("c.null", blindtally_pending_device_id(pending, NULL, 33, &length));
    GIVES("c.value", blindtally_pending_device_id(pending, text, SIZE_MAX, &length));

    OK(blindtally_pending_claim(pending, &bytes));
    CHECK(bytes.length == 32 && bytes.data[32] == 0);
    print_hex("claim", bytes.data, bytes.length);
    blindtally_bytes_free(&bytes);
    CHECK(bytes.data == NULL && bytes.length == 0);
    blindtally_bytes_free(&bytes);

    GIVES("c.null", blindtally_pending_claim(pending, NULL));
    GIVES("c.value", blindtally_pending_queue(pending, BLINDTALLY_CLASS_CHAT, "a", 1, NOW, &bytes));
    GIVES("c.value", blindtally_pending_queue(pending, UINT32_MAX, "a", 1, NOW, &bytes));
    GIVES("c.value", blindtally_pending_queue(pending, 257, "a", 1, NOW, &bytes));
    GIVES("c.value", blindtally_pending_queue(pending, BLINDTALLY_CLASS_APP, "a", 1, -1, &bytes));
    GIVES("c.utf8", blindtally_pending_queue(pending, BLINDTALLY_CLASS_APP, "\xed\xa0\x80", 3, NOW, &bytes));
}

/* A value in a block of its own, without a NUL: what reads past its end is seen. */
static char *copy(const char *value, size_t length) {
    char *copied = (char *)malloc(length > 0 ? length : 1);
    CHECK(copied != NULL);
    memcpy(copied, value, length);
    return copied;
}

static void token(const blindtally_agent *agent, uint32_t token_class, const char *value, char *text) {
    size_t length = 0, room = blindtally_token_length(strlen(value));
    char *given = copy(value, strlen(value)), *buffer = (char *)malloc(room);
    OK(blindtally_agent_tokenize(agent, token_class, given, strlen(value), buffer, room, &length));
    CHECK(strlen(buffer) == length && length < room);
    strcpy(text, buffer);
    free(given);
    free(buffer);
}

static void one_by_one(const blindtally_agent *agent) {
    char text[BLINDTALLY_TOKEN_MAX], index[BLINDTALLY_ID_LENGTH];
    char *longest = (char *)malloc(BLINDTALLY_VALUE_MAX + 1);
    size_t length = 0;

    token(agent, BLINDTALLY_CLASS_APP, "winword.exe", text);
    printf("token %s\n", text);
    OK(blindtally_token_index(text, strlen(text), index, sizeof index, NULL));
    printf("index %s\n", index);
    OK(blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_TITLE, NULL, 0, text, sizeof text, &length));
    CHECK(length + 1 == blindtally_token_length(0));

    memset(longest, 'a', BLINDTALLY_VALUE_MAX + 1);
    OK(blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_URL, longest, BLINDTALLY_VALUE_MAX, text, sizeof text, &length));
    CHECK(length < BLINDTALLY_TOKEN_MAX && blindtally_token_length(BLINDTALLY_VALUE_MAX) == BLINDTALLY_TOKEN_MAX);
    GIVES("tokenize.too-long",
          blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_URL, longest, BLINDTALLY_VALUE_MAX + 1, text, sizeof text, NULL));
    CHECK(blindtally_token_length(BLINDTALLY_VALUE_MAX + 1) == BLINDTALLY_TOKEN_MAX);
    CHECK(blindtally_token_length(SIZE_MAX) == BLINDTALLY_TOKEN_MAX);
    free(longest);

    GIVES("c.utf8", blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, "a\xff", 2, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, NULL, 1, text, sizeof text, NULL));
    GIVES("c.null", blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, "a", 1, NULL, 64, NULL));
    GIVES("c.value", blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, "a", SIZE_MAX, text, sizeof text, NULL));
    GIVES("c.value", blindtally_agent_tokenize(agent, 0, "a", 1, text, sizeof text, NULL));
    GIVES("c.value", blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_CHAT, "a", 1, text, sizeof text, NULL));
    GIVES("tokenize.no-key",
          blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_TOKEN_LAST, "a", 1, text, sizeof text, NULL));
    text[0] = 'x';
    GIVES("c.buffer", blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, "a", 1, text, 52, &length));
    CHECK(length == 53 && text[0] == 'x');
    GIVES("malformed.encoding", blindtally_agent_dequeue(agent, "br1", 3, text, sizeof text, NULL));
}

static void many(const blindtally_agent *agent) {
    enum { COUNT = 1000 };
    blindtally_text *values = (blindtally_text *)calloc(COUNT, sizeof *values);
    blindtally_token_result *results = (blindtally_token_result *)calloc(COUNT, sizeof *results);
    char *words = (char *)malloc(COUNT * 16), *longest = (char *)malloc(BLINDTALLY_VALUE_MAX + 1), *buffer;
    char text[BLINDTALLY_TOKEN_MAX];
    size_t i, room = 0, used = 0, next = 0;

    memset(longest, 'a', BLINDTALLY_VALUE_MAX + 1);
    for (i = 0; i < COUNT; i++) {
        values[i].data = words + 16 * i;
        values[i].length = (size_t)snprintf(words + 16 * i, 16, "value %zu", i);
    }
    values[7].data = "\xc3";
    values[7].length = 1;
    values[300].data = longest;
    values[300].length = BLINDTALLY_VALUE_MAX + 1;
    values[301].length = BLINDTALLY_VALUE_MAX;
    values[301].data = longest;
    values[400].data = NULL;
    values[401].data = NULL;
    values[401].length = 0;
    values[402].length = SIZE_MAX;
    for (i = 0; i < COUNT; i++) {
        room += blindtally_token_length(values[i].length);
    }
    buffer = (char *)malloc(room);
    CHECK(buffer != NULL);
    memset(buffer, 'x', room);

    GIVES("c.buffer", blindtally_agent_tokenize_many(agent, 1, values, COUNT, buffer, room - 1, &used, results));
    CHECK(used == room && buffer[0] == 'x' && results[0].length == 0);
    GIVES("c.buffer", blindtally_agent_tokenize_many(agent, 1, values, COUNT, NULL, 0, NULL, results));
    GIVES("c.null", blindtally_agent_tokenize_many(agent, 1, values, COUNT, NULL, room, &used, results));
    GIVES("c.null", blindtally_agent_tokenize_many(agent, 1, NULL, COUNT, buffer, room, &used, results));
    GIVES("c.null", blindtally_agent_tokenize_many(agent, 1, values, COUNT, buffer, room, &used, NULL));
    GIVES("c.value", blindtally_agent_tokenize_many(agent, 1, values, SIZE_MAX, buffer, room, &used, results));
    GIVES("c.value", blindtally_agent_tokenize_many(agent, 1, values, SIZE_MAX / 8, buffer, room, &used, results));
    GIVES("c.value", blindtally_agent_tokenize_many(agent, 16, values, COUNT, buffer, room, &used, results));
    GIVES("tokenize.no-key", blindtally_agent_tokenize_many(agent, 191, values, COUNT, buffer, room, &used, results));
    GIVES("tokenize.no-key", blindtally_agent_tokenize_many(agent, 191, NULL, 0, NULL, 0, &used, NULL));
    CHECK(buffer[0] == 'x' && results[0].length == 0);
    OK(blindtally_agent_tokenize_many(agent, 1, NULL, 0, NULL, 0, &used, NULL));
    CHECK(used == 0);

    OK(blindtally_agent_tokenize_many(agent, 1, values, COUNT, buffer, room, &used, results));
    for (i = 0; i < COUNT; i++) {
        const char *refused = i == 7 ? "c.utf8" : i == 300 ? "tokenize.too-long" : i == 400 ? "c.null"
                            : i == 402 ? "c.value" : "";
        GIVES(refused, results[i].error);
        if (results[i].error != NULL) {
            CHECK(results[i].length == 0);
            continue;
        }
        CHECK(results[i].offset >= next && results[i].offset + results[i].length <= used);
        next = results[i].offset;
        OK(blindtally_agent_tokenize(agent, 1, values[i].data, values[i].length, text, sizeof text, NULL));
        CHECK(strlen(text) == results[i].length && memcmp(text, buffer + next, results[i].length) == 0);
        next += results[i].length;
    }
    CHECK(used >= next && used <= room);
    free(buffer);
    free(longest);
    free(words);
    free(results);
    free(values);
}

/* The limit is that of the form: of a long URL the host alone is sealed. */
static void a_long_url(const blindtally_agent *agent) {
    enum { LENGTH = 3 * BLINDTALLY_VALUE_MAX };
    char *url = (char *)malloc(LENGTH), *buffer = (char *)malloc(BLINDTALLY_TOKEN_MAX), text[BLINDTALLY_TOKEN_MAX];
    blindtally_text value = {url, LENGTH};
    blindtally_token_result result;
    size_t used = 0;
    CHECK(url != NULL && buffer != NULL);
    memset(url, 'a', LENGTH);
    memcpy(url, "https://Example.com/", 20);
    token(agent, BLINDTALLY_CLASS_HOST, "example.com", text);
    OK(blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_HOST, url, LENGTH, buffer, blindtally_token_length(LENGTH), &used));
    CHECK(strcmp(buffer, text) == 0);
    OK(blindtally_agent_tokenize_many(agent, BLINDTALLY_CLASS_HOST, &value, 1, buffer, blindtally_token_length(LENGTH), &used, &result));
    CHECK(result.error == NULL && result.length == strlen(text) && memcmp(buffer + result.offset, text, result.length) == 0);
    free(url);
    free(buffer);
}

static void records_and_blobs(const blindtally_agent *agent) {
    enum { LENGTH = 50000, PIECE = 7001 };
    blindtally_bytes bytes, beginning;
    blindtally_sealer *sealer;
    uint8_t *content = (uint8_t *)malloc(LENGTH);
    size_t i;
    for (i = 0; i < LENGTH; i++) {
        content[i] = (uint8_t)(i * 31);
    }
    OK(blindtally_agent_seal_record(agent, BLINDTALLY_CLASS_KEYSTROKES, "typed words", 11, NOW, &bytes));
    CHECK(strlen((const char *)bytes.data) == bytes.length);
    printf("record %s\n", (const char *)bytes.data);
    blindtally_bytes_free(&bytes);
    GIVES("c.value", blindtally_agent_seal_record(agent, BLINDTALLY_CLASS_APP, "a", 1, NOW, &bytes));
    GIVES("c.value", blindtally_agent_seal_record(agent, BLINDTALLY_CLASS_CHAT, "a", 1, INT64_MIN, &bytes));
    GIVES("c.utf8", blindtally_agent_seal_record(agent, BLINDTALLY_CLASS_CHAT, "\xc0\x80", 2, NOW, &bytes));
    GIVES("record.no-key", blindtally_agent_seal_record(agent, 223, "a", 1, NOW, &bytes));
    GIVES("c.null", blindtally_agent_seal_record(agent, BLINDTALLY_CLASS_CHAT, "a", 1, NOW, NULL));

    OK(blindtally_agent_seal_blob(agent, BLINDTALLY_CLASS_SCREENSHOT, content, LENGTH, NOW, &bytes));
    print_hex("blob", bytes.data, bytes.length);
    blindtally_bytes_free(&bytes);
    OK(blindtally_agent_seal_blob(agent, BLINDTALLY_CLASS_SCREENSHOT, NULL, 0, NOW, &bytes));
    blindtally_bytes_free(&bytes);
    GIVES("c.value", blindtally_agent_seal_blob(agent, BLINDTALLY_CLASS_CHAT, content, 1, NOW, &bytes));
    GIVES("blob.no-key", blindtally_agent_seal_blob(agent, 255, content, 1, NOW, &bytes));
    GIVES("c.null", blindtally_agent_seal_blob(agent, 32, NULL, 1, NOW, &bytes));
    CHECK(bytes.data == NULL);

    OK(blindtally_sealer_new(agent, BLINDTALLY_CLASS_SCREENSHOT, NOW, &sealer, &beginning));
    printf("pieces\n");
    print_hex("piece", beginning.data, beginning.length);
    blindtally_bytes_free(&beginning);
    for (i = 0; i < LENGTH; i += PIECE) {
        OK(blindtally_sealer_update(sealer, content + i, i + PIECE < LENGTH ? PIECE : LENGTH - i, &bytes));
        print_hex("piece", bytes.data, bytes.length);
        blindtally_bytes_free(&bytes);
    }
    GIVES("c.null", blindtally_sealer_update(sealer, NULL, 1, &bytes));
    GIVES("c.null", blindtally_sealer_update(sealer, content, 1, NULL));
    GIVES("c.null", blindtally_sealer_finish(sealer, NULL));
    OK(blindtally_sealer_finish(sealer, &bytes));
    print_hex("piece", bytes.data, bytes.length);
    blindtally_bytes_free(&bytes);
    printf("whole\n");
    fflush(stdout);
    GIVES("c.closed", blindtally_sealer_finish(sealer, &bytes));
    GIVES("c.closed", blindtally_sealer_update(sealer, content, 1, &bytes));
    OK(blindtally_sealer_close(sealer));
    blindtally_sealer_free(&sealer);
    CHECK(sealer == NULL);

    GIVES("c.value", blindtally_sealer_new(agent, BLINDTALLY_CLASS_APP, NOW, &sealer, &beginning));
    GIVES("c.value", blindtally_sealer_new(agent, BLINDTALLY_CLASS_VOICE, -1, &sealer, &beginning));
    CHECK(sealer == NULL && beginning.data == NULL);
    /* One that is given up. */
    OK(blindtally_sealer_new(agent, BLINDTALLY_CLASS_SCREENSHOT, NOW, &sealer, &beginning));
    OK(blindtally_sealer_close(sealer));
    GIVES("c.closed", blindtally_sealer_update(sealer, content, 1, &bytes));
    blindtally_sealer_free(&sealer);
    blindtally_bytes_free(&beginning);
    free(content);
}

/* Exports and restores: the second agent is as the first, which it replaces. */
static void restart(blindtally_agent **agent) {
    blindtally_pending *pending;
    blindtally_agent *other;
    blindtally_bytes plain, again, wrapped;
    OK(blindtally_agent_export_state(*agent, NULL, 0, &plain));
    OK(blindtally_agent_export_state(*agent, KEY, sizeof KEY, &wrapped));
    GIVES("c.value", blindtally_agent_export_state(*agent, KEY, 16, &again));
    GIVES("state.wrapped", blindtally_restore(wrapped.data, wrapped.length, NULL, 0, &other, &pending));
    GIVES("state.not-wrapped", blindtally_restore(plain.data, plain.length, KEY, sizeof KEY, &other, &pending));
    GIVES("malformed.truncated", blindtally_restore(plain.data, plain.length - 1, NULL, 0, &other, &pending));
    CHECK(other == NULL && pending == NULL);
    OK(blindtally_restore(wrapped.data, wrapped.length, KEY, sizeof KEY, &other, &pending));
    CHECK(other != NULL && pending == NULL);
    OK(blindtally_agent_export_state(other, NULL, 0, &again));
    CHECK(again.length == plain.length && memcmp(again.data, plain.data, plain.length) == 0);
    wrapped.data[wrapped.length - 1] ^= 1;
    blindtally_bytes_free(&again);
    blindtally_agent_free(agent);
    CHECK(*agent == NULL);
    *agent = other;
    GIVES("state.wrong-key", blindtally_restore(wrapped.data, wrapped.length, KEY, sizeof KEY, &other, &pending));
    CHECK(other == NULL && pending == NULL);
    blindtally_bytes_free(&plain);
    blindtally_bytes_free(&wrapped);
}

/* Tokenizes until the agent is closed: a thread gets whole tokens, then c.closed, and nothing else. */
static void *seal_until_closed(void *given) {
    const blindtally_agent *agent = (const blindtally_agent *)given;
    blindtally_text values[3] = {{"a", 1}, {"b", 1}, {"c", 1}};
    blindtally_token_result results[3];
    char buffer[3 * 53], text[53];
    for (;;) {
        const blindtally_error *error =
            blindtally_agent_tokenize_many(agent, BLINDTALLY_CLASS_APP, values, 3, buffer, sizeof buffer, NULL, results);
        if (error == NULL) {
            error = blindtally_agent_tokenize(agent, BLINDTALLY_CLASS_APP, "c", 1, text, sizeof text, NULL);
            CHECK(error != NULL || (strlen(text) == results[2].length && memcmp(text, buffer + results[2].offset, results[2].length) == 0));
        }
        if (error != NULL) {
            GIVES("c.closed", error);
            return NULL;
        }
    }
}

static void closed(const blindtally_agent *agent) {
    blindtally_bytes bytes;
    blindtally_sealer *sealer;
    blindtally_status status;
    uint32_t result;
    char text[64];
    size_t length;
    OK(blindtally_agent_close(agent));
    GIVES("c.closed", blindtally_agent_device_id(agent, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_agent_account(agent, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_agent_status(agent, &status));
    GIVES("c.closed", blindtally_agent_tokenize(agent, 1, "a", 1, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_agent_tokenize_many(agent, 1, NULL, 0, NULL, 0, &length, NULL));
    GIVES("c.closed", blindtally_agent_seal_record(agent, 16, "a", 1, NOW, &bytes));
    GIVES("c.closed", blindtally_agent_seal_blob(agent, 32, KEY, 1, NOW, &bytes));
    GIVES("c.closed", blindtally_sealer_new(agent, 32, NOW, &sealer, &bytes));
    GIVES("c.closed", blindtally_agent_accept(agent, KEY, 1, &result));
    GIVES("c.closed", blindtally_agent_apply_policy(agent, KEY, 1, &result));
    GIVES("c.closed", blindtally_agent_export_state(agent, NULL, 0, &bytes));
    GIVES("c.closed", blindtally_agent_claim(agent, &bytes));
    GIVES("c.closed", blindtally_agent_claim_ticket(agent, text, sizeof text, NULL));
}

int main(void) {
    char *ticket, *code;
    uint8_t *encryption, *signing, *message;
    size_t length, i;
    blindtally_key_pairs pairs;
    blindtally_pending *pending, *by_code;
    blindtally_agent *agent, *other;
    blindtally_bytes bytes, request, queued;
    blindtally_status status;
    pthread_t threads[THREADS];
    uint32_t result;
    char text[BLINDTALLY_TOKEN_MAX], before[BLINDTALLY_TOKEN_MAX];

    errors();
    nulls();

    ticket = read_line();
    code = read_line();
    encryption = receive(&pairs.encryption_length);
    signing = receive(&pairs.signing_length);
    CHECK(ticket != NULL && code != NULL);
    pairs.encryption = encryption;
    pairs.signing = signing;

    GIVES("enrollment.name", blindtally_agent_enroll(ticket, strlen(ticket), NULL, 0, &pairs, &pending, &request));
    GIVES("c.utf8", blindtally_agent_enroll(ticket, strlen(ticket), "\xff", 1, &pairs, &pending, &request));
    pairs.signing_length--;
    GIVES("malformed.private-key", blindtally_agent_enroll(ticket, strlen(ticket), "pc", 2, &pairs, &pending, &request));
    pairs.signing_length++;
    pairs.signing = NULL;
    GIVES("c.null", blindtally_agent_enroll(ticket, strlen(ticket), "pc", 2, &pairs, &pending, &request));
    pairs.signing = signing;
    CHECK(pending == NULL && request.data == NULL);

    OK(blindtally_agent_enroll_by_code(code, strlen(code), &pairs, &by_code, &request));
    print_hex("comparison", request.data, request.length);
    blindtally_bytes_free(&request);
    OK(blindtally_pending_claim_ticket(by_code, text, sizeof text, &length));
    CHECK(length == 0 && *text == 0);
    OK(blindtally_pending_close(by_code));
    OK(blindtally_pending_close(by_code));
    GIVES("c.closed", blindtally_pending_device_id(by_code, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_pending_account(by_code, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_pending_device_code(by_code, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_pending_claim(by_code, &bytes));
    GIVES("c.closed", blindtally_pending_claim_ticket(by_code, text, sizeof text, NULL));
    GIVES("c.closed", blindtally_pending_queue(by_code, 1, "a", 1, NOW, &bytes));
    GIVES("c.closed", blindtally_pending_export_state(by_code, NULL, 0, &bytes));
    GIVES("c.closed", blindtally_pending_accept(by_code, KEY, 1, &agent));
    blindtally_pending_free(&by_code);
    CHECK(by_code == NULL);

    OK(blindtally_agent_enroll(ticket, strlen(ticket), "pc of Anna", 10, &pairs, &pending, &request));
    of_pending(pending);
    OK(blindtally_pending_queue(pending, BLINDTALLY_CLASS_APP, "before.exe", 10, NOW, &queued));

    /* It is saved before the request is sent, and brought back. */
    OK(blindtally_pending_export_state(pending, KEY, sizeof KEY, &bytes));
    blindtally_pending_free(&pending);
    OK(blindtally_restore(bytes.data, bytes.length, KEY, sizeof KEY, &agent, &pending));
    CHECK(agent == NULL && pending != NULL);
    blindtally_bytes_free(&bytes);
    print_hex("request", request.data, request.length);
    blindtally_bytes_free(&request);

    message = receive(&length);
    GIVES("c.null", blindtally_pending_accept(pending, message, length, NULL));
    message[length - 1] ^= 1;
    GIVES("accept.refused", blindtally_pending_accept(pending, message, length, &agent));
    GIVES("malformed.truncated", blindtally_pending_accept(pending, message, length - 1, &agent));
    CHECK(agent == NULL);
    message[length - 1] ^= 1;
    OK(blindtally_pending_accept(pending, message, length, &agent));
    OK(blindtally_agent_accept(agent, message, length, &result));
    CHECK(result == BLINDTALLY_OUTCOME_UNCHANGED);
    GIVES("c.null", blindtally_agent_accept(agent, message, length, NULL));
    GIVES("malformed.kind", blindtally_agent_apply_policy(agent, message, length, &result));
    free(message);
    blindtally_pending_free(&pending);

    OK(blindtally_agent_device_id(agent, text, sizeof text, NULL));
    printf("device %s\n", text);
    OK(blindtally_agent_account(agent, text, sizeof text, NULL));
    printf("account %s\n", text);
    OK(blindtally_agent_claim_ticket(agent, text, sizeof text, NULL));
    printf("ticket %s\n", text);
    OK(blindtally_agent_claim(agent, &bytes));
    print_hex("claim", bytes.data, bytes.length);
    blindtally_bytes_free(&bytes);
    GIVES("c.null", blindtally_agent_status(agent, NULL));
    OK(blindtally_agent_status(agent, &status));
    CHECK(status.kind == BLINDTALLY_STATUS_ENCRYPTED && status.epoch == 1 && status.policy_version > 0);

    token(agent, BLINDTALLY_CLASS_APP, "before.exe", before);
    OK(blindtally_agent_dequeue(agent, (const char *)queued.data, queued.length, text, sizeof text, NULL));
    CHECK(strcmp(text, before) == 0);
    queued.data[queued.length - 1] = queued.data[queued.length - 1] == 'A' ? 'Q' : 'A';
    CHECK(blindtally_agent_dequeue(agent, (const char *)queued.data, queued.length, text, sizeof text, NULL) != NULL);
    blindtally_bytes_free(&queued);

    one_by_one(agent);
    many(agent);
    a_long_url(agent);
    records_and_blobs(agent);
    restart(&agent);

    /* A policy arrives while threads seal, and another thread closes. */
    token(agent, BLINDTALLY_CLASS_DOCUMENT, "Report.DOCX", before);
    OK(blindtally_agent_export_state(agent, NULL, 0, &bytes));
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, seal_until_closed, agent) == 0);
    }
    message = receive(&length);
    OK(blindtally_agent_apply_policy(agent, message, length, &result));
    CHECK(result == BLINDTALLY_OUTCOME_UPDATED);
    OK(blindtally_agent_apply_policy(agent, message, length, &result));
    CHECK(result == BLINDTALLY_OUTCOME_UNCHANGED);
    free(message);
    token(agent, BLINDTALLY_CLASS_DOCUMENT, "Report.DOCX", text);
    CHECK(strcmp(text, before) != 0);
    token(agent, BLINDTALLY_CLASS_DOCUMENT, "report.docx", before);
    CHECK(strcmp(text, before) == 0);
    closed(agent);
    for (i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    blindtally_agent_free(&agent);
    CHECK(agent == NULL);

    /* From the state before that: revoked. */
    OK(blindtally_restore(bytes.data, bytes.length, NULL, 0, &other, &pending));
    blindtally_bytes_free(&bytes);
    message = receive(&length);
    OK(blindtally_agent_apply_policy(other, message, length, &result));
    CHECK(result == BLINDTALLY_OUTCOME_REVOKED);
    GIVES("agent.revoked", blindtally_agent_apply_policy(other, message, length, &result));
    GIVES("agent.revoked", blindtally_agent_tokenize(other, 1, "a", 1, text, sizeof text, NULL));
    OK(blindtally_agent_status(other, &status));
    CHECK(status.kind == BLINDTALLY_STATUS_REVOKED && status.epoch == 0 && status.policy_version == 0);
    free(message);
    blindtally_agent_free(&other);

    free(ticket);
    free(code);
    free(encryption);
    free(signing);
    printf("done\n");
    return 0;
}
