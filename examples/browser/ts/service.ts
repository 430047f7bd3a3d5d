/** HTTP with the service, which may be away, busy, broken or hostile. */
import * as v from "valibot";
import { Problem } from "./answers.ts";

/** How long a request may take, in milliseconds: a vault of 8 MiB on a slow line. */
const PATIENCE = 60_000;
/** Bytes of something long that are in the page's own memory. */
const IN_MEMORY = 32 << 20;

/** What the service refused, or that there was no answer to be had. `code` is the service's own, or one of these. */
export class ServiceError extends Error {
  static { this.prototype.name = "ServiceError"; }
  readonly code: string;
  /** Seconds after which the service would have us try again. */
  readonly retryAfter: number | undefined;

  constructor(code: "service.unreachable" | "service.nonsense" | "service.failed" | (string & {}), retryAfter?: number) {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

const JSON_BODY = { "content-type": "application/json" };

type Schema = v.GenericSchema<unknown, unknown>;
type Body = Readonly<Record<string, unknown>>;

export class Service {
  readonly #base: string;
  #session: string | undefined;
  /** Begins another session when this one has ended; shared by all requests that find out. */
  #renewal: Promise<void> | undefined;
  #renew: (() => Promise<void>) | undefined;

  /** @param base an origin, or "" for the page's own */
  constructor(base: string) {
    this.#base = base;
  }

  /** Goes on in a session; `renew` begins the next one when it has ended. */
  begin(session: string, renew: () => Promise<void>): void {
    this.#session = session;
    this.#renew = renew;
  }

  end(): void {
    this.#session = undefined;
    this.#renew = undefined;
  }

  async get<T extends Schema>(path: string, schema: T, signal?: AbortSignal): Promise<v.InferOutput<T>> {
    const either = signal && AbortSignal.any([AbortSignal.timeout(PATIENCE), signal]);
    return parsed(await this.#request("GET", path, undefined, undefined, either), schema);
  }

  async post<T extends Schema>(path: string, body: Body, schema: T): Promise<v.InferOutput<T>> {
    return parsed(await this.#request("POST", path, JSON.stringify(body), JSON_BODY), schema);
  }

  /** Outside any session: what begins one. */
  async postAnonymously<T extends Schema>(path: string, body: Body, schema: T): Promise<v.InferOutput<T>> {
    return parsed(await this.#attempt("POST", path, undefined, JSON.stringify(body), JSON_BODY), schema);
  }

  /** Where nothing is answered but that it is done. */
  async send(method: "POST" | "PUT" | "DELETE", path: string, body?: Body): Promise<void> {
    await this.#request(method, path, body && JSON.stringify(body), body && JSON_BODY);
  }

  async getBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await arrived((await this.#request("GET", path)).arrayBuffer()));
  }

  /**
   * What may be long, for as long as something keeps coming.
   *
   * @param longest more bytes than these are no answer
   */
  async getBlob(path: string, longest: number, signal?: AbortSignal): Promise<Blob> {
    const patience = new Patience(signal);
    try {
      const { body } = await this.#request("GET", path, undefined, undefined, patience.signal);
      // 204 has none.
      if (!body) throw new ServiceError("service.nonsense");
      const reader = body.getReader();
      let whole = new Blob();
      let pieces: Uint8Array<ArrayBuffer>[] = [];
      let length = 0;
      for (;;) {
        const { value, done } = await arrived(reader.read());
        if (done) return new Blob([whole, ...pieces]);
        patience.renew();
        pieces.push(value);
        length += value.length;
        if (length > longest) {
          void reader.cancel();
          throw new ServiceError("service.nonsense");
        }
        if (length - whole.size < IN_MEMORY) continue;
        // The browser may keep it elsewhere.
        whole = new Blob([whole, ...pieces]);
        pieces = [];
      }
    } finally {
      patience.end();
    }
  }

  async putBytes(path: string, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<void> {
    await this.#request("PUT", path, bytes, { "content-type": "application/octet-stream", ...headers });
  }

  async #request(
    method: string, path: string, body?: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>, signal?: AbortSignal,
  ): Promise<Response> {
    const session = this.#session;
    try {
      return await this.#attempt(method, path, session, body, headers, signal);
    } catch (error) {
      const isOver = error instanceof ServiceError && error.code === "auth.refused";
      if (!isOver || !this.#renew) throw error;
      // Somebody else may have noticed first.
      if (session === this.#session) await (this.#renewal ??= this.#renew().finally(() => this.#renewal = undefined));
      return this.#attempt(method, path, this.#session, body, headers, signal);
    }
  }

  async #attempt(
    method: string, path: string, session: string | undefined, body: string | Uint8Array<ArrayBuffer> | undefined, headers: Record<string, string> | undefined,
    signal = AbortSignal.timeout(PATIENCE),
  ): Promise<Response> {
    const response = await arrived(fetch(this.#base + path, {
      method,
      headers: { ...headers, ...session && { authorization: `Bearer ${session}` } },
      ...body !== undefined && { body },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal,
    }));
    if (response.ok) return response;
    const seconds = Number(response.headers.get("retry-after") ?? NaN);
    const retryAfter = Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : undefined;
    const problem = v.safeParse(Problem, await response.json().catch(() => undefined));
    if (problem.success) throw new ServiceError(problem.output.code, retryAfter);
    // A proxy in front of the service has no codes.
    if (response.status === 429) throw new ServiceError("service.busy", retryAfter);
    throw new ServiceError(response.status >= 500 ? "service.failed" : "service.nonsense", retryAfter);
  }
}

/** Gives up when nothing has come for a while, or when somebody else does. */
class Patience {
  readonly signal: AbortSignal;
  readonly #giveUp = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(other: AbortSignal | undefined) {
    this.signal = other ? AbortSignal.any([this.#giveUp.signal, other]) : this.#giveUp.signal;
    this.renew();
  }

  renew(): void {
    this.end();
    this.#timer = setTimeout(() => this.#giveUp.abort(), PATIENCE);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** That there was no answer has one name, whatever the browser calls it. */
async function arrived<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch {
    throw new ServiceError("service.unreachable");
  }
}

async function parsed<T extends Schema>(response: Response, schema: T): Promise<v.InferOutput<T>> {
  const text = await arrived(response.text());
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    throw new ServiceError("service.nonsense");
  }
}

/** As the service's JSON has bytes. */
export const base64url = (bytes: Uint8Array): string => bytes.toBase64({ alphabet: "base64url", omitPadding: true });
