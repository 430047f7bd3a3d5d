/** A device as the owner knows it: by the owner's own sealed table, never by what the service says. */
import type { Account } from "../account.ts";
import { nameOf } from "../report/report.ts";
import { visible } from "./word.tsx";

export function DeviceName({ account, id }: { account: Account; id: string }) {
  return <bdi>{deviceName(account, id)}</bdi>;
}

/** The same where only a string can stand. */
export function deviceName({ devices: { value: devices } }: Account, id: string): string {
  const name = nameOf(devices.find((device) => device.id === id), devices);
  return name === undefined ? `a device that is not yours (${id.slice(0, 8)})` : visible(name);
}
