import type { Account } from "../account.ts";

export function FirstBackup({ account, onDone }: { account: Account; onDone: () => void }) {
  return <button onClick={onDone}>{account.info.value.login}</button>;
}
