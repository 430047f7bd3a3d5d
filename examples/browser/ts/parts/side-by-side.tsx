import type { Account } from "../account.ts";

export function SideBySide({ account }: { account: Account }) {
  return <p>{account.info.value.login}</p>;
}
