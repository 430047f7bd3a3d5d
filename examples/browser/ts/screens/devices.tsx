/** The computers that hold keys: adding one, comparing codes, taking the keys away. */
import { useSignal } from "@preact/signals";
import type { ComparisonRequest, Device, Ticket } from "blindtally";
import type { Account } from "../account.ts";
import * as answers from "../answers.ts";
import { codeOf } from "../explain.ts";
import { ActionForm, Check, Failure, field, Field, isChecked, useAction } from "../parts/action.tsx";
import { Cancel, Dialog } from "../parts/dialog.tsx";
import { useLive } from "../parts/live.ts";
import { Qr } from "../parts/qr.tsx";
import { Copy, Secret } from "../parts/secret.tsx";
import { visible } from "../parts/word.tsx";
import { base64url } from "../service.ts";
import { decided, refuse, waiting } from "../watch.ts";

export function Devices({ account }: { account: Account }) {
  return (
    <>
      <p class="quiet">While this page is open, a new device that comes with a ticket of yours is confirmed by itself, within two seconds. You are told of each.</p>
      {waiting.value.length > 0 && <Compare account={account} requests={waiting.value} />}
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

/** One form for all that wait: the code says which of them it is. */
function Compare({ account, requests }: { account: Account; requests: readonly ComparisonRequest[] }) {
  const action = useAction();
  const refusing = useAction();
  const approve = async (code: string, name: string) => {
    let confirmed = "";
    await account.change(async (owner) => {
      let refusal: unknown;
      for (const request of requests) {
        try {
          const change = await owner.approveByCode(request, code, name);
          confirmed = request.device;
          return change;
        } catch (error) {
          if (codeOf(error) !== "enrollment.code") throw error;
          refusal = error;
        }
      }
      throw refusal;
    });
    decided([confirmed]);
  };
  const refuseAll = async () => {
    await Promise.all(requests.map(({ device }) => refuse(account, device)));
    decided(requests.map(({ device }) => device));
  };
  return (
    <section class="card" aria-labelledby="compare">
      <h2 id="compare">{requests.length === 1 ? "A device without a ticket asks" : `${requests.length} devices without a ticket ask`} for keys</h2>
      <p>Go to the device, or call whoever sits there, and type the code that its agent shows. If you expect no device, refuse it.</p>
      <ActionForm
        action={action}
        submit="Confirm the device"
        working="Confirming…"
        onSubmit={(form) => approve(field(form, "code"), field(form, "name"))}
        more={(
          <button type="button" aria-disabled={refusing.busy} onClick={() => refusing.run(refuseAll)}>
            {requests.length === 1 ? "Refuse" : "Refuse all"}
          </button>
        )}
      >
        <Field label="Code that the device shows" name="code" required autocomplete="off" spellcheck={false} hint="24 characters; capitals and hyphens do not matter." />
        <Field label="Name to give the device" name="name" required autocomplete="off" />
      </ActionForm>
      <Failure error={refusing.error} />
    </section>
  );
}

function DeviceTable({ account }: { account: Account }) {
  const revoking = useSignal<Device | undefined>(undefined);
  const revoked = useSignal("");
  const live = useLive("devices", async () => {
    // What other browsers confirmed or revoked meanwhile is in the vault.
    await account.refresh();
    const { devices } = await account.service.get("/api/v1/devices", answers.Devices);
    return new Map(devices.map((device) => [device.device_id, device]));
  });
  const devices = [...account.devices.value].sort((a, b) => Number(a.revoked) - Number(b.revoked) || a.name.localeCompare(b.name));
  return (
    <section class="card" aria-labelledby="your-devices">
      <h2 id="your-devices">Your devices</h2>
      <Failure error={live.error} />
      <div role="status">{revoked.value && <p>{revoked}</p>}</div>
      {devices.length === 0 && <p>There is none yet. Make a ticket below, and paste it into the agent on the first computer.</p>}
      {devices.length > 0 && (
        <div class="scroll" role="region" aria-labelledby="your-devices" tabIndex={0}>
          <table>
            <thead><tr><th scope="col">Name</th><th scope="col">Status</th><th scope="col">Confirmed</th><th scope="col">Last seen</th><th scope="col" class="number">Events</th><th scope="col">Code</th><th scope="col"><span class="hidden">Action</span></th></tr></thead>
            <tbody>
              {devices.map((device) => <Row key={device.id} device={device} known={live.value?.get(device.id)} onRevoke={() => revoking.value = device} />)}
            </tbody>
          </table>
        </div>
      )}
      {revoking.value && (
        <Revoke key={revoking.value.id} account={account} device={revoking.value} onClose={() => revoking.value = undefined} onDone={(words) => revoked.value = words} />
      )}
    </section>
  );
}

function Row({ device, known, onRevoke }: { device: Device; known: answers.ServiceDevice | undefined; onRevoke: () => void }) {
  const { revoked, confirmedAt, code } = device;
  const name = visible(device.name);
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

function Revoke({ account, device, onClose, onDone }: { account: Account; device: Device; onClose: () => void; onDone: (words: string) => void }) {
  const action = useAction();
  const name = visible(device.name);
  return (
    <Dialog title={<>Revoke <bdi>{name}</bdi>?</>} isBusy={action.busy} onClose={onClose}>
      <p>Its code is <code>{device.code}</code>; you confirmed it on {when(device.confirmedAt.getTime())}.</p>
      <p>The service takes nothing from it any more, for ever. What it recorded so far stays in your reports.</p>
      <ActionForm
        action={action}
        submit="Revoke"
        working="Revoking…"
        onSubmit={async (form) => {
          const rotate = isChecked(form, "rotate");
          await account.change((owner) => owner.revoke(device.id, { rotate }));
          onDone(rotate
            ? `${name} is revoked, and all other devices got new keys. Make a new backup under Security: older ones lack these keys.`
            : `${name} is revoked.`);
          form.closest("dialog")?.close();
        }}
        more={<Cancel isBusy={action.busy} />}
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
  const shown = useSignal<Ticket | undefined>(undefined);
  const cancel = async ({ id }: Pick<Ticket, "id">) => {
    await account.change((owner) => owner.cancelTicket(id));
    await account.service.send("DELETE", `/api/v1/tickets/${id}`);
    account.tickets.value = account.tickets.value.filter((each) => each.id !== id);
    if (shown.value?.id === id) shown.value = undefined;
  };
  return (
    <section class="card" aria-labelledby="new-ticket">
      <h2 id="new-ticket">Add devices</h2>
      {shown.value ? (
        <>
          <Shown ticket={shown.value} />
          <p class="buttons"><button class="primary" onClick={() => shown.value = undefined}>Done</button></p>
        </>
      ) : (
        <ActionForm
          action={action}
          submit="Make a ticket"
          working="Making it…"
          onSubmit={async (form) => {
            const uses = Number(field(form, "uses"));
            const ticket = await makeTicket(account, uses, uses > 1 ? 1 : Number(field(form, "days")));
            account.tickets.value = [...account.tickets.value, { id: ticket.id, uses, expiry: ticket.expiry }];
            shown.value = ticket;
          }}
        >
          <p>A ticket goes into the agent's installer. Whoever has it can add a device to your account: pass it on as you would a password, never through the service.</p>
          <Field label="For how many devices" name="uses" type="number" min={1} max={50} defaultValue="1" required hint="A ticket for several devices is good for one day." />
          <Field label="Good for how many days" name="days" type="number" min={1} max={30} defaultValue="7" required />
        </ActionForm>
      )}
      <Failure error={cancelling.error} />
      {account.tickets.value.length > 0 && (
        <ul aria-label="Tickets that you made since you logged in">
          {account.tickets.value.map((ticket) => (
            <li key={ticket.id}>
              For {devicesOf(ticket.uses)}, until {when(ticket.expiry.getTime())} <button
                aria-label={`Cancel this ticket: ${ticket.id.slice(0, 8)}`} aria-disabled={cancelling.busy}
                onClick={() => cancelling.run(() => cancel(ticket))}
              >Cancel this ticket</button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const devicesOf = (uses: number): string => uses === 1 ? "one device" : `${uses} devices`;

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
      <p>Good for {devicesOf(uses)} until {when(expiry.getTime())}. It is shown only now.</p>
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
