import { OwnerWorker } from "blindtally/worker";

export * from "blindtally";
export * from "blindtally/blob";
export const startOwners = () => OwnerWorker.start();
