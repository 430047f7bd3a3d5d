import type { Prelogin, Proof } from "blindtally";

declare global {
  const password: string;
  const service: {
    prelogin(): Promise<Prelogin>;
    vault(proof: Proof): Promise<ArrayBuffer>;
    report(): Promise<string[]>;
  };
}
