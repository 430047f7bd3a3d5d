import { OwnerWorker } from "blindtally/worker";

export * from "blindtally";
export const startOwners = () => OwnerWorker.start();
