/* An agent by lines: each line of standard input is a call of the C interface with its arguments in hexadecimal digits, "-"
 * for none, and each answer is "ok" with what came out, or "error" with the code. tests/vectors.rs knows what should. */

#include "lines.h"

static blindtally_agent *agent = NULL;
static blindtally_pending *pending = NULL;

/* The next argument of a line. */
static uint8_t *bytes_of(size_t *length) {
    const char *word = strtok(NULL, " ");
    CHECK(word != NULL);
    return from_hex(strcmp(word, "-") == 0 ? "" : word, length);
}

static unsigned long number(void) {
    const char *word = strtok(NULL, " ");
    CHECK(word != NULL);
    return strtoul(word, NULL, 10);
}

static void answer(const blindtally_error *error, const char *text) {
    if (error != NULL) {
        printf("error %s\n", blindtally_error_code(error));
    } else {
        printf("ok %s\n", text);
    }
    fflush(stdout);
}

static void answer_bytes(const blindtally_error *error, blindtally_bytes *bytes) {
    if (error != NULL) {
        answer(error, "");
    } else {
        print_hex("ok", bytes->data, bytes->length);
    }
    blindtally_bytes_free(bytes);
}

static void forget(void) {
    blindtally_agent_free(&agent);
    blindtally_pending_free(&pending);
}

static void restore(void) {
    size_t state_length, key_length;
    uint8_t *state = bytes_of(&state_length), *key = bytes_of(&key_length);
    const blindtally_error *error;
    forget();
    error = blindtally_restore(state, state_length, key_length > 0 ? key : NULL, key_length, &agent, &pending);
    answer(error, agent != NULL ? "agent" : "pending");
    free(state);
    free(key);
}

static void export_state(void) {
    size_t length;
    uint8_t *key = bytes_of(&length);
    const uint8_t *given = length > 0 ? key : NULL;
    blindtally_bytes state;
    answer_bytes(agent != NULL ? blindtally_agent_export_state(agent, given, length, &state)
                               : blindtally_pending_export_state(pending, given, length, &state),
                 &state);
    free(key);
}

static void status(void) {
    blindtally_status status;
    const char *kinds[] = {"", "encrypted", "needs-upgrade", "revoked"};
    const blindtally_error *error = blindtally_agent_status(agent, &status);
    CHECK(error != NULL || (status.kind >= 1 && status.kind <= 3));
    answer(error, error == NULL ? kinds[status.kind] : "");
}

static void device(void) {
    char id[BLINDTALLY_ID_LENGTH];
    answer(agent != NULL ? blindtally_agent_device_id(agent, id, sizeof id, NULL)
                         : blindtally_pending_device_id(pending, id, sizeof id, NULL),
           id);
}

static void account(void) {
    char id[BLINDTALLY_ID_LENGTH];
    answer(blindtally_pending_account(pending, id, sizeof id, NULL), id);
}

static void claim_ticket(void) {
    char id[BLINDTALLY_ID_LENGTH];
    answer(blindtally_pending_claim_ticket(pending, id, sizeof id, NULL), id);
}

static void claim(void) {
    blindtally_bytes claim;
    answer_bytes(blindtally_pending_claim(pending, &claim), &claim);
}

/* One by one and many at once give the same. */
static void tokenize(void) {
    uint32_t token_class = (uint32_t)number();
    size_t length, capacity;
    uint8_t *value = bytes_of(&length);
    char token[BLINDTALLY_TOKEN_MAX], again[BLINDTALLY_TOKEN_MAX];
    blindtally_text text = {(const char *)value, length};
    blindtally_token_result result = {NULL, 0, 0};
    const blindtally_error *one, *many;
    capacity = blindtally_token_length(length);
    one = blindtally_agent_tokenize(agent, token_class, text.data, length, token, capacity > 0 ? capacity : 1, NULL);
    many = blindtally_agent_tokenize_many(agent, token_class, &text, 1, again, capacity, NULL, &result);
    CHECK(one == (many != NULL ? many : result.error));
    CHECK(one != NULL || (strlen(token) == result.length && memcmp(token, again + result.offset, result.length) == 0));
    answer(one, token);
    free(value);
}

static void token_index(void) {
    size_t length;
    uint8_t *token = bytes_of(&length);
    char index[BLINDTALLY_ID_LENGTH];
    answer(blindtally_token_index((const char *)token, length, index, sizeof index, NULL), index);
    free(token);
}

static void record(void) {
    uint32_t record_class = (uint32_t)number();
    size_t length;
    uint8_t *value = bytes_of(&length);
    blindtally_bytes sealed;
    answer_bytes(blindtally_agent_seal_record(agent, record_class, (const char *)value, length, 1, &sealed), &sealed);
    free(value);
}

static void dequeue(void) {
    size_t length;
    uint8_t *queued = bytes_of(&length);
    char token[BLINDTALLY_TOKEN_MAX];
    answer(blindtally_agent_dequeue(agent, (const char *)queued, length, token, sizeof token, NULL), token);
    free(queued);
}

static const char *outcome(uint32_t result) {
    const char *outcomes[] = {"", "updated", "unchanged", "delivery-needed", "revoked"};
    return result <= 4 ? outcomes[result] : "";
}

static void accept_delivery(void) {
    size_t length;
    uint8_t *delivery = bytes_of(&length);
    uint32_t result = BLINDTALLY_OUTCOME_UPDATED;
    const blindtally_error *error = agent != NULL ? blindtally_agent_accept(agent, delivery, length, &result)
                                                  : blindtally_pending_accept(pending, delivery, length, &agent);
    answer(error, outcome(result));
    free(delivery);
}

static void apply_policy(void) {
    size_t length;
    uint8_t *policy = bytes_of(&length);
    uint32_t result = 0;
    const blindtally_error *error = blindtally_agent_apply_policy(agent, policy, length, &result);
    answer(error, outcome(result));
    free(policy);
}

/* With a ticket, a name, and two private keys, or "-" for keys that are made here. */
static void enroll(void) {
    blindtally_key_pairs pairs;
    size_t ticket_length, name_length;
    uint8_t *ticket = bytes_of(&ticket_length), *name = bytes_of(&name_length);
    uint8_t *encryption = bytes_of(&pairs.encryption_length), *signing = bytes_of(&pairs.signing_length);
    blindtally_bytes request;
    pairs.encryption = encryption;
    pairs.signing = signing;
    forget();
    answer_bytes(blindtally_agent_enroll((const char *)ticket, ticket_length, (const char *)name, name_length,
                                         pairs.signing_length > 0 ? &pairs : NULL, &pending, &request),
                 &request);
    free(ticket);
    free(name);
    free(encryption);
    free(signing);
}

static const struct {
    const char *name;
    void (*call)(void);
} CALLS[] = {
    {"restore", restore},   {"export", export_state},  {"status", status},     {"device", device},
    {"account", account},   {"claim", claim},          {"ticket", claim_ticket}, {"tokenize", tokenize},
    {"index", token_index}, {"record", record},        {"dequeue", dequeue},   {"accept", accept_delivery},
    {"policy", apply_policy}, {"enroll", enroll},
};

int main(void) {
    char *line;
    while ((line = read_line()) != NULL) {
        const char *name = strtok(line, " ");
        size_t i = 0;
        CHECK(name != NULL);
        while (strcmp(CALLS[i].name, name) != 0) {
            CHECK(++i < sizeof CALLS / sizeof *CALLS);
        }
        CALLS[i].call();
        free(line);
    }
    forget();
    return 0;
}
