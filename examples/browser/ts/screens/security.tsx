import type { Account } from "../account.ts";

export function Security({ account }: { account: Account }) {
  return <p>{account.info.value.login}</p>;
}
