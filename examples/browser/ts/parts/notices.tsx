/** What happened to devices that asked for keys, shown on every screen until the owner has seen it. */
import type { ComponentChildren } from "preact";
import type { Account } from "../account.ts";
import { explainCode } from "../explain.ts";
import { alarms, dismiss, news, refusals, waiting } from "../watch.ts";
import { visible } from "./word.tsx";

/** Whoever makes many shall not push everything else off the screen. */
const MOST = 4;

export function Notices({ account }: { account: Account }) {
  const confirmed = news(account.devices.value);
  const isWorth = confirmed.length + alarms.value.length + refusals.value.size > 0;
  return (
    <section class="notices" aria-label="Notices">
      <div role="alert">
        <Some items={alarms.value} of={(device) => (
          <p key={device} class="notice alarm">
            <span>
              <strong>Alarm: two devices used the same ticket.</strong> The second ({device.slice(0, 8)}) got no keys. If you do not know
              which of the two is yours, revoke the first and make a new ticket.
            </span>
          </p>
        )} />
      </div>
      <div role="status">
        <Some items={confirmed} of={({ id, name }) => (
          <p key={id} class="notice"><span>Confirmed a new device: <strong><bdi>{visible(name)}</bdi></strong>. Not yours? <a href="#devices">Revoke it</a></span></p>
        )} />
        <Some items={[...refusals.value]} of={([code, count]) => (
          <p key={code} class="notice alarm"><span>{count === 1 ? "A device was" : `${count} devices were`} refused. {explainCode(code)}</span></p>
        )} />
        {waiting.value.length > 0 && location.hash !== "#devices" && (
          <p class="notice"><span>A device without a ticket asks to be confirmed. <a href="#devices">Compare its code</a></span></p>
        )}
      </div>
      {isWorth && <p class="buttons"><button onClick={() => dismiss(account)}>Dismiss</button></p>}
    </section>
  );
}

function Some<T>({ items, of }: { items: readonly T[]; of: (item: T) => ComponentChildren }) {
  const more = items.length - MOST;
  return <>{items.slice(0, MOST).map(of)}{more > 0 && <p class="notice">… and {more} more</p>}</>;
}
