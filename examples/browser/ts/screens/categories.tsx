/** Categories: what counts as productive, or as whatever else the owner calls it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Account } from "../account.ts";
import { ActionForm, Failure, field, Field, useAction } from "../parts/action.tsx";
import { Chips } from "../parts/chips.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { useLive } from "../parts/live.ts";
import { RowTable } from "../parts/row-table.tsx";
import { visible, wordText } from "../parts/word.tsx";
import { assign, type AssignableName, assignments, carryOver, categoryNamed, categoryOf, renewed } from "../report/categories.ts";
import { BUILT_IN, KINDS } from "../report/kind.ts";
import type { Row } from "../report/merge.ts";
import { lastDays } from "../report/period.ts";
import { read, reveal } from "../report/report.ts";

/** Values of as many days are listed. */
const DAYS = 90;

const NAMES: Readonly<Record<AssignableName, string>> = {
  app: KINDS.app.title, host: KINDS.host.title, title: KINDS.title.title, document: KINDS.document.title,
};

/** A category of the owner's own, which has a token in each epoch. */
interface Label {
  readonly word: string;
  readonly tokens: string[];
}

export function Categories({ account }: { account: Account }) {
  const name = useSignal<AssignableName>("app");
  /** What was chosen and is not stored yet, by kind and row. */
  const chosen = useSignal<ReadonlyMap<string, string | undefined>>(new Map());
  const error = useSignal<unknown>(undefined);
  const naming = useSignal<Row | undefined>(undefined);
  const live = useLive(name.value, async () => {
    const of = name.value;
    const [rows, all] = await Promise.all([read(account, KINDS[of], { period: lastDays(DAYS) }), assignments(account)]);
    const byToken = new Map(all.filter((each) => each.class === of).map(({ value, category }) => [value, category]));
    return { of, rows, byToken, labels: await labelsOf(account, all.map(({ category }) => category)) };
  });
  const carrying = useAction();
  useEffect(() => carrying.run(() => carryOver(account).then((count) => count > 0 ? live.refresh() : undefined)), [account, account.epoch.value]);

  const { value } = live;
  const current = (row: Row) => {
    const key = `${value!.of} ${row.key}`;
    return chosen.value.has(key) ? chosen.value.get(key) : categoryOf(row, value!.byToken);
  };
  const store = async (of: AssignableName, row: Row, category: string | undefined) => {
    const key = `${of} ${row.key}`;
    chosen.value = new Map(chosen.value).set(key, category);
    error.value = undefined;
    try {
      // A label that exists has its token of this epoch by its old one.
      await assign(account, of, row, category && (await renewed(account, category) ?? category));
    } catch (failure) {
      error.value = failure;
    }
    // Some of a value's tokens may have it and some not: what the service says now is shown.
    await live.refresh();
    const rest = new Map(chosen.value);
    rest.delete(key);
    chosen.value = rest;
  };

  return (
    <>
      <p>
        Say what counts as productive. The service adds up time per category without knowing what it is of; the names of your
        own categories it cannot read.
      </p>
      <Failure error={error.value ?? live.error ?? carrying.error} />
      <div class="card" aria-busy={!live.isCurrent}>
        <Chips legend="Values of" options={NAMES} value={name.value} onChoose={(chosen) => name.value = chosen} />
        {value
          ? (
            <RowTable
              key={value.of} title={NAMES[value.of]} one={KINDS[value.of].one} rows={value.rows}
              first={{ column: "duration", isDescending: true }} columns={["duration", "share", "last"]}
              more={{
                title: "Category",
                of: (row) => (
                  <CategorySelect
                    row={row} category={current(row)} labels={value.labels}
                    onChoose={(category) => void store(value.of, row, category)} onName={() => naming.value = row}
                  />
                ),
              }}
            />
          )
          : <p class="quiet loading" role="status">{live.error === undefined && "Reading what there is…"}</p>}
        <p class="hint">What was used in the last {DAYS} days.</p>
      </div>
      {naming.value && (
        <Naming row={naming.value} onClose={() => naming.value = undefined} onName={async (typed) => {
          const category = await categoryNamed(account, typed);
          await assign(account, name.value, naming.value!, category);
          await live.refresh();
        }} />
      )}
    </>
  );
}

/** The owner's own categories that are assigned to anything, by name. */
async function labelsOf(account: Account, categories: readonly string[]): Promise<Label[]> {
  const tokens = [...new Set(categories)].filter((category) => !BUILT_IN.includes(category));
  const words = await reveal(account, "label", tokens);
  const labels = new Map<string, Label>();
  tokens.forEach((token, at) => {
    const word = words[at]!;
    if (!("word" in word)) return;
    const label = labels.get(word.word);
    if (label) label.tokens.push(token);
    else labels.set(word.word, { word: word.word, tokens: [token] });
  });
  return [...labels.values()].sort((a, b) => a.word.localeCompare(b.word));
}

const NEW = "new";
const TITLES: Readonly<Record<string, string>> = { productive: "Productive", neutral: "Neutral", unproductive: "Unproductive" };

function CategorySelect({ row, category, labels, onChoose, onName }: {
  row: Row; category: string | undefined; labels: readonly Label[];
  onChoose: (category: string | undefined) => void; onName: () => void;
}) {
  if (row.unreadable !== undefined) return <span class="quiet">–</span>;
  // A label's option has its first token, whichever of its tokens is assigned.
  const label = labels.find(({ tokens }) => tokens.includes(category ?? ""));
  const current = label ? label.tokens[0]! : category ?? "";
  const isUnreadable = current !== "" && !label && !BUILT_IN.includes(current);
  return (
    <select
      class={`category ${label || isUnreadable ? "own" : category ?? ""}`} aria-label={`Category of ${wordText(row)}`} value={current}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value !== NEW) return onChoose(value === "" ? undefined : value);
        event.currentTarget.value = current;
        onName();
      }}
    >
      <option value="">Not assigned</option>
      {BUILT_IN.map((name) => <option key={name} value={name}>{TITLES[name]}</option>)}
      {labels.map(({ word, tokens }) => <option key={word} value={tokens[0]}>{visible(word)}</option>)}
      {isUnreadable && <option value={current} disabled>(cannot be read)</option>}
      <option value={NEW}>New category…</option>
    </select>
  );
}

function Naming({ row, onClose, onName }: { row: Row; onClose: () => void; onName: (typed: string) => Promise<void> }) {
  const action = useAction();
  return (
    <Dialog title="New category" onClose={onClose}>
      <ActionForm
        action={action} submit="Assign" working="Assigning…" more={<button type="button" onClick={onClose}>Cancel</button>}
        onSubmit={(form) => onName(field(form, "label")).then(onClose)}
      >
        <p>For <bdi><strong>{wordText(row)}</strong></bdi>. The service stores the name sealed.</p>
        <Field label="Name" name="label" required autofocus autocomplete="off" />
      </ActionForm>
    </Dialog>
  );
}
