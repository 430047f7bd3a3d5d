export * from "blindtally/inline";
export * from "blindtally/blob";
// The package's worker loads the module from a file.
export const startOwners = undefined;
