/** From a password to an unlocked owner. */
import type { Login as RawLogin, Unlocking } from "./bridge.js";
import { parseAccountSecret } from "./account-secret.js";
import type { Proof, Vault } from "./artefacts.js";
import type { ErrorCode, Kdf } from "./generated.js";
import { bytes, text, u64 } from "./check.js";
import { BlindtallyError } from "./error.js";
import { guarded, Handle, releasing } from "./init.js";
import { Owner } from "./owner.js";
import { normalLoginName, type Typed, wiping } from "./text.js";
import { stretch, unseal, withKdf } from "./webcrypto.js";

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

/**
 * What a person who chose to stay unlocked leaves behind, for {@link Login.resume}: a plain object that structured clone
 * takes, and so IndexedDB. Not JSON, which has no keys.
 */
export interface KeptLogin {
  readonly version: 1;
  /** Normalised. */
  readonly login: string;
  readonly prelogin: Prelogin;
  /** AES-256-GCM; not extractable, and good for decrypting only. */
  readonly key: CryptoKey;
  /** 12 bytes. */
  readonly iv: Uint8Array<ArrayBuffer>;
  /** A kept login under the key (SPEC.md#kept-login-sealed): at most 504 bytes. */
  readonly sealed: Uint8Array<ArrayBuffer>;
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
    const raw = begin(normalLoginName(login), prelogin);
    return releasing([raw], async () => {
      const stretched = await stretch(raw.stretch(), password);
      return releasing([stretched], async () => {
        const secret = await parseAccountSecret(accountSecret);
        return new Login(guarded(() => raw.finish(stretched, secret)));
      });
    });
  }

  /**
   * Resumes what {@link Owner.keepUnlocked} kept, without the password. When it is refused, forget it and ask for the
   * password; so too when the service refuses the proof or the vault does not open, since the password was changed then.
   *
   * @throws BlindtallyError `unlock.kept-login` if it is damaged, edited, put together from several, or not of version 1;
   *   `wasm.argument` for a field of another type; for its prelogin `kdf.*` and `malformed.*`, as {@link Login.start}
   */
  static async resume(kept: KeptLogin): Promise<Login> {
    const { version, login, prelogin, key, iv, sealed } = kept ?? {};
    if (version !== 1) refuseKept();
    const raw = begin(text(login, "a login name"), prelogin);
    return releasing([raw], async () => {
      const opened = await unseal(key, bytes(iv, "the iv"), bytes(sealed, "a kept login")) ?? refuseKept();
      return wiping(opened, (plain) => new Login(guarded(() => raw.resume(plain))));
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

/** Checks the bounds of what the service, or whoever kept it, says. */
function begin(name: string, prelogin: Prelogin): RawLogin {
  const { kdf, salt, account } = prelogin ?? {};
  const [saltBytes, accountText] = [bytes(salt, "the salt"), text(account, "the account")];
  return withKdf(kdf, (parameters) => guarded((bridge) => new bridge.Login(name, parameters, saltBytes, accountText)));
}

function refuseKept(): never {
  throw new BlindtallyError("unlock.kept-login" satisfies ErrorCode, "the kept login is damaged, or was made for another login name, account or password");
}
