/**
 * Devices that ask for keys: while the account is open, whoever has a ticket of it is confirmed within a second or two;
 * whoever has none waits for a person to compare codes.
 */
import { signal } from "@preact/signals";
import { asEnrollmentRequest, BlindtallyError, type ComparisonRequest, type DeviceId } from "blindtally";
import type { Account } from "./account.ts";
import * as answers from "./answers.ts";
import { codeOf } from "./explain.ts";
import { leave } from "./stage.ts";
import { pause } from "./timer.ts";

/** Milliseconds between two looks. */
const PERIOD = 1_000;
/** Between two looks when the service is away, at most. */
const LONGEST_PERIOD = 15_000;

/** What the owner is told about a device that asked. */
export interface Notice {
  readonly device: string;
  readonly kind: "confirmed" | "alarm" | "refused";
  /** A name that the device gave itself; only of confirmed ones. */
  readonly name: string;
  readonly code: string;
}

export const notices = signal<readonly Notice[]>([]);
/** Devices without a ticket. */
export const waiting = signal<readonly ComparisonRequest[]>([]);
/** Why the service does not answer, while it does not. */
export const away = signal<unknown>(undefined);

/** Watches until `signal` is aborted. */
export async function watch(account: Account, { signal }: { signal: AbortSignal }): Promise<void> {
  [notices.value, waiting.value, away.value] = [[], [], undefined];
  // What was judged already: the service keeps showing what was refused.
  const judged = new Set<string>();
  for (let period = PERIOD; !signal.aborted; await pause(period, signal)) {
    try {
      await look(account, judged);
      period = PERIOD;
      away.value = undefined;
    } catch (error) {
      if (signal.aborted) return;
      if (codeOf(error) === "login.refused") return leave(new BlindtallyError("auth.refused", "the password was changed elsewhere"));
      period = Math.min(period * 2, LONGEST_PERIOD);
      away.value = error;
    }
  }
}

async function look(account: Account, judged: Set<string>): Promise<void> {
  const { enrollments } = await account.service.get("/api/v1/enrollments", answers.Enrollments);
  const compare: ComparisonRequest[] = [];
  for (const { device_id: device, request } of enrollments) {
    const key = `${device} ${request.toBase64()}`;
    if (judged.has(key)) continue;
    try {
      const inspection = await account.owner.inspect(asEnrollmentRequest(request));
      if (inspection.kind === "needs-comparison") {
        compare.push(inspection);
        continue;
      }
      await account.change((owner) => owner.approve(inspection));
      tell({ device: inspection.device, kind: "confirmed", name: inspection.name, code: "" });
    } catch (error) {
      // The service's troubles are not the device's: it is looked at again.
      if (!(error instanceof BlindtallyError) || /^(owner|wasm)\./.test(error.code)) throw error;
      judged.add(key);
      tell({ device, kind: error.code === "ticket.spent" ? "alarm" : "refused", name: "", code: error.code });
    }
  }
  if (compare.map(({ device }) => device).join() !== waiting.value.map(({ device }) => device).join()) waiting.value = compare;
}

function tell(notice: Notice): void {
  notices.value = [notice, ...notices.value.filter(({ device, code }) => device !== notice.device || code !== notice.code)];
}

export function dismiss(notice: Notice): void {
  notices.value = notices.value.filter((each) => each !== notice);
}

/** Turns a request down. */
export async function refuse(account: Account, device: DeviceId): Promise<void> {
  await account.service.send("DELETE", `/api/v1/enrollments/${device}`);
  waiting.value = waiting.value.filter((each) => each.device !== device);
}
