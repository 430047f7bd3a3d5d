/** The same report twice: as its owner reads it, and all that the service holds of it. */
import { useSignal } from "@preact/signals";
import type { Account } from "../account.ts";
import { type Kind, KINDS } from "../report/kind.ts";
import { lastDays } from "../report/period.ts";
import { type Sides, sides } from "../report/report.ts";
import { Failure } from "./action.tsx";
import { clock } from "./duration.ts";
import { useLive } from "./live.ts";
import { visible, Word } from "./word.tsx";

const TOP = 10;
const SHOWN: readonly Kind[] = [KINDS.app, KINDS.title];

export function SideBySide({ account }: { account: Account }) {
  const isOn = useSignal(false);
  return (
    <>
      <label class="check">
        <input type="checkbox" role="switch" checked={isOn.value} onChange={(event) => isOn.value = event.currentTarget.checked} />
        <span>Show what the service sees</span>
      </label>
      {isOn.value && <Both account={account} />}
    </>
  );
}

function Both({ account }: { account: Account }) {
  const live = useLive("both", async () => {
    const recent = await both(account, true);
    return recent.some((rows) => rows.length > 0) ? recent : both(account, false);
  });
  return (
    <>
      <Failure error={live.error} />
      <div aria-busy={!live.isCurrent}>
        {live.value?.map((rows, at) => rows.length > 0 && <Table key={at} kind={SHOWN[at]!} rows={rows} />)}
        {live.value?.every((rows) => rows.length === 0) && <p class="quiet">Nothing was sent yet.</p>}
      </div>
    </>
  );
}

const both = (account: Account, isRecent: boolean): Promise<Sides[][]> => Promise.all(SHOWN.map(async (kind) => {
  const rows = await sides(account, kind, isRecent ? { period: lastDays(30) } : {});
  return rows.sort((a, b) => b.row.duration - a.row.duration).slice(0, TOP);
}));

function Table({ kind, rows }: { kind: Kind; rows: readonly Sides[] }) {
  return (
    <table class="sides">
      <caption><h3>{kind.title}</h3></caption>
      <colgroup><col /><col class="time" /><col class="count" /><col /><col class="time" /><col class="count" /></colgroup>
      <thead>
        <tr>
          <th scope="colgroup" colSpan={3} class="yours">What you read</th>
          <th scope="colgroup" colSpan={3} class="theirs">What the service holds</th>
        </tr>
        <tr>
          <th scope="col">{kind.one}</th><th scope="col" class="number">Time</th><th scope="col" class="number">Events</th>
          <th scope="col" class="theirs">Token</th><th scope="col" class="number theirs">Seconds</th><th scope="col" class="number theirs">Events</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ row, held }) => (
          <tr key={row.key}>
            <th scope="row"><Word row={row} /></th>
            <td class="number">{clock(row.duration)}</td>
            <td class="number">{row.events.toLocaleString()}</td>
            {/* One line for each epoch that the value was seen in. */}
            <td class="theirs">{row.tokens.map((token) => <code key={token} class="word" title={visible(token)}>{visible(token)}</code>)}</td>
            <td class="number theirs">{held.map(({ duration_us }, at) => <div key={at}>{Math.round(duration_us / 1e6).toLocaleString()}</div>)}</td>
            <td class="number theirs">{held.map(({ events }, at) => <div key={at}>{events.toLocaleString()}</div>)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
