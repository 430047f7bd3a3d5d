import type { Account } from "../account.ts";

export function Categories({ account }: { account: Account }) {
  return <p>{account.info.value.login}</p>;
}
