/** The buttons below what is shown a part at a time. */

/** How many are in the page at a time. */
export const SHOWN = 100;

/** Where a part begins; of what has become shorter since, the last one. */
export const begin = (page: number, count: number): number => SHOWN * Math.min(page, Math.max(0, Math.ceil(count / SHOWN) - 1));

export function Pager({ of, from, count, onTurn }: { of: string; from: number; count: number; onTurn: (page: number) => void }) {
  if (count <= SHOWN) return null;
  const page = from / SHOWN;
  return (
    <nav class="buttons pages" aria-label={`Pages of ${of}`}>
      <button aria-disabled={page === 0} onClick={() => onTurn(Math.max(0, page - 1))}>Previous</button>
      <span class="number">{(from + 1).toLocaleString()}–{Math.min(from + SHOWN, count).toLocaleString()} of {count.toLocaleString()}</span>
      <button aria-disabled={from + SHOWN >= count} onClick={() => onTurn(Math.min(page + 1, Math.ceil(count / SHOWN) - 1))}>Next</button>
    </nav>
  );
}
