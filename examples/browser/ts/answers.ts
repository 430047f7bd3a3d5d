/** What the service may answer. Nothing in it is believed: it is parsed here, and whatever does not fit is no answer. */
import * as v from "valibot";

/** Base64url without padding. */
const bytes = v.pipe(
  v.string(),
  v.rawTransform<string, Uint8Array<ArrayBuffer>>(({ dataset, addIssue, NEVER }) => {
    try {
      return Uint8Array.fromBase64(dataset.value, { alphabet: "base64url" });
    } catch {
      addIssue({ message: "not base64url" });
      return NEVER;
    }
  }),
);
const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
/** Above 2^53 it would be another number by now. */
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const microseconds = v.pipe(v.number(), v.safeInteger());
const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(2 ** 32 - 1));

const kdf = v.variant("id", [
  v.object({ id: v.literal("pbkdf2-sha256"), iterations: whole }),
  v.object({ id: v.literal("argon2id"), m_kib: whole, t: whole, p: whole }),
]);

export const Prelogin = v.object({ kdf, salt: bytes, account_id: id });
/** The session's bearer stays the text that it is sent as. */
export const Session = v.object({ session: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/)) });
export const Login = v.object({ ...Session.entries, vault: bytes });
export const RestoreHead = v.object({ generation: count, policy: v.nullable(bytes) });

export const Devices = v.object({
  devices: v.array(v.object({
    device_id: id,
    status: v.picklist(["claimed", "active", "revoked"]),
    events: count,
    last_seen_us: microseconds,
  })),
});
export type ServiceDevice = v.InferOutput<typeof Devices>["devices"][number];

export const Enrollments = v.object({
  enrollments: v.array(v.object({ device_id: id, request: bytes, received_us: microseconds })),
});

export const Totals = v.object({
  rows: v.array(v.object({
    value: v.optional(v.string()),
    day: v.optional(v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\d$/))),
    hour: v.optional(v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d$/))),
    device: v.optional(id),
    person: v.optional(v.string()),
    duration_us: count,
    active_us: count,
    events: count,
    first_us: microseconds,
    last_us: microseconds,
  })),
  total_rows: count,
  total_events: count,
});
export type TotalsRow = v.InferOutput<typeof Totals>["rows"][number];

export const Categories = v.object({
  categories: v.array(v.object({ class: v.string(), value: v.string(), category: v.string() })),
});
export type Assignment = v.InferOutput<typeof Categories>["categories"][number];

/** Where the next page begins, if there is one: it goes back as it came. */
const cursor = v.nullable(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,200}$/)));
/** A device can seal any moment up to 2^63, which must not spoil a whole page: what is not exact is only compared. */
const moment = v.pipe(v.number(), v.minValue(0));

/** A list of no more than were asked for. */
const atMost = <T extends v.GenericSchema>(limit: number, item: T) => v.pipe(v.array(item), v.maxLength(limit));

export const Blobs = (limit: number) => v.object({
  blobs: atMost(limit, v.object({ id, device: id, class: whole, epoch: whole, seq: moment, size: count })),
  next: cursor,
});
/** What the service says of a blob. Only opening it proves the claim. */
export type ListedBlob = v.InferOutput<ReturnType<typeof Blobs>>["blobs"][number];

export const Records = (limit: number) => v.object({ records: atMost(limit, v.string()), next: cursor });

export const Events = (limit: number) => v.object({
  events: atMost(limit, v.object({
    device: id,
    seq: v.number(),
    action: v.string(),
    start_us: microseconds,
    duration_us: microseconds,
    active_us: microseconds,
    values: v.record(v.string(), v.nullish(v.string())),
  })),
  next_cursor: cursor,
});
export type ListedEvent = v.InferOutput<ReturnType<typeof Events>>["events"][number];

export const Problem = v.object({
  code: v.pipe(v.string(), v.regex(/^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$/)),
});
