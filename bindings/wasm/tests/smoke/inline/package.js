export * from "blindtally/inline";
// The package's worker loads the module from a file.
export const startOwners = undefined;
