/** Screenshots and camera shots by time: each opened when it comes near the screen, and forgotten when it has gone. */
import { type Signal, useSignal } from "@preact/signals";
import { BLOB_CLASSES } from "blindtally";
import { useMemo } from "preact/hooks";
import type { Account } from "../account.ts";
import type { ListedBlob } from "../answers.ts";
import { codeOf, DashboardError, explain } from "../explain.ts";
import { Failure } from "../parts/action.tsx";
import { bytes } from "../parts/bytes.ts";
import { Chips } from "../parts/chips.tsx";
import { OneDevice, Range } from "../parts/choose.tsx";
import { deviceName, DeviceName } from "../parts/device-name.tsx";
import { Close, Dialog } from "../parts/dialog.tsx";
import { useLook, useNear } from "../parts/look.ts";
import { Moment, momentText } from "../parts/moment.tsx";
import { More, usePages } from "../parts/pages.tsx";
import { save } from "../parts/save.ts";
import { type Period, periodOf, type Preset } from "../report/period.ts";
import { fileName, listBlobs, type Opened } from "../sealed/blobs.ts";
import { Shelf, type State } from "../sealed/shelf.ts";

const KINDS = { screenshot: "Screenshots", camera: "Camera" } as const;
const ONE = { screenshot: "Screenshot", camera: "Camera shot" } as const;
/** Bytes of a picture that is opened without being asked for. */
const LARGEST = 64e6;

export function Screenshots({ account }: { account: Account }) {
  const range = useSignal<Preset | Period>("today");
  const device = useSignal<string | undefined>(undefined);
  const kind = useSignal<keyof typeof KINDS>("screenshot");
  const large = useSignal<number | undefined>(undefined);
  const asked = useSignal<ReadonlySet<string>>(new Set());
  const question = JSON.stringify([range.value, device.value, kind.value]);
  const wanted = useMemo(
    () => ({ period: periodOf(range.value), device: device.value, class: BLOB_CLASSES[kind.value] }), [question],
  );
  const shelf = useMemo(() => new Shelf(account, wanted), [account, wanted]);
  const pages = usePages(question, (after) => listBlobs(account, wanted, after));
  const { items } = pages;
  const one = ONE[kind.value];
  return (
    <>
      <section class="card filters" aria-label="Which pictures">
        <Chips legend="Kind" options={KINDS} value={kind.value} onChoose={(name) => kind.value = name} />
        <Range range={range.value} onChoose={(chosen) => range.value = chosen} />
        <OneDevice account={account} value={device.value} onChoose={(id) => device.value = id} />
      </section>
      <section class="card" aria-label={KINDS[kind.value]}>
        <ul class="gallery">
          {items.map((listed, at) => (
            <Thumbnail key={listed.id} account={account} one={one} shelf={shelf} listed={listed} asked={asked} onOpen={() => large.value = at} />
          ))}
        </ul>
        <More pages={pages} nothing="Nothing in this period." />
      </section>
      {large.value !== undefined && items[large.value] && (
        <Large
          account={account} one={one} shelf={shelf} items={items} at={large.value} asked={asked}
          onTurn={(at) => large.value = at} onClose={() => large.value = undefined}
        />
      )}
    </>
  );
}

/** Only what was opened is called by its time and device; of all else, they are the service's word. */
function Thumbnail({ account, one, shelf, listed, asked, onOpen }: {
  account: Account; one: string; shelf: Shelf; listed: ListedBlob; asked: Asked; onOpen: () => void;
}) {
  const [ref, isNear] = useNear<HTMLLIElement>();
  const { state, again } = useLook(shelf, listed, isNear && isOpened(listed, asked));
  const [picture, error, onBroken] = usePicture(state);
  return (
    <li ref={ref} data-id={listed.id} data-state={error !== undefined ? "failed" : picture ? "shown" : "waiting"}>
      {picture && error === undefined && (
        <>
          <button class="picture" onClick={onOpen}>
            <img src={picture.url} alt={captionOf(account, one, picture)} decoding="async" onError={onBroken} />
          </button>
          <Caption account={account} header={picture.header} />
        </>
      )}
      {picture === undefined && error === undefined && (
        <div class="picture waiting"><Ask listed={listed} asked={asked} /></div>
      )}
      {error !== undefined && (
        <>
          <div class="picture broken"><Broken error={error} opened={picture} onAgain={again} /></div>
          {picture
            ? <Caption account={account} header={picture.header} />
            : <p class="quiet">By the service’s word: <Moment ms={listed.seq} />, <DeviceName account={account} id={listed.device} /></p>}
        </>
      )}
    </li>
  );
}

/** Ids of the large ones that somebody has asked for. */
type Asked = Signal<ReadonlySet<string>>;

const isOpened = ({ id, size }: ListedBlob, asked: Asked): boolean => size <= LARGEST || asked.value.has(id);

function Ask({ listed, asked }: { listed: ListedBlob; asked: Asked }) {
  if (isOpened(listed, asked)) return null;
  const ask = () => asked.value = new Set(asked.value).add(listed.id);
  return <p>{explain(new DashboardError("dashboard.large-picture"))} <button onClick={ask}>Show it ({bytes(listed.size)})</button></p>;
}

/** What is to be shown, or why there is nothing to be seen: browsers find out themselves whether a picture is one. */
function usePicture(state: State | undefined): [picture: State["opened"], error: unknown, onBroken: () => void] {
  const broken = useSignal<string | undefined>(undefined);
  const { opened, error } = state ?? {};
  const isNone = opened !== undefined && (opened.type.shows !== "picture" || broken.value === opened.url);
  return [opened, isNone ? new DashboardError("dashboard.not-a-picture") : error, () => broken.value = opened?.url];
}

function Broken({ error, opened, onAgain }: { error: unknown; opened: Opened | undefined; onAgain: () => void }) {
  return (
    <>
      <p data-code={codeOf(error)}>{explain(error)}</p>
      {opened && <button onClick={() => savePicture(opened)}>Save decrypted file</button>}
      {isPassing(error) && <button onClick={onAgain}>Try again</button>}
    </>
  );
}

/** What another attempt may mend: not what is wrong with the blob itself. */
const isPassing = (error: unknown): boolean => /^(service|storage|auth|login|request|dashboard\.unexpected)/.test(codeOf(error));

function Caption({ account, header }: { account: Account; header: Opened["header"] }) {
  return <p class="caption"><Moment ms={Number(header.seq)} /> <DeviceName account={account} id={header.device} /></p>;
}

const captionOf = (account: Account, one: string, { header }: Opened): string =>
  `${one}, ${momentText(Number(header.seq))}, ${deviceName(account, header.device)}`;

const savePicture = (opened: Opened): void => save(`${opened.header.class}-${fileName(opened)}`, opened.content);

/** One of them as large as the window, and the next and the one before by the arrow keys. */
function Large({ account, one, shelf, items, at, asked, onTurn, onClose }: {
  account: Account; one: string; shelf: Shelf; items: readonly ListedBlob[]; at: number; asked: Asked;
  onTurn: (at: number) => void; onClose: () => void;
}) {
  const listed = items[at]!;
  const { state, again } = useLook(shelf, listed, isOpened(listed, asked));
  const [picture, error, onBroken] = usePicture(state?.opened && state.opened.header.id !== listed.id ? undefined : state);
  const turn = (by: 1 | -1) => items[at + by] && onTurn(at + by);
  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key === "ArrowLeft") turn(-1);
    else if (key === "ArrowRight") turn(1);
  };
  return (
    <Dialog class="large" title={one} onClose={onClose}>
      <div onKeyDown={onKeyDown}>
        <div role="status">
          {picture && error === undefined && <Caption account={account} header={picture.header} />}
        </div>
        <div class="stage">
          {picture && error === undefined && <img src={picture.url} alt={captionOf(account, one, picture)} onError={onBroken} />}
          <Ask listed={listed} asked={asked} />
          {error !== undefined && <><Failure error={error} />{isPassing(error) && <button onClick={again}>Try again</button>}</>}
        </div>
        <p class="buttons">
          <button aria-disabled={at === 0} aria-keyshortcuts="ArrowLeft" onClick={() => turn(-1)}>Previous</button>
          <span class="number">{(at + 1).toLocaleString()} of {items.length.toLocaleString()}</span>
          <button aria-disabled={at === items.length - 1} aria-keyshortcuts="ArrowRight" onClick={() => turn(1)}>Next</button>
          <button disabled={!picture} onClick={() => picture && savePicture(picture)}>Save decrypted file</button>
          <Close />
        </p>
      </div>
    </Dialog>
  );
}
