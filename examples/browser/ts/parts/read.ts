/** Files that somebody chose: one may be a folder, gone, or changed since. */
import { DashboardError } from "../explain.ts";

/** The browser's failure has one name. @throws DashboardError `dashboard.unreadable` */
export async function read<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (cause) {
    throw new DashboardError("dashboard.unreadable", { cause });
  }
}
