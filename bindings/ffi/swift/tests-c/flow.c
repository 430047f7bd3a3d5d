/* The generated header and the library: an account, an agent, a token, and refusals, through what Swift calls.
 *
 * Objects are handles that each call uses up: a clone goes in. Texts and bytes go in buffers of the library's; in what is
 * composed, numbers are big-endian, text and bytes have their length (int32) before them, and what is optional begins with 0
 * or 1. Afterwards neither the password nor the value is anywhere in the process's memory. */

#ifndef __clang__
#define _Nonnull
#define _Nullable
#endif
#include "BlindtallyFFI.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static RustCallStatus status;

static void fail(const char *what) {
    fprintf(stderr, "%s (status %d: %.*s)\n", what, status.code, (int)status.errorBuf.len, (const char *)status.errorBuf.data);
    exit(1);
}

#define MUST(condition) do { if (!(condition)) fail(#condition); } while (0)

static uint64_t done(uint64_t handle) {
    MUST(status.code == 0);
    return handle;
}

static RustBuffer filled(RustBuffer buffer) {
    MUST(status.code == 0);
    return buffer;
}

static void put_free(RustBuffer buffer) {
    ffi_blindtally_ffi_rustbuffer_free(buffer, &status);
    MUST(status.code == 0);
}

static RustBuffer copied(const void *data, size_t length) {
    ForeignBytes bytes = {(int32_t)length, data};
    return filled(ffi_blindtally_ffi_rustbuffer_from_bytes(bytes, &status));
}

static RustBuffer text(const char *text) {
    return copied(text, strlen(text));
}

static RustBuffer none(void) {
    return copied("", 1);
}

/* A class of tokens without fields: its place in the enum. */
static RustBuffer app(void) {
    return copied("\0\0\0\1", 4);
}

/* In a way that no compiler leaves out. */
static void wipe(void *memory, size_t length) {
    for (volatile uint8_t *at = memory; length > 0; length--)
        *at++ = 0;
}

static RustBuffer bytes(const void *data, size_t length) {
    uint8_t *composed = malloc(length + 4);
    RustBuffer buffer;
    MUST(composed != NULL);
    for (int i = 0; i < 4; i++)
        composed[i] = (uint8_t)(length >> (8 * (3 - i)));
    memcpy(composed + 4, data, length);
    buffer = copied(composed, length + 4);
    wipe(composed, length + 4);
    free(composed);
    return buffer;
}

/* Reads what is composed, from where it stands. */
typedef struct {
    RustBuffer buffer;
    size_t at;
} Reader;

static uint64_t number(Reader *reader, size_t width) {
    uint64_t number = 0;
    MUST(reader->at + width <= reader->buffer.len);
    for (; width > 0; width--)
        number = number << 8 | reader->buffer.data[reader->at++];
    return number;
}

static RustBuffer part(Reader *reader) {
    size_t length = number(reader, 4);
    MUST(reader->at + length <= reader->buffer.len);
    reader->at += length;
    return bytes(reader->buffer.data + reader->at - length, length);
}

static uint64_t agent_clone(uint64_t agent) {
    return done(uniffi_blindtally_ffi_fn_clone_agent(agent, &status));
}

static uint64_t owner_clone(uint64_t owner) {
    return done(uniffi_blindtally_ffi_fn_clone_owner(owner, &status));
}

/* The refusal that the last call ended with: a case, then the code, then a sentence. */
static void refused(const char *code) {
    Reader reader = {status.errorBuf, 4};
    size_t length;
    MUST(status.code == 1);
    length = number(&reader, 4);
    if (length != strlen(code) || memcmp(reader.buffer.data + reader.at, code, length) != 0) {
        fprintf(stderr, "%.*s instead of %s\n", (int)length, (const char *)reader.buffer.data + reader.at, code);
        exit(1);
    }
    status.code = 0;
    put_free(reader.buffer);
}

#define PASSWORD "bnssdbu!insrd!c`uudsx!ru`qmd!`oe!`!rdoudobd!ui`u!oncnex!vntme!ftdrr"
#define VALUE "Ghftsdr!ng!uid!uihse!pt`suds!gns!uid!onsuidso!cs`obi-!es`gu!6/ymry"

static uint64_t enrolled(uint64_t owner) {
    Reader enrollment, inspection, outbox;
    uint64_t ticket, pending, request, change, agent;
    RustBuffer delivery;
    ticket = done(uniffi_blindtally_ffi_fn_method_owner_issue_ticket(owner_clone(owner), 1, none(), none(), &status));
    enrollment = (Reader){filled(uniffi_blindtally_ffi_fn_func_enroll(ticket, text("anna-laptop"), none(), &status)), 0};
    pending = number(&enrollment, 8);
    inspection = (Reader){
        filled(uniffi_blindtally_ffi_fn_method_owner_inspect(owner_clone(owner), part(&enrollment), none(), &status)), 0};
    put_free(enrollment.buffer);
    MUST(number(&inspection, 4) == 1); /* verified */
    request = number(&inspection, 8);
    put_free(inspection.buffer);
    change = done(uniffi_blindtally_ffi_fn_method_owner_approve(owner_clone(owner), request, none(), &status));
    outbox = (Reader){filled(uniffi_blindtally_ffi_fn_method_change_committed(change, &status)), 0};
    MUST(number(&outbox, 4) == 1); /* delivery */
    put_free(part(&outbox));       /* for the device of this id */
    delivery = part(&outbox);
    put_free(outbox.buffer);
    agent = done(uniffi_blindtally_ffi_fn_method_pendingagent_accept(
        done(uniffi_blindtally_ffi_fn_clone_pendingagent(pending, &status)), delivery, &status));
    uniffi_blindtally_ffi_fn_free_pendingagent(pending, &status);
    MUST(status.code == 0);
    return agent;
}

/* Secrets that are in no literal: what is written here is one bit off. */
static void spell(char *out, const char *flipped) {
    do
        *out++ = *flipped ? (char)(*flipped ^ 1) : 0;
    while (*flipped++);
}

#ifdef __linux__
/* How often the end of the secret lies in memory that this process can write: malloc overwrites the beginning of what is
 * freed. */
static int found(const char *flipped) {
    static char secret[80], line[512];
    flipped += strlen(flipped) - 24;
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;
    MUST(maps != NULL);
    spell(secret, flipped);
    while (fgets(line, sizeof line, maps)) {
        unsigned long from, to;
        char mode[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || mode[0] != 'r' || mode[1] != 'w')
            continue;
        for (const char *at = (const char *)from; at + strlen(secret) <= (const char *)to; at++)
            count += at != secret && at[0] == secret[0] && memcmp(at, secret, strlen(secret)) == 0;
    }
    fclose(maps);
    wipe(secret, sizeof secret);
    return count;
}
#endif

int main(void) {
    static char long_value[4097], secret[80];
    Reader account;
    RustBuffer token, value;
    uint64_t owner, agent;
    /* PBKDF2, the first of the ways, with 600,000 iterations. */
    static const uint8_t kdf[] = {1, 0, 0, 0, 1, 0, 9, 0x27, 0xc0};

    spell(secret, PASSWORD);
    account = (Reader){filled(uniffi_blindtally_ffi_fn_func_create_account(
        text("anna@example.com"), bytes(secret, strlen(secret)), copied(kdf, sizeof kdf), none(), none(), none(),
        &status)), 0};
    owner = number(&account, 8);
    uniffi_blindtally_ffi_fn_free_change(number(&account, 8), &status);
    MUST(status.code == 0);
    put_free(account.buffer);
    agent = enrolled(owner);

    spell(secret, VALUE);
    token = filled(uniffi_blindtally_ffi_fn_method_agent_tokenize(agent_clone(agent), app(), text(secret), &status));
    MUST(memcmp(token.data, "bt1_", 4) == 0);
    value = filled(uniffi_blindtally_ffi_fn_method_owner_reveal(owner_clone(owner), token, &status));
    MUST(value.len == strlen(secret) && memcmp(value.data, secret, value.len) == 0);
#ifdef __linux__
    MUST(found(VALUE) > 1);
#endif
    put_free(value);

    memset(long_value, 'x', sizeof long_value);
    uniffi_blindtally_ffi_fn_method_agent_tokenize(agent_clone(agent), app(), copied(long_value, sizeof long_value), &status);
    refused("tokenize.too-long");
    uniffi_blindtally_ffi_fn_method_owner_reveal(owner_clone(owner), text("no token"), &status);
    refused("malformed.encoding");

    uniffi_blindtally_ffi_fn_free_agent(agent, &status);
    uniffi_blindtally_ffi_fn_free_owner(owner, &status);
    MUST(status.code == 0);
    wipe(secret, sizeof secret);
#ifdef __linux__
    MUST(found(PASSWORD) == 0);
    MUST(found(VALUE) == 0);
#endif
    puts("an account, an agent, a token, two refusals, and nothing left of the words");
    return 0;
}
