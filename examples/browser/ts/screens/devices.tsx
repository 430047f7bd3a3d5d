import type { Account } from "../account.ts";

export function Devices({ account }: { account: Account }) {
  return <p>{account.info.value.login}</p>;
}
