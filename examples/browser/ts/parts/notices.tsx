/** What happened to devices that asked for keys, shown on every screen until the owner has seen it. */
import { explainCode } from "../explain.ts";
import { dismiss, type Notice, notices, waiting } from "../watch.ts";

export function Notices() {
  const { value } = notices;
  return (
    <section class="notices" aria-label="Notices">
      <div role="alert">{value.filter(({ kind }) => kind === "alarm").map((notice) => <Told notice={notice} />)}</div>
      <div role="status">
        {value.filter(({ kind }) => kind !== "alarm").map((notice) => <Told notice={notice} />)}
        {waiting.value.length > 0 && location.hash !== "#devices" && (
          <p class="notice"><span>A device without a ticket asks to be confirmed. <a href="#devices">Compare its code</a></span></p>
        )}
      </div>
    </section>
  );
}

function Told({ notice }: { notice: Notice }) {
  const { kind, name, device, code } = notice;
  return (
    <p class={`notice ${kind}`}>
      {kind === "confirmed" && <span>Confirmed a new device: <strong><bdi>{name}</bdi></strong>. Not yours? <a href="#devices">Revoke it</a></span>}
      {kind === "alarm" && (
        <span>
          <strong>Alarm: two devices used the same ticket.</strong> The second ({device.slice(0, 8)}) got no keys. If you do not know which of the two
          is yours, revoke the first and make a new ticket.
        </span>
      )}
      {kind === "refused" && <span>A device ({device.slice(0, 8)}) was refused. {explainCode(code)}</span>}
      <button onClick={() => dismiss(notice)}>Dismiss</button>
    </p>
  );
}
