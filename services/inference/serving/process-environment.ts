/**
 * What glibc and V8 must be told before the first line of this service runs; the image tells them the same
 * (Dockerfile). The reasons, measured: docs/decisions/0053 for memory, docs/decisions/0050 for the nursery of the main
 * thread, onnxruntime-telemetry.ts for the last.
 */
export const PROCESS_ENVIRONMENT = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '4194304',
  MALLOC_TRIM_THRESHOLD_: '16777216',
  NODE_OPTIONS: '--max-semi-space-size=1',
  ORT_DISABLE_TELEMETRY: '1',
};
