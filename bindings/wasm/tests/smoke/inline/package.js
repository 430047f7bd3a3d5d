export * from "blindtally/inline";
