/** The errors that are found here and not in the module, each with the core's own sentence. */
import { BlindtallyError } from "../error.js";
import { REFUSALS } from "./refusals.js";

export type Refusal = keyof typeof REFUSALS;

export const refusal = (code: Refusal): BlindtallyError => new BlindtallyError(code, REFUSALS[code]);

export function refuseAs(code: Refusal): never {
  throw refusal(code);
}

/** Whether it is one of these. */
export const isRefusal = (error: unknown, ...codes: readonly Refusal[]): boolean =>
  error instanceof BlindtallyError && (codes as readonly string[]).includes(error.code);
