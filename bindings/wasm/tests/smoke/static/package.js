export * from "./node_modules/blindtally/dist/index.js";
