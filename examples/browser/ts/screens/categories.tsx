/** Categories: what counts as productive, or as whatever else the owner calls it. */
import { useSignal } from "@preact/signals";
import type { Account } from "../account.ts";
import { ActionForm, Failure, field, Field, useAction } from "../parts/action.tsx";
import { Chips } from "../parts/chips.tsx";
import { Cancel, Dialog } from "../parts/dialog.tsx";
import { useLive } from "../parts/live.ts";
import { RowTable } from "../parts/row-table.tsx";
import { wordText } from "../parts/word.tsx";
import { assign, type AssignableName, assigned, categoryNamed, categoryOf } from "../report/categories.ts";
import { BUILT_IN, KINDS } from "../report/kind.ts";
import type { Row } from "../report/merge.ts";
import { lastDays } from "../report/period.ts";
import { read } from "../report/report.ts";

/** Values of as many days are listed. */
const DAYS = 90;

const NAMES: Readonly<Record<AssignableName, string>> = {
  app: KINDS.app.title, host: KINDS.host.title, title: KINDS.title.title, document: KINDS.document.title,
};

type Labels = readonly (readonly [word: string, tokens: readonly string[]])[];

export function Categories({ account }: { account: Account }) {
  const name = useSignal<AssignableName>("app");
  /** What was chosen and is not stored yet, by kind and row. */
  const chosen = useSignal<ReadonlyMap<string, { readonly category: string | undefined }>>(new Map());
  const error = useSignal<unknown>(undefined);
  const naming = useSignal<{ readonly of: AssignableName; readonly row: Row } | undefined>(undefined);
  const live = useLive(name.value, async () => {
    const of = name.value;
    const [rows, all] = await Promise.all([read(account, KINDS[of], { period: lastDays(DAYS) }), assigned(account, of)]);
    return { of, rows, all, labels: [...all.labels].sort(([a], [b]) => a.localeCompare(b)) };
  });

  const { value } = live;
  const current = (row: Row) => {
    const choice = chosen.value.get(`${value!.of} ${row.key}`);
    return choice ? choice.category : categoryOf(row, value!.all);
  };
  const store = async (of: AssignableName, row: Row, category: string | undefined) => {
    const key = `${of} ${row.key}`;
    const choice = { category };
    chosen.value = new Map(chosen.value).set(key, choice);
    error.value = undefined;
    const isLast = () => chosen.value.get(key) === choice;
    try {
      await assign(account, of, row, category);
    } catch (failure) {
      if (isLast()) error.value = failure;
    }
    // Some of a value's tokens may have it and some not: what the service says now is shown.
    await live.refresh();
    if (isLast()) chosen.value = new Map([...chosen.value].filter(([each]) => each !== key));
  };

  return (
    <>
      <p>
        Say what counts as productive. The service adds up time per category without knowing what it is of; the names of your
        own categories it cannot read.
      </p>
      <Failure error={error.value ?? live.error} />
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
                    row={row} category={current(row)} labels={value.labels} isCurrent={live.isCurrent}
                    onChoose={(category) => void store(value.of, row, category)} onName={() => naming.value = { of: value.of, row }}
                  />
                ),
              }}
            />
          )
          : <p class="quiet loading" role="status">{live.error === undefined && "Reading what there is…"}</p>}
        <p class="hint">What was used in the last {DAYS} days.</p>
      </div>
      {naming.value && (
        <Naming {...naming.value} onClose={() => naming.value = undefined} onName={async (of, row, typed) => {
          await assign(account, of, row, await categoryNamed(account, typed));
          await live.refresh();
        }} />
      )}
    </>
  );
}

const NEW = "new";
const TITLES: Readonly<Record<string, string>> = { productive: "Productive", neutral: "Neutral", unproductive: "Unproductive" };

function CategorySelect({ row, category, labels, isCurrent, onChoose, onName }: {
  row: Row; category: string | undefined; labels: Labels; isCurrent: boolean;
  onChoose: (category: string | undefined) => void; onName: () => void;
}) {
  if (row.unreadable !== undefined) return <span class="quiet">–</span>;
  // A label's option has its newest token, whichever of its tokens is assigned.
  const label = labels.find(([, tokens]) => tokens.includes(category ?? ""));
  const current = label ? label[1][0]! : category ?? "";
  const isUnreadable = current !== "" && !label && !BUILT_IN.includes(current);
  return (
    <select
      class={`category ${label || isUnreadable ? "own" : category ?? ""}`} aria-label={`Category of ${wordText(row)}`} value={current} disabled={!isCurrent}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value !== NEW) return onChoose(value === "" ? undefined : value);
        event.currentTarget.value = current;
        onName();
      }}
    >
      <option value="">Not assigned</option>
      {BUILT_IN.map((name) => <option key={name} value={name}>{TITLES[name]}</option>)}
      {labels.map(([word, [newest]]) => <option key={word} value={newest}>{wordText({ value: word, unreadable: undefined })}</option>)}
      {isUnreadable && <option value={current} disabled>(cannot be read)</option>}
      <option value={NEW}>New category…</option>
    </select>
  );
}

function Naming({ of, row, onClose, onName }: {
  of: AssignableName; row: Row; onClose: () => void; onName: (of: AssignableName, row: Row, typed: string) => Promise<void>;
}) {
  const action = useAction();
  return (
    <Dialog title="New category" isBusy={action.busy} onClose={onClose}>
      <ActionForm
        action={action} submit="Assign" working="Assigning…" more={<Cancel isBusy={action.busy} />}
        onSubmit={(form) => onName(of, row, field(form, "label")).then(() => form.closest("dialog")?.close())}
      >
        <p>For <bdi><strong>{wordText(row)}</strong></bdi>. The service stores the name sealed.</p>
        <Field label="Name" name="label" required pattern=".*\S.*" title="Something that can be read" autofocus autocomplete="off" />
      </ActionForm>
    </Dialog>
  );
}
