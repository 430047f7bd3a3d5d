import { OwnerWorker } from "./node_modules/blindtally/dist/worker.js";

export * from "./node_modules/blindtally/dist/blob.js";
export * from "./node_modules/blindtally/dist/index.js";
export const startOwners = () => OwnerWorker.start();
