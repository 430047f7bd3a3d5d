import type { Account } from "../account.ts";

export function Reports({ account }: { account: Account }) {
  return <p>{account.info.value.login}</p>;
}
