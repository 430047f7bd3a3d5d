/** "Open encrypted file": by a button or by dropping it, then what is in it. Needs keys and no service. */
import { useSignal } from "@preact/signals";
import type { Archive, Opener } from "blindtally/blob";
import { useEffect, useMemo } from "preact/hooks";
import { openSealed, readFile, readTar, savedName, type SealedFile } from "../archive/open.ts";
import { DashboardError, explain } from "../explain.ts";
import { hasIn } from "../report/order.ts";
import { fileName, type Opened } from "../sealed/blobs.ts";
import type { ContentType } from "../sealed/content-type.ts";
import { giveBack, lend } from "../urls.ts";
import { Failure, useAction } from "./action.tsx";
import { bytes } from "./bytes.ts";
import { Close, Dialog } from "./dialog.tsx";
import { Moment } from "./moment.tsx";
import { begin, Pager, SHOWN } from "./pager.tsx";
import { save } from "./save.ts";

/** @param nameOf what a device is called by whoever holds the keys */
export function OpenFile({ opener, nameOf }: { opener: Opener; nameOf: (device: string) => string }) {
  const isOver = useSignal(false);
  /** The latest; what is still being done about the one before goes with it. */
  const chosen = useSignal<{ readonly file: File; readonly count: number } | undefined>(undefined);
  const take = (files: FileList | null | undefined) => {
    const [file] = files ?? [];
    if (file) chosen.value = { file, count: (chosen.value?.count ?? 0) + 1 };
  };
  useEffect(() => {
    // A file that misses its place must not take the place of this page.
    addEventListener("dragover", refuse);
    addEventListener("drop", refuse);
    return () => {
      removeEventListener("dragover", refuse);
      removeEventListener("drop", refuse);
    };
  }, []);
  return (
    <>
      <div
        class={`drop${isOver.value ? " over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          isOver.value = true;
        }}
        onDragLeave={() => isOver.value = false}
        onDrop={(event) => {
          event.preventDefault();
          isOver.value = false;
          take(event.dataTransfer?.files);
        }}
      >
        <label class="button">
          Open encrypted file
          <input
            type="file" class="hidden" accept=".btb,application/octet-stream"
            onChange={(event) => {
              take(event.currentTarget.files);
              event.currentTarget.value = "";
            }}
          />
        </label>
        <span class="hint">or drop one here: an archive, or a single sealed file. It stays on this computer.</span>
      </div>
      {chosen.value && <Chosen key={chosen.value.count} file={chosen.value.file} opener={opener} nameOf={nameOf} />}
    </>
  );
}

function Chosen({ file, opener, nameOf }: { file: File; opener: Opener; nameOf: (device: string) => string }) {
  const action = useAction();
  const sealed = useSignal<SealedFile | undefined>(undefined);
  useEffect(() => action.run(() => openSealed(opener, file), (opened) => sealed.value = opened), []);
  return (
    <>
      <p><strong><bdi>{file.name}</bdi></strong></p>
      <Failure error={action.error} />
      <div role="status">{action.busy && <p>Opening it…</p>}</div>
      {sealed.value && ("archive" in sealed.value ? <Files archive={sealed.value.archive} /> : <Single opened={sealed.value.blob} nameOf={nameOf} />)}
    </>
  );
}

const refuse = (event: Event): void => event.preventDefault();

function Single({ opened, nameOf }: { opened: Opened; nameOf: (device: string) => string }) {
  const { header, content, type } = opened;
  return (
    <section aria-label="The opened file">
      <p>
        <strong>Intact.</strong> {String(header.class)}, <Moment ms={Number(header.seq)} />, <bdi>{nameOf(header.device)}</bdi>, {bytes(content.size)}{" "}
        <button onClick={() => save(`${header.class}-${fileName(opened)}`, content)}>Save decrypted file</button>
      </p>
      <Preview content={content} type={type} name={fileName(opened)} />
    </section>
  );
}

/** Files by number, once it is known which are damaged. */
type Damaged = ReadonlySet<number> | undefined;

function Files({ archive }: { archive: Archive }) {
  const { files, listing, made } = archive;
  const damaged = useSignal<Damaged>(undefined);
  const checking = useAction();
  const saving = useAction();
  const search = useSignal("");
  const page = useSignal(0);
  const preview = useSignal<number | undefined>(undefined);
  useEffect(() => checking.run(() => archive.damaged(), (numbers) => damaged.value = new Set(numbers)), [archive]);
  const found = useMemo(() => {
    const isFound = hasIn(search.value);
    return files.map((file, number) => ({ file, number })).filter(({ file }) => isFound(file.path));
  }, [files, search.value]);
  const from = begin(page.value, found.length);
  const broken = damaged.value;
  const saveOne = (number: number, path: string) => saving.run(() => readFile(archive, number), ({ content }) => save(savedName(path), content));
  return (
    <section aria-labelledby="archive-files">
      <div class="buttons table-head">
        <h2 id="archive-files">{files.length.toLocaleString()} files</h2>
        <input
          type="search" class="search" aria-label="Search the files" placeholder="Search" autocomplete="off" spellcheck={false} value={search.value}
          onInput={(event) => {
            search.value = event.currentTarget.value;
            page.value = 0;
          }}
        />
        <button
          disabled={broken === undefined || broken.size > 0 || listing === "unlisted" || saving.busy}
          onClick={() => saving.run(() => readTar(archive), (tar) => save(`${tarName(made)}.tar`, tar))}
        >
          Save all as a tar
        </button>
      </div>
      {made && <p class="quiet">Made and signed by your account on <Moment ms={made.getTime()} />.</p>}
      {listing === "unlisted" && (
        <p class="failure">
          The list of files is lost: the archive is damaged or its end was cut off. These are the files that could still be found. Nothing says
          that there were no others, and next to damage a piece of one file can look like another.
        </p>
      )}
      <div role="status">
        {checking.busy && <p>Checking every file…</p>}
        {broken && <p>{verdict(broken.size, files.length)}</p>}
      </div>
      <Failure error={checking.error ?? saving.error} />
      <div class="scroll" role="region" aria-labelledby="archive-files" tabIndex={0}>
        <table class="files">
          <thead>
            <tr>
              <th scope="col">File</th><th scope="col">State</th><th scope="col" class="number">Size</th><th scope="col">Changed</th>
              <th scope="col"><span class="hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            {found.slice(from, from + SHOWN).map(({ number, file: { path, length, modified } }) => (
              <tr key={number}>
                <th scope="row"><bdi>{path}</bdi></th>
                <td>{stateOf(broken, number, listing)}</td>
                <td class="number">{bytes(length)}</td>
                <td><Moment ms={modified.getTime()} /></td>
                <td class="buttons">
                  {SHOWABLE.test(path) && (
                    <button disabled={broken?.has(number)} aria-label={`Show ${path}`} onClick={() => preview.value = number}>Show</button>
                  )}
                  <button disabled={broken?.has(number)} aria-label={`Save decrypted file ${path}`} onClick={() => saveOne(number, path)}>
                    Save decrypted file
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Pager of="files" from={from} count={found.length} onTurn={(turned) => page.value = turned} />
      {preview.value !== undefined && (
        <Shown key={preview.value} archive={archive} number={preview.value} onClose={() => preview.value = undefined} />
      )}
    </section>
  );
}

/** Names that promise something to see or hear; their first bytes decide. */
const SHOWABLE = /\.(png|jpg|webp|gif|ogg|wav|mp3|m4a|webm)$/;

const tarName = (made: Date | undefined): string => `blindtally-archive-${(made ?? new Date()).toISOString().slice(0, 10)}`;

function stateOf(damaged: Damaged, number: number, listing: Archive["listing"]): string {
  if (!damaged) return "not checked yet";
  if (damaged.has(number)) return "damaged";
  return listing === "signed" ? "intact" : "unlisted";
}

function verdict(damaged: number, all: number): string {
  if (damaged === 0) return "Every file that is listed opens.";
  return `${damaged.toLocaleString()} of ${all.toLocaleString()} files ${damaged === 1 ? "is" : "are"} damaged and cannot be saved. `
    + "The others can, one by one, or all at once with blindtally-owner.";
}

function Shown({ archive, number, onClose }: { archive: Archive; number: number; onClose: () => void }) {
  const action = useAction();
  const file = useSignal<Awaited<ReturnType<typeof readFile>> | undefined>(undefined);
  useEffect(() => action.run(() => readFile(archive, number), (read) => file.value = read), []);
  const { path } = archive.files[number]!;
  return (
    <Dialog class="large" title={<bdi>{path}</bdi>} onClose={onClose}>
      <div role="status">{action.busy && <p>Opening it…</p>}</div>
      <Failure error={action.error} />
      {file.value && <div class="stage"><Preview {...file.value} name={path} /></div>}
      <p class="buttons">
        <button disabled={!file.value} onClick={() => file.value && save(savedName(path), file.value.content)}>Save decrypted file</button>
        <Close />
      </p>
    </Dialog>
  );
}

/** A picture or a recording by its first bytes; of anything else, that it can only be saved. */
function Preview({ content, type: { shows }, name }: { content: Blob; type: ContentType; name: string }) {
  const url = useSignal<string | undefined>(undefined);
  const isBroken = useSignal(false);
  useEffect(() => {
    const lent = lend(content);
    url.value = lent;
    return () => giveBack(lent);
  }, [content]);
  const onError = () => isBroken.value = true;
  if (isBroken.value) return <p>{explain(new DashboardError(shows === "picture" ? "dashboard.not-a-picture" : "dashboard.not-a-recording"))}</p>;
  if (shows === "picture") return <img class="preview" src={url.value} alt={name} onError={onError} />;
  if (shows === "recording") return <audio controls src={url.value} aria-label={name} onError={onError} />;
  return <p class="quiet">It is neither a picture nor a recording, so it is not shown here: save it.</p>;
}
