/** Reports: the service's totals with their words, per account and never longer than it. */
import type { Device } from "blindtally";
import type { TotalsRow } from "../answers.ts";
import type { Account } from "../account.ts";
import { KINDS, type Kind, PERSONS } from "./kind.ts";
import { type Meaning, meaning, merge, type Row, sum, unreadable } from "./merge.ts";
import { dayOf, type Period } from "./period.ts";
import { type Filter, keyOf, Questions } from "./questions.ts";
import { Words } from "./words.ts";

/** What a report needs of an account. */
export type Reader = Pick<Account, "owner" | "service" | "devices" | "epoch">;

/** As a person chooses what a report is about. */
export interface Choice {
  readonly period: Period;
  readonly device: string | undefined;
  /** A person's name. */
  readonly person: string | undefined;
}

class Memory {
  readonly words = new Words();
  readonly questions: Questions;
  /** What became of answers that come again unchanged. */
  readonly merged = new WeakMap<readonly TotalsRow[], { readonly epoch: number; readonly rows: Promise<readonly Row[]> }>();

  constructor(account: Reader) {
    this.questions = new Questions(account.service);
  }
}

const memories = new WeakMap<Reader, Memory>();

function memoryOf(account: Reader): Memory {
  let memory = memories.get(account);
  if (!memory) memories.set(account, memory = new Memory(account));
  return memory;
}

/** Every row of a kind, revealed and merged. */
export async function read(account: Reader, kind: Kind, filter: Filter): Promise<readonly Row[]> {
  return revealed(account, kind, await memoryOf(account).questions.rows(kind, filter));
}

/** A row as the owner reads it, and what the service holds of it. */
export interface Sides {
  readonly row: Row;
  readonly held: readonly TotalsRow[];
}

export async function sides(account: Reader, kind: Kind, filter: Filter): Promise<Sides[]> {
  const raw = await memoryOf(account).questions.rows(kind, filter);
  const byToken = new Map(raw.map((row) => [keyOf(kind, row), row]));
  return (await revealed(account, kind, raw)).map((row) => ({ row, held: row.tokens.map((token) => byToken.get(token)!) }));
}

/** What tokens of a class stand for. */
export async function reveal(account: Reader, tokenClass: string, tokens: readonly string[]): Promise<Meaning[]> {
  const words = await memoryOf(account).words.reveal(account.owner, account.epoch.value, tokenClass, tokens);
  return words.map((word, at) => "word" in word ? meaning(word.word, [tokens[at]!]) : unreadable(tokens[at]!, word.code));
}

function revealed(account: Reader, kind: Kind, raw: readonly TotalsRow[]): Promise<readonly Row[]> {
  const { merged } = memoryOf(account);
  const epoch = account.epoch.value;
  const known = merged.get(raw);
  if (kind.tokens !== undefined && known?.epoch === epoch) return known.rows;
  const rows = meanings(account, kind, raw.map((row) => keyOf(kind, row))).then((all) => merge(raw.map((row, at) => ({
    ...all[at]!, duration: row.duration_us, active: row.active_us, events: row.events, last: row.last_us,
  }))));
  merged.set(raw, { epoch, rows });
  rows.catch(() => merged.delete(raw));
  return rows;
}

/** What a person chose, as the service can be asked for it: a person has a token in each epoch. */
export async function narrow(account: Reader, { period, device, person }: Partial<Choice>): Promise<Filter> {
  if (person === undefined) return { period, device };
  const rows = await read(account, PERSONS, { period, device });
  return { period, device, person: rows.find((row) => isPerson(row, person))?.tokens ?? [] };
}

export const isPerson = (row: Row, person: string): boolean => row.value === person && row.unreadable === undefined;

/** The last day that has anything to show of what was chosen, if there is one. */
export async function lastDay(account: Reader, { device, person }: Choice): Promise<string | undefined> {
  const days = await read(account, KINDS.day, await narrow(account, { device, person }));
  // The service's days are UTC's here: the end of the last event tells the browser's.
  return days.length > 0 ? dayOf(new Date(sum(days).last / 1000)) : undefined;
}

async function meanings(account: Reader, kind: Kind, keys: readonly string[]): Promise<Meaning[]> {
  if (kind.tokens !== undefined) return reveal(account, kind.tokens, keys);
  // As spreadsheets read it too.
  if (kind.by === "hour") return keys.map((hour) => meaning(`${hour.replace("T", " ")}:00`));
  if (kind.by !== "device") return keys.map((value) => meaning(value));
  const devices = new Map<string, Device>(account.devices.value.map((device) => [device.id, device]));
  return keys.map((id) => ({ ...meaning(nameOf(devices.get(id), [...devices.values()]) ?? id), key: id }));
}

/** A device as the owner knows it; those of one name are told apart. */
export function nameOf(device: Device | undefined, devices: readonly Device[]): string | undefined {
  if (!device) return undefined;
  const { name, id } = device;
  return devices.filter((other) => other.name === name).length > 1 ? `${name} (${id.slice(0, 8)})` : name;
}
