/** Types that TypeScript's own libraries do not have yet. */

interface TrustedTypePolicy {
  createScriptURL(url: string): unknown;
}

declare var trustedTypes: {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): TrustedTypePolicy;
} | undefined;
