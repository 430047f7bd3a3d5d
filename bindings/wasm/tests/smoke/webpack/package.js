export * from "blindtally";
