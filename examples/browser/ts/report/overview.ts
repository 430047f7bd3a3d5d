/** What is above the rows of a report: how much it is in all, when it was, and of which category. */
import { assigned, byCategory } from "./categories.ts";
import { KINDS, PERSONS } from "./kind.ts";
import type { Row } from "./merge.ts";
import { type Choice, narrow, read, type Reader } from "./report.ts";

export interface Overview {
  readonly choice: Choice;
  /** One row for each hour of the calendar: `2026-11-22 14:00`. */
  readonly hours: readonly Row[];
  readonly categories: readonly Row[];
  readonly devices: readonly Row[];
  /** Everybody there is in the period and at the device, whoever was chosen. */
  readonly persons: readonly Row[];
}

export async function overview(account: Reader, choice: Choice): Promise<Overview> {
  const { period, device } = choice;
  const [[hours, devices, applications], given, persons] = await Promise.all([
    narrow(account, choice).then((filter) => Promise.all([
      read(account, KINDS.hour, filter), read(account, KINDS.device, filter), read(account, KINDS.app, filter),
    ])),
    assigned(account, "app"),
    read(account, PERSONS, { period, device }),
  ]);
  return { choice, hours, devices, persons, categories: await byCategory(account, applications, given) };
}
