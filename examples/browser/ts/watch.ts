/**
 * Devices that ask for keys: while the account is open, whoever has a ticket of it is confirmed within a second or two;
 * whoever has none waits for a person to compare codes.
 */
import { signal } from "@preact/signals";
import { asEnrollmentRequest, BlindtallyError, type ComparisonRequest, type Device } from "blindtally";
import type { Account } from "./account.ts";
import * as answers from "./answers.ts";
import { codeOf } from "./explain.ts";
import { acknowledged, setAcknowledged } from "./memory.ts";
import { ServiceError } from "./service.ts";
import { leave } from "./stage.ts";
import { pause } from "./timer.ts";

/** Milliseconds between two looks. */
const PERIOD = 1_000;
/** Between two looks when the service is away, or asks for more, at most. */
const LONGEST_PERIOD = 60_000;

/** Devices that came with a ticket which another had used already. */
export const alarms = signal<readonly string[]>([]);
/** Requests that were turned down, by the code that says why. */
export const refusals = signal<ReadonlyMap<string, number>>(new Map());
/** Requests without a ticket. */
export const waiting = signal<readonly ComparisonRequest[]>([]);
/** Why the service does not answer, while it does not. */
export const away = signal<unknown>(undefined);
/** Devices whose confirmation the owner was told of, in this browser. */
const told = signal<ReadonlySet<string>>(new Set());

/** Watches until `signal` is aborted. */
export async function watch(account: Account, { signal }: { signal: AbortSignal }): Promise<void> {
  const { account: id } = account.info.value;
  // A browser that sees the account for the first time has nothing to tell of what happened before.
  told.value = acknowledged(id) ?? new Set(account.devices.value.map((device) => device.id));
  setAcknowledged(id, told.value);
  // What was refused and cannot be deleted at the service: it keeps showing that.
  const judged = new Set<string>();
  for (let period = PERIOD; !signal.aborted; await pause(period, signal)) {
    try {
      // A change that could not be stored, before anything new.
      if (account.isUnstored.value) await account.refresh();
      await look(account, judged);
      period = PERIOD;
      away.value = undefined;
    } catch (error) {
      if (signal.aborted) break;
      if (codeOf(error) === "login.refused") return leave(new ServiceError("auth.ended"));
      const asked = error instanceof ServiceError ? (error.retryAfter ?? 0) * 1000 : 0;
      period = Math.min(Math.max(period * 2, asked), LONGEST_PERIOD);
      away.value = error;
    }
  }
  [alarms.value, refusals.value, waiting.value, away.value, told.value] = [[], new Map(), [], undefined, new Set()];
}

async function look(account: Account, judged: Set<string>): Promise<void> {
  const { enrollments } = await account.service.get("/api/v1/enrollments", answers.Enrollments);
  const compare: ComparisonRequest[] = [];
  for (const { device_id: device, request } of enrollments) {
    const key = `${device} ${request.toBase64()}`;
    if (judged.has(key)) continue;
    try {
      const inspection = await account.owner.inspect(asEnrollmentRequest(request));
      if (inspection.kind === "needs-comparison") compare.push(inspection);
      else await account.change((owner) => owner.approve(inspection));
    } catch (error) {
      if (!isOfDevice(error)) throw error;
      judged.add(key);
      refused(device, error.code);
      await refuse(account, device);
    }
  }
  const ids = (requests: readonly ComparisonRequest[]) => requests.map(({ device }) => device).join();
  if (ids(compare) !== ids(waiting.value)) waiting.value = compare;
}

/** Whether it is the request that is wrong: the service's troubles, and ours, are not the device's. */
const isOfDevice = (error: unknown): error is BlindtallyError =>
  error instanceof BlindtallyError && /^(enrollment|malformed|ticket)\./.test(error.code);

function refused(device: string, code: string): void {
  if (code !== "ticket.spent") refusals.value = new Map(refusals.value).set(code, (refusals.value.get(code) ?? 0) + 1);
  else if (!alarms.value.includes(device)) alarms.value = [device, ...alarms.value];
}

/** Turns a request down. */
export const refuse = (account: Account, device: string): Promise<void> =>
  account.service.send("DELETE", `/api/v1/enrollments/${device}`);

/** These wait no more, which the service will say at the next look. */
export function decided(devices: readonly string[]): void {
  waiting.value = waiting.value.filter(({ device }) => !devices.includes(device));
}

/** Confirmed devices that the owner has not been told of. */
export const news = (devices: readonly Device[]): Device[] => devices.filter(({ id, revoked }) => !revoked && !told.value.has(id));

/** The owner has seen what there was to see. */
export function dismiss(account: Account): void {
  [alarms.value, refusals.value] = [[], new Map()];
  told.value = new Set(account.devices.value.map(({ id }) => id));
  setAcknowledged(account.info.value.account, told.value);
}
