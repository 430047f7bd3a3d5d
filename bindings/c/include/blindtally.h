/**
 * @file
 * Blindtally, the agent's end: end-to-end encryption for activity data that a blind service can still count, group and sort.
 *
 * An agent asks for keys (blindtally_agent_enroll()), waits until the account's owner delivers them
 * (blindtally_pending_accept()), and then seals: values to tokens that are equal where the values are, records, blobs. It
 * never reveals. No function reads a clock, a file or the network, and there is no global state.
 *
 * Errors. A function that can fail gives NULL for success, or why it failed: blindtally_error_code(),
 * blindtally_error_message(). Every function can give c.null (a pointer is NULL that must not be), c.value (an argument is
 * out of range), c.utf8 (a text is not UTF-8), c.closed (the handle was closed) and c.internal (an error of the library
 * itself); which other errors there are is said beside it. After an error handles are NULL and bytes are empty that the
 * function would have given, and nothing else has changed.
 *
 * Inputs. Texts are UTF-8 of a given length, without a NUL. A pointer may be NULL where its length is 0. No input may be
 * changed by another thread during the call, and none may overlap an output. Nor may two outputs of a call overlap.
 *
 * Texts as outputs. `buffer` has room for `capacity` bytes and gets the text and a NUL. `length`, which may be NULL, gets the
 * length of the text without the NUL. If the room is too short the error is c.buffer, nothing is written to the buffer, and
 * `length` gets the capacity that is needed.
 *
 * Handles and bytes. Whatever a function gives is freed by the function that is named beside it, by nothing else. What holds
 * keys is wiped when it is closed or freed. A pointer that was freed must not be used; the functions that free set the
 * variable that they are given to NULL.
 *
 * Threads. Every function may be called by any number of threads at once with the same handles, but for those that free:
 * they are the last to use theirs. Different threads' outputs are different memory.
 *
 * Made by cbindgen from bindings/c/src: not to be edited.
 */


#ifndef BLINDTALLY_H
#define BLINDTALLY_H

#include <stddef.h>
#include <stdint.h>

/**
 * The version of this interface. A program that was compiled with this header works with every library for which
 * blindtally_abi() gives the same number: functions and codes are added, none is changed.
 */
#define BLINDTALLY_ABI 1

/**
 * Token class: name of an application or executable.
 */
#define BLINDTALLY_CLASS_APP 1

/**
 * Token class: title of a window or page.
 */
#define BLINDTALLY_CLASS_TITLE 2

/**
 * Token class: host of a URL.
 */
#define BLINDTALLY_CLASS_HOST 3

/**
 * Token class: whole URL.
 */
#define BLINDTALLY_CLASS_URL 4

/**
 * Token class: document or file.
 */
#define BLINDTALLY_CLASS_DOCUMENT 5

/**
 * Token class: person at the device.
 */
#define BLINDTALLY_CLASS_PERSON 6

/**
 * Token class: label of the owner's, such as a category's name.
 */
#define BLINDTALLY_CLASS_LABEL 7

/**
 * The first of the token classes that an application defines; BLINDTALLY_CLASS_TOKEN_LAST is the last.
 */
#define BLINDTALLY_CLASS_TOKEN_FIRST 128

/**
 * The last of the token classes that an application defines.
 */
#define BLINDTALLY_CLASS_TOKEN_LAST 191

/**
 * Record class: keystrokes.
 */
#define BLINDTALLY_CLASS_KEYSTROKES 16

/**
 * Record class: clipboard content.
 */
#define BLINDTALLY_CLASS_CLIPBOARD 17

/**
 * Record class: chat messages.
 */
#define BLINDTALLY_CLASS_CHAT 18

/**
 * The first of the record classes that an application defines; BLINDTALLY_CLASS_RECORD_LAST is the last.
 */
#define BLINDTALLY_CLASS_RECORD_FIRST 192

/**
 * The last of the record classes that an application defines.
 */
#define BLINDTALLY_CLASS_RECORD_LAST 223

/**
 * Blob class: screenshots.
 */
#define BLINDTALLY_CLASS_SCREENSHOT 32

/**
 * Blob class: camera shots.
 */
#define BLINDTALLY_CLASS_CAMERA 33

/**
 * Blob class: voice.
 */
#define BLINDTALLY_CLASS_VOICE 34

/**
 * Blob class: archives.
 */
#define BLINDTALLY_CLASS_ARCHIVE 40

/**
 * The first of the blob classes that an application defines; BLINDTALLY_CLASS_BLOB_LAST is the last.
 */
#define BLINDTALLY_CLASS_BLOB_FIRST 224

/**
 * The last of the blob classes that an application defines.
 */
#define BLINDTALLY_CLASS_BLOB_LAST 255

/**
 * Room for an id as text: 32 hexadecimal digits and the NUL.
 */
#define BLINDTALLY_ID_LENGTH 33

/**
 * Room for a device's code as text: 24 characters in groups of four, and the NUL.
 */
#define BLINDTALLY_CODE_LENGTH 30

/**
 * Length in bytes of the key that a state is wrapped under.
 */
#define BLINDTALLY_KEY_LENGTH 32

/**
 * Kind of a status: it seals.
 */
#define BLINDTALLY_STATUS_ENCRYPTED 1

/**
 * Kind of a status: the policy asks for something that this version does not know. It seals nothing, and sends nothing
 * plain either.
 */
#define BLINDTALLY_STATUS_NEEDS_UPGRADE 2

/**
 * Kind of a status: its keys are erased.
 */
#define BLINDTALLY_STATUS_REVOKED 3

/**
 * What became of a message: accepted. Export the state.
 */
#define BLINDTALLY_OUTCOME_UPDATED 1

/**
 * What became of a message: it was the one in force already.
 */
#define BLINDTALLY_OUTCOME_UNCHANGED 2

/**
 * What became of a message: the policy is of an epoch whose keys have not arrived. The agent seals on in the old one.
 */
#define BLINDTALLY_OUTCOME_DELIVERY_NEEDED 3

/**
 * What became of a message: this device is revoked and its keys are erased. Export the state.
 */
#define BLINDTALLY_OUTCOME_REVOKED 4

/**
 * The longest value that can be tokenized, in bytes of UTF-8.
 */
#define BLINDTALLY_VALUE_MAX 4096

/**
 * Room for the token of any value, with its NUL, in bytes.
 */
#define BLINDTALLY_TOKEN_MAX 5837

/**
 * A device with keys. Any number of threads may use it at once; blindtally_agent_accept(), blindtally_agent_apply_policy()
 * and blindtally_agent_close() wait for those that seal.
 */
typedef struct blindtally_agent blindtally_agent;

/**
 * Why a call failed. Functions that can fail give a pointer to one, or NULL where they succeeded. It is static and
 * immutable: it is never freed, and may be compared and kept.
 */
typedef struct blindtally_error blindtally_error;

/**
 * A device that has asked for keys and waits for their delivery. Any number of threads may use it at once.
 */
typedef struct blindtally_pending blindtally_pending;

/**
 * Seals a blob piece by piece. Calls of several threads wait for each other.
 */
typedef struct blindtally_sealer blindtally_sealer;

/**
 * Bytes that the library allocated. Where a function fills one in, it is an output: what it held before is overwritten,
 * not freed. Both fields are to be left as they are until blindtally_bytes_free().
 */
typedef struct {
    /**
     * The bytes, and behind them a NUL that `length` does not count, so that a text is a string of C. NULL if there are
     * none.
     */
    uint8_t *data;
    /**
     * How many.
     */
    size_t length;
} blindtally_bytes;

/**
 * A device's key pairs that were made elsewhere: two different RSA private keys of 2048, 3072 or 4096 bits as PKCS#8 in
 * DER.
 */
typedef struct {
    /**
     * The key that decrypts deliveries.
     */
    const uint8_t *encryption;
    /**
     * Its length in bytes.
     */
    size_t encryption_length;
    /**
     * The key that signs requests.
     */
    const uint8_t *signing;
    /**
     * Its length in bytes.
     */
    size_t signing_length;
} blindtally_key_pairs;

/**
 * Where an agent stands.
 */
typedef struct {
    /**
     * Version of the policy in force; 0 unless it seals.
     */
    uint64_t policy_version;
    /**
     * One of BLINDTALLY_STATUS_ENCRYPTED, BLINDTALLY_STATUS_NEEDS_UPGRADE, BLINDTALLY_STATUS_REVOKED.
     */
    uint32_t kind;
    /**
     * The epoch it seals in, 1 to 65535; 0 unless it seals.
     */
    uint32_t epoch;
} blindtally_status;

/**
 * A text that is lent to the library for the time of a call.
 */
typedef struct {
    /**
     * UTF-8, without a NUL. NULL if `length` is 0.
     */
    const char *data;
    /**
     * How many bytes.
     */
    size_t length;
} blindtally_text;

/**
 * What became of one value of many.
 */
typedef struct {
    /**
     * Why there is no token; NULL if there is one.
     */
    const blindtally_error *error;
    /**
     * Where in the buffer its token starts; 0 if there is none.
     */
    size_t offset;
    /**
     * How many bytes it has; 0 if there is none. There is no NUL behind it.
     */
    size_t length;
} blindtally_token_result;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The interface of the library that is loaded: to be compared with BLINDTALLY_ABI.
 */
uint32_t blindtally_abi(void);

/**
 * The version of the library that is loaded, such as "0.1.0". Static.
 */
const char *blindtally_version(void);

/**
 * The stable code of an error, such as "tokenize.too-long": the same in every language, listed in SPEC.md. Static; empty
 * for NULL.
 */
const char *blindtally_error_code(const blindtally_error *error);

/**
 * What an error says, in a sentence of English without names, values or keys. Static; empty for NULL.
 */
const char *blindtally_error_message(const blindtally_error *error);

/**
 * Every error there is, by its number from 0; NULL past the end. The order may change from version to version.
 */
const blindtally_error *blindtally_error_at(size_t index);

/**
 * Wipes and frees bytes that the library allocated, and empties the variable: it may be called again. NULL and what is
 * empty are left alone.
 */
void blindtally_bytes_free(blindtally_bytes *bytes);

/**
 * Makes a request for keys with a ticket ("btt1_..." or a link "blindtally:btt1_..."). `device_name` is what the owner
 * sees, 1 to 128 bytes. With `key_pairs` NULL the device's key pairs are generated, which takes a second or more.
 *
 * Gives the pending agent, to be freed with blindtally_pending_free(): export its state before anything else. And the
 * request, which goes through the service; to be freed with blindtally_bytes_free().
 *
 * Errors: malformed.* for a ticket or keys that are none, enrollment.name, entropy.unavailable, rsa.failed.
 */
const blindtally_error *blindtally_agent_enroll(const char *ticket,
                                                size_t ticket_length,
                                                const char *device_name,
                                                size_t device_name_length,
                                                const blindtally_key_pairs *key_pairs,
                                                blindtally_pending **pending,
                                                blindtally_bytes *request);

/**
 * Makes a request without a ticket, with the account's code as the owner reads it out: the owner has to type what
 * blindtally_pending_device_code() gives. Otherwise as blindtally_agent_enroll().
 *
 * Errors: malformed.* for a code that is mistyped or keys that are none, entropy.unavailable, rsa.failed.
 */
const blindtally_error *blindtally_agent_enroll_by_code(const char *account_code,
                                                        size_t account_code_length,
                                                        const blindtally_key_pairs *key_pairs,
                                                        blindtally_pending **pending,
                                                        blindtally_bytes *request);

/**
 * The device's id, what the service knows it by: 32 hexadecimal digits. For `buffer`, `capacity` and `length` see the top
 * of this file.
 */
const blindtally_error *blindtally_pending_device_id(const blindtally_pending *pending,
                                                     char *buffer,
                                                     size_t capacity,
                                                     size_t *length);

/**
 * The id of the account it wants to belong to: 32 hexadecimal digits.
 */
const blindtally_error *blindtally_pending_account(const blindtally_pending *pending,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * The code that the owner types when the device was enrolled without a ticket; it fits BLINDTALLY_CODE_LENGTH.
 */
const blindtally_error *blindtally_pending_device_code(const blindtally_pending *pending,
                                                       char *buffer,
                                                       size_t capacity,
                                                       size_t *length);

/**
 * Gives 32 secret bytes to show the service for the right to upload; it knows their SHA-256. To be freed with
 * blindtally_bytes_free(), which wipes them.
 */
const blindtally_error *blindtally_pending_claim(const blindtally_pending *pending, blindtally_bytes *claim);

/**
 * The id of the ticket that the claim stems from, 32 hexadecimal digits; empty if it was enrolled without one.
 */
const blindtally_error *blindtally_pending_claim_ticket(const blindtally_pending *pending,
                                                        char *buffer,
                                                        size_t capacity,
                                                        size_t *length);

/**
 * Seals a value of up to 1 MiB for the queue of this device, to be tokenized with blindtally_agent_dequeue() when the keys
 * are there. Gives the text of a record, to be kept on this device and freed with blindtally_bytes_free().
 *
 * `when` is the moment of the value in milliseconds of Unix time, not below 0.
 *
 * Errors: c.value for what is no token class or moment, record.too-long, entropy.unavailable.
 */
const blindtally_error *blindtally_pending_queue(const blindtally_pending *pending,
                                                 uint32_t token_class,
                                                 const char *value,
                                                 size_t value_length,
                                                 int64_t when,
                                                 blindtally_bytes *record);

/**
 * Gives everything that must survive a restart, to be freed with blindtally_bytes_free(), which wipes it. It is sealed
 * under `wrapping_key`, BLINDTALLY_KEY_LENGTH bytes of a key store of the platform's; with NULL and 0 it is in the clear,
 * and reading it is as good as the device.
 *
 * Errors: entropy.unavailable.
 */
const blindtally_error *blindtally_pending_export_state(const blindtally_pending *pending,
                                                        const uint8_t *wrapping_key,
                                                        size_t wrapping_key_length,
                                                        blindtally_bytes *state);

/**
 * Takes the delivery that came through the service. Gives the agent, to be freed with blindtally_agent_free(): export its
 * state. The pending one is as before, and takes the same delivery again should that fail.
 *
 * Errors: accept.refused for anything but a genuine delivery from the account to this device, malformed.*.
 */
const blindtally_error *blindtally_pending_accept(const blindtally_pending *pending,
                                                  const uint8_t *delivery,
                                                  size_t delivery_length,
                                                  blindtally_agent **agent);

/**
 * Wipes its keys once the calls of other threads are through. Every later call gives c.closed. May be called again.
 */
const blindtally_error *blindtally_pending_close(const blindtally_pending *pending);

/**
 * Wipes and frees it, and sets the variable to NULL. NULL, and a variable that is NULL, are left alone. No other thread
 * may use it any more.
 */
void blindtally_pending_free(blindtally_pending **pending);

/**
 * Brings an agent back from what blindtally_agent_export_state() or blindtally_pending_export_state() gave. Sets one of
 * `agent` and `pending` to a handle, which is to be freed with blindtally_agent_free() or blindtally_pending_free(), and
 * the other to NULL.
 *
 * `wrapping_key` is the key that the state was wrapped under, of BLINDTALLY_KEY_LENGTH bytes; NULL and 0 if it lies in the
 * clear. Another length is c.value.
 *
 * Errors: state.wrong-key, state.wrapped, state.not-wrapped, malformed.*.
 */
const blindtally_error *blindtally_restore(const uint8_t *state,
                                           size_t state_length,
                                           const uint8_t *wrapping_key,
                                           size_t wrapping_key_length,
                                           blindtally_agent **agent,
                                           blindtally_pending **pending);

/**
 * The device's id: 32 hexadecimal digits.
 */
const blindtally_error *blindtally_agent_device_id(const blindtally_agent *agent,
                                                   char *buffer,
                                                   size_t capacity,
                                                   size_t *length);

/**
 * The account's id: 32 hexadecimal digits.
 */
const blindtally_error *blindtally_agent_account(const blindtally_agent *agent,
                                                 char *buffer,
                                                 size_t capacity,
                                                 size_t *length);

/**
 * Where it stands.
 */
const blindtally_error *blindtally_agent_status(const blindtally_agent *agent, blindtally_status *status);

/**
 * Takes a further delivery, after a rotation or when the owner delivered again. `result` is BLINDTALLY_OUTCOME_UPDATED or
 * BLINDTALLY_OUTCOME_UNCHANGED.
 *
 * Errors: accept.stale for an older one, accept.refused for one that is not genuine, agent.revoked, malformed.*: the agent
 * goes on as it was.
 */
const blindtally_error *blindtally_agent_accept(const blindtally_agent *agent,
                                                const uint8_t *delivery,
                                                size_t delivery_length,
                                                uint32_t *result);

/**
 * Takes a signed policy that came by itself. `result` is one of BLINDTALLY_OUTCOME_UPDATED, BLINDTALLY_OUTCOME_UNCHANGED,
 * BLINDTALLY_OUTCOME_DELIVERY_NEEDED, BLINDTALLY_OUTCOME_REVOKED.
 *
 * Errors: as blindtally_agent_accept().
 */
const blindtally_error *blindtally_agent_apply_policy(const blindtally_agent *agent,
                                                      const uint8_t *policy,
                                                      size_t policy_length,
                                                      uint32_t *result);

/**
 * Gives everything that must survive a restart: as blindtally_pending_export_state().
 */
const blindtally_error *blindtally_agent_export_state(const blindtally_agent *agent,
                                                      const uint8_t *wrapping_key,
                                                      size_t wrapping_key_length,
                                                      blindtally_bytes *state);

/**
 * Gives 32 secret bytes to show the service for the right to upload: as blindtally_pending_claim().
 */
const blindtally_error *blindtally_agent_claim(const blindtally_agent *agent, blindtally_bytes *claim);

/**
 * The id of the ticket that the claim stems from, 32 hexadecimal digits; empty if it was enrolled without one.
 */
const blindtally_error *blindtally_agent_claim_ticket(const blindtally_agent *agent,
                                                      char *buffer,
                                                      size_t capacity,
                                                      size_t *length);

/**
 * Wipes its keys once the calls of other threads are through. Every later call gives c.closed. May be called again.
 */
const blindtally_error *blindtally_agent_close(const blindtally_agent *agent);

/**
 * Wipes and frees it, and sets the variable to NULL. NULL, and a variable that is NULL, are left alone. No other thread
 * may use it any more.
 */
void blindtally_agent_free(blindtally_agent **agent);

/**
 * Room for the token of a value of `value_length` bytes, with its NUL: 53 for one of up to 15 bytes. For a value of more
 * than BLINDTALLY_VALUE_MAX bytes it is BLINDTALLY_TOKEN_MAX. It depends on nothing but the length, and is always enough;
 * the form that a policy sets can make the token of a value shorter, and a value short enough that is too long as it is:
 * of a URL the host, for one.
 */
size_t blindtally_token_length(size_t value_length);

/**
 * Brings a value into the form that the policy sets, and seals what that is, up to BLINDTALLY_VALUE_MAX bytes of UTF-8,
 * into the text of its token. For many values blindtally_agent_tokenize_many() is several times as fast.
 *
 * Errors: c.value for what is no token class, c.utf8, tokenize.too-long, tokenize.no-key, agent.needs-upgrade,
 * agent.revoked, c.buffer.
 */
const blindtally_error *blindtally_agent_tokenize(const blindtally_agent *agent,
                                                  uint32_t token_class,
                                                  const char *value,
                                                  size_t value_length,
                                                  char *buffer,
                                                  size_t capacity,
                                                  size_t *length);

/**
 * Seals `count` values of one class. `results` has room for as many, and says for each where its token is in `buffer`, or
 * why there is none: a value that is refused does not keep the others from being sealed. Tokens have no NUL behind them
 * here, and some characters between them belong to none.
 *
 * `capacity` must be at least the sum of blindtally_token_length() of all values. If it is less the error is c.buffer,
 * `length` is that sum, and nothing is written. Otherwise `length`, which may be NULL, is how much of the buffer was used.
 * `buffer` and `results` must not overlap the values.
 *
 * Errors of a value: c.null, c.utf8, c.value, tokenize.too-long. Errors of the whole call, which leave `results` as it was: c.value
 * for what is no token class, tokenize.no-key, agent.needs-upgrade, agent.revoked, c.buffer.
 */
const blindtally_error *blindtally_agent_tokenize_many(const blindtally_agent *agent,
                                                       uint32_t token_class,
                                                       const blindtally_text *values,
                                                       size_t count,
                                                       char *buffer,
                                                       size_t capacity,
                                                       size_t *length,
                                                       blindtally_token_result *results);

/**
 * Opens a value that blindtally_pending_queue() sealed before the keys arrived, and seals it into the text of its token.
 *
 * Errors: record.no-key for a record of another device, record.tampered, malformed.*, otherwise as
 * blindtally_agent_tokenize().
 */
const blindtally_error *blindtally_agent_dequeue(const blindtally_agent *agent,
                                                 const char *record,
                                                 size_t record_length,
                                                 char *buffer,
                                                 size_t capacity,
                                                 size_t *length);

/**
 * The index of a token, a short name that anyone computes from its text without a key: 32 hexadecimal digits, which fit a
 * UUID column.
 *
 * Errors: malformed.* for what is no token.
 */
const blindtally_error *blindtally_token_index(const char *token,
                                               size_t token_length,
                                               char *buffer,
                                               size_t capacity,
                                               size_t *length);

/**
 * Seals a record of up to 1 MiB of UTF-8 under this device's own key. `when` is the moment of what it holds, in
 * milliseconds of Unix time, not below 0. Gives the text of the record, to be freed with blindtally_bytes_free().
 *
 * Errors: c.value for what is no record class or moment, c.utf8, record.too-long, record.no-key, agent.needs-upgrade,
 * agent.revoked, entropy.unavailable.
 */
const blindtally_error *blindtally_agent_seal_record(const blindtally_agent *agent,
                                                     uint32_t record_class,
                                                     const char *value,
                                                     size_t value_length,
                                                     int64_t when,
                                                     blindtally_bytes *record);

/**
 * Seals a blob in memory under this device's own key. `when` is the moment of what it holds, in milliseconds of Unix time,
 * not below 0. Gives the blob, to be freed with blindtally_bytes_free(). What is longer than some MiB is better sealed in
 * pieces: blindtally_sealer_new().
 *
 * Errors: c.value for what is no blob class or moment, blob.no-key, agent.needs-upgrade, agent.revoked, blob.too-long above
 * 1 TiB, entropy.unavailable.
 */
const blindtally_error *blindtally_agent_seal_blob(const blindtally_agent *agent,
                                                   uint32_t blob_class,
                                                   const uint8_t *content,
                                                   size_t content_length,
                                                   int64_t when,
                                                   blindtally_bytes *blob);

/**
 * Starts to seal a blob piece by piece. Gives the sealer, to be freed with blindtally_sealer_free(), and the blob's
 * beginning. The blob is that, then what each blindtally_sealer_update() gives, then what blindtally_sealer_finish() gives;
 * it is none before that. The sealer goes on when the agent is closed meanwhile.
 *
 * Errors: as blindtally_agent_seal_blob().
 */
const blindtally_error *blindtally_sealer_new(const blindtally_agent *agent,
                                              uint32_t blob_class,
                                              int64_t when,
                                              blindtally_sealer **sealer,
                                              blindtally_bytes *beginning);

/**
 * Takes a piece of content of any length, and gives what is sealed by it, often nothing: chunks have 16 KiB. To be freed
 * with blindtally_bytes_free().
 *
 * Errors: blob.too-long above 1 TiB in all; nothing of the piece is taken then.
 */
const blindtally_error *blindtally_sealer_update(const blindtally_sealer *sealer,
                                                 const uint8_t *content,
                                                 size_t content_length,
                                                 blindtally_bytes *sealed);

/**
 * Completes the blob and gives the rest of it, to be freed with blindtally_bytes_free(): up to a thirty-second part of its
 * length, which hides that length. The sealer is used up: every later call gives c.closed.
 */
const blindtally_error *blindtally_sealer_finish(const blindtally_sealer *sealer,
                                                 blindtally_bytes *sealed);

/**
 * Wipes its keys: what was sealed so far stays no blob. Every later call gives c.closed. May be called again.
 */
const blindtally_error *blindtally_sealer_close(const blindtally_sealer *sealer);

/**
 * Wipes and frees it, and sets the variable to NULL. NULL, and a variable that is NULL, are left alone. No other thread
 * may use it any more.
 */
void blindtally_sealer_free(blindtally_sealer **sealer);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* BLINDTALLY_H */
