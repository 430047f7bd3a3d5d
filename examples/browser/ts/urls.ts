/** Addresses of what was opened, for pictures, recordings and downloads: given back when nobody looks any more, and all on lock. */

const lent = new Set<string>();

export function lend(content: Blob): string {
  const url = URL.createObjectURL(content);
  lent.add(url);
  return url;
}

export function giveBack(url: string): void {
  lent.delete(url);
  URL.revokeObjectURL(url);
}

export function giveBackAll(): void {
  for (const url of lent) giveBack(url);
}
