/** The computers that hold keys: adding one, comparing codes, taking the keys away. */
import { useSignal } from "@preact/signals";
import type { ComparisonRequest, Device, Ticket } from "blindtally";
import { useEffect } from "preact/hooks";
import type { Account } from "../account.ts";
import * as answers from "../answers.ts";
import { ActionForm, Check, Failure, field, Field, isChecked, useAction } from "../parts/action.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Qr } from "../parts/qr.tsx";
import { Copy, Secret } from "../parts/secret.tsx";
import { base64url } from "../service.ts";
import { refuse, waiting } from "../watch.ts";

/** Milliseconds between two looks at what the service has from each device. */
const PERIOD = 5_000;

export function Devices({ account }: { account: Account }) {
  return (
    <>
      <p class="quiet">While this page is open, a new device that comes with a ticket of yours is confirmed by itself, within two seconds. You are told of each.</p>
      {waiting.value.map((request) => <Compare key={request.device} account={account} request={request} />)}
      <DeviceTable account={account} />
      <NewTicket account={account} />
      <section class="card" aria-labelledby="without-ticket">
        <h2 id="without-ticket">A device without a ticket</h2>
        <p>Type this account code into its agent. Then come back here: you compare a code that the device shows.</p>
        <p><code class="code">{account.info.value.accountCode}</code></p>
      </section>
    </>
  );
}

function Compare({ account, request }: { account: Account; request: ComparisonRequest }) {
  const action = useAction();
  const refusing = useAction();
  const id = `code-${request.device}`;
  return (
    <section class="card" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>A device without a ticket asks for keys</h2>
      <p>Go to the device, or call whoever sits there, and type the code that its agent shows. If you expect no device, refuse it.</p>
      <ActionForm
        action={action}
        submit="Confirm the device"
        working="Confirming…"
        onSubmit={(form) => account.change((owner) => owner.approveByCode(request, field(form, id), field(form, `${id}-name`)))}
        more={<button type="button" disabled={refusing.busy} onClick={() => refusing.run(() => refuse(account, request.device))}>Refuse</button>}
      >
        <Field label="Code that the device shows" name={id} required autocomplete="off" spellcheck={false} hint="24 characters; capitals and hyphens do not matter." />
        <Field label="Name to give the device" name={`${id}-name`} required autocomplete="off" />
      </ActionForm>
      <Failure error={refusing.error} />
    </section>
  );
}

function DeviceTable({ account }: { account: Account }) {
  const atService = useSignal<ReadonlyMap<string, answers.ServiceDevice>>(new Map());
  const looking = useAction();
  const revoking = useSignal<Device | undefined>(undefined);
  const revoked = useSignal("");
  useEffect(() => {
    const look = () => {
      if (!document.hidden) looking.run(async () => {
        // What other browsers confirmed or revoked meanwhile is in the vault.
        await account.refresh();
        const { devices } = await account.service.get("/api/v1/devices", answers.Devices);
        atService.value = new Map(devices.map((device) => [device.device_id, device]));
      });
    };
    look();
    const timer = setInterval(look, PERIOD);
    return () => clearInterval(timer);
  }, [account]);
  const devices = [...account.devices.value].sort((a, b) => Number(a.revoked) - Number(b.revoked) || a.name.localeCompare(b.name));
  return (
    <section class="card" aria-labelledby="your-devices">
      <h2 id="your-devices">Your devices</h2>
      <Failure error={looking.error} />
      <div role="status">{revoked.value && <p>{revoked}</p>}</div>
      {devices.length === 0 && <p>There is none yet. Make a ticket below, and paste it into the agent on the first computer.</p>}
      {devices.length > 0 && (
        <div class="scroll" role="region" aria-labelledby="your-devices" tabIndex={0}>
          <table>
            <thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col">Confirmed</th><th scope="col">Last seen</th><th scope="col" class="number">Events</th><th scope="col">Code</th><th scope="col"><span class="hidden">Action</span></th></tr></thead>
            <tbody>
              {devices.map((device) => <Row key={device.id} device={device} known={atService.value.get(device.id)} onRevoke={() => revoking.value = device} />)}
            </tbody>
          </table>
        </div>
      )}
      {revoking.value && (
        <Revoke
          account={account}
          device={revoking.value}
          onClose={(words) => {
            revoking.value = undefined;
            revoked.value = words;
          }}
        />
      )}
    </section>
  );
}

function Row({ device, known, onRevoke }: { device: Device; known: answers.ServiceDevice | undefined; onRevoke: () => void }) {
  const { name, revoked, confirmedAt, code } = device;
  return (
    <tr data-revoked={revoked || undefined}>
      <th scope="row"><bdi>{name}</bdi></th>
      <td>{revoked ? "Revoked" : known?.status === "revoked" ? "Cut off by the service" : "Active"}</td>
      <td>{when(confirmedAt.getTime())}</td>
      <td>{known && known.last_seen_us > 0 ? when(known.last_seen_us / 1000) : "never"}</td>
      <td class="number">{known ? known.events.toLocaleString() : "–"}</td>
      <td><code>{code}</code></td>
      <td>{!revoked && <button class="danger" aria-label={`Revoke ${name}`} onClick={onRevoke}>Revoke</button>}</td>
    </tr>
  );
}

function Revoke({ account, device, onClose }: { account: Account; device: Device; onClose: (words: string) => void }) {
  const action = useAction();
  return (
    <Dialog title={`Revoke ${device.name}?`} onClose={() => onClose("")}>
      <p>The service takes nothing from it any more, for ever. What it recorded so far stays in your reports.</p>
      <ActionForm
        action={action}
        submit="Revoke"
        working="Revoking…"
        onSubmit={async (form) => {
          const rotate = isChecked(form, "rotate");
          await account.change((owner) => owner.revoke(device.id, { rotate }));
          onClose(rotate
            ? `${device.name} is revoked, and all other devices got new keys. Make a new backup under Security: older ones lack these keys.`
            : `${device.name} is revoked.`);
        }}
        more={<button type="button" onClick={() => onClose("")}>Cancel</button>}
      >
        <Check
          name="rotate"
          defaultChecked
          label="Give all other devices new keys"
          hint="Without that, the device can still read what others record, if it gets hold of it."
        />
      </ActionForm>
    </Dialog>
  );
}

function NewTicket({ account }: { account: Account }) {
  const action = useAction();
  const cancelling = useAction();
  const ticket = useSignal<Ticket | undefined>(undefined);
  const cancel = async ({ id }: Ticket) => {
    await account.change((owner) => owner.cancelTicket(id));
    await account.service.send("DELETE", `/api/v1/tickets/${id}`);
    ticket.value = undefined;
  };
  return (
    <section class="card" aria-labelledby="new-ticket">
      <h2 id="new-ticket">Add devices</h2>
      {ticket.value ? (
        <>
          <Shown ticket={ticket.value} />
          <Failure error={cancelling.error} />
          <p class="buttons">
            <button class="primary" onClick={() => ticket.value = undefined}>Done</button>
            <button disabled={cancelling.busy} onClick={() => cancelling.run(() => cancel(ticket.value!))}>Cancel this ticket</button>
          </p>
        </>
      ) : (
        <ActionForm
          action={action}
          submit="Make a ticket"
          working="Making it…"
          onSubmit={async (form) => {
            const uses = Number(field(form, "uses"));
            ticket.value = await makeTicket(account, uses, uses > 1 ? 1 : Number(field(form, "days")));
          }}
        >
          <p>A ticket goes into the agent's installer. Whoever has it can add a device to your account: pass it on as you would a password, never through the service.</p>
          <Field label="For how many devices" name="uses" type="number" min={1} max={50} defaultValue="1" required hint="A ticket for several devices is good for one day." />
          <Field label="Good for how many days" name="days" type="number" min={1} max={30} defaultValue="7" required />
        </ActionForm>
      )}
    </section>
  );
}

async function makeTicket(account: Account, uses: number, days: number): Promise<Ticket> {
  const ticket = await account.owner.issueTicket({ uses, days });
  await account.service.send("POST", "/api/v1/tickets", {
    ticket_id: ticket.id,
    authenticator_hash: base64url(ticket.authenticatorHash),
    expires_at_us: ticket.expiry.getTime() * 1000,
    uses: ticket.uses,
  });
  return ticket;
}

function Shown({ ticket }: { ticket: Ticket }) {
  const { text, link, expiry, uses } = ticket;
  return (
    <>
      <p>Good for {uses === 1 ? "one device" : `${uses} devices`} until {when(expiry.getTime())}. It is shown only now.</p>
      <div class="ticket">
        <Qr bytes={link} label="The ticket as a QR code" />
        <div>
          <Secret bytes={text} label="As text, to paste into the agent" />
          <p><Copy bytes={text} label="Copy the text" /></p>
          <Secret bytes={link} label="As a link" />
          <p><Copy bytes={link} label="Copy the link" /></p>
        </div>
      </div>
    </>
  );
}

const when = (milliseconds: number): string =>
  new Date(milliseconds).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
