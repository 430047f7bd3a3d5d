/** From a password to an unlocked owner. */
import type { Unlocking } from "./bridge.js";
import { parseAccountSecret } from "./account-secret.js";
import type { Proof, Vault } from "./artefacts.js";
import type { Kdf } from "./generated.js";
import { bytes, text, u64 } from "./check.js";
import { guarded, Handle, releasing } from "./init.js";
import { Owner } from "./owner.js";
import { normalLogin, type Typed } from "./text.js";
import { stretch, withKdf } from "./webcrypto.js";

/** What the service says of an account before login. Nothing in it is trusted: bounds are checked before any work. */
export interface Prelogin {
  readonly kdf: Kdf;
  /** 16 bytes. */
  readonly salt: Uint8Array;
  readonly account: string;
}

export interface LoginOptions {
  readonly login: string;
  readonly password: Typed;
  readonly prelogin: Prelogin;
  /** If the person says that there is one: never because a service says so. */
  readonly accountSecret?: Typed | undefined;
}

/** A login that can prove itself to the service, and open the vault that comes back. */
export class Login extends Handle<Unlocking> {
  /** @internal */
  constructor(raw: Unlocking) {
    super(raw);
  }

  /**
   * Stretches the password, which takes about half a second.
   *
   * @throws BlindtallyError `kdf.*` for parameters out of bounds, `login.invalid`, `password.invalid`,
   *   `recovery-key.invalid` for a mistyped account secret
   */
  static async start(options: LoginOptions): Promise<Login> {
    const { login, password, prelogin, accountSecret } = options ?? {};
    const { kdf, salt, account } = prelogin ?? {};
    const [name, saltBytes, accountText] = [normalLogin(login), bytes(salt, "the salt"), text(account, "the account")];
    const raw = withKdf(kdf, (parameters) =>
      guarded((bridge) => new bridge.Login(name, parameters, saltBytes, accountText)));
    return releasing([raw], async () => {
      const stretched = await stretch(raw.stretch(), password);
      return releasing([stretched], async () => {
        const secret = await parseAccountSecret(accountSecret);
        return new Login(guarded(() => raw.finish(stretched, secret)));
      });
    });
  }

  /** What to send in exchange for the vault. */
  proof(): Proof {
    return this.call((raw) => raw.proof() as Proof);
  }

  /**
   * Opens the vault, once: a login is spent by it. `seen` is the highest generation of this account's vault that this
   * client remembers.
   *
   * @throws BlindtallyError `unlock.wrong`, `unlock.rolled-back`, `unlock.header`, `unlock.other-account`
   */
  unlock(vault: Vault, seen: bigint = 0n): Owner {
    const [vaultBytes, generation] = [bytes(vault, "the vault"), u64(seen, "the generation")];
    const raw = this.take();
    return new Owner(guarded(({ Owner }) => Owner.unlock(raw, vaultBytes, generation)));
  }
}
