/** Tickets: what goes into an agent's installer, and what the owner keeps of it. */
import type { Ticket as RawTicket } from "./bridge.js";
import type { AccountId, TicketId, TicketText } from "./artefacts.js";
import { guarded } from "./init.js";
import { type Typed, utf8, wiping } from "./text.js";

/** A ticket as the owner issues it. `text` and `link` are secret: they go to the computer that enrols, never to the service. */
export interface Ticket {
  readonly id: TicketId;
  readonly account: AccountId;
  /** By the owner's clock. */
  readonly expiry: Date;
  /** How many devices may use it. */
  readonly uses: number;
  /** What the owner registers at the service, so that it takes uploads from whoever used the ticket. */
  readonly authenticatorHash: Uint8Array<ArrayBuffer>;
  /** For an installer or a QR code. Show it with `TextDecoder`, and wipe it (`fill(0)`) when it is no longer shown. */
  readonly text: TicketText;
  /** The same as a `blindtally:` link. */
  readonly link: TicketText;
}

/** Everything of a ticket in the module, which is freed. */
export function takeTicket(raw: RawTicket): Ticket {
  const ticket = {
    id: raw.id() as TicketId,
    account: raw.account() as AccountId,
    expiry: new Date(raw.expiry()),
    uses: raw.uses(),
    authenticatorHash: raw.authenticator_hash() as Uint8Array<ArrayBuffer>,
    text: raw.encode() as TicketText,
    link: raw.encode_link() as TicketText,
  };
  raw.free();
  return ticket;
}

/** A ticket in the module, from its text or link; the caller frees it. @throws BlindtallyError `malformed.*` */
export function parseTicket(text: Typed): Promise<RawTicket> {
  return wiping(utf8(text), (bytes) => guarded(({ Ticket }) => Ticket.parse(bytes)));
}
