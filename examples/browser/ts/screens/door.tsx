export function Door({ login, error }: { login: string; error: unknown }) {
  return <p>{login}{String(error)}</p>;
}
