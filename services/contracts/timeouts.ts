/** Defaults in milliseconds of the timeouts that must fit together, also across processes: `facepass doctor` compares them. */
export const TIMEOUT_DEFAULTS = {
  INFERENCE_TIMEOUT_MS: 15_000,
  INFERENCE_INDEX_TIMEOUT_MS: 120_000,
  INFERENCE_IMAGE_TIMEOUT_MS: 120_000,
  DRAIN_DELAY_MS: 5000,
  DRAIN_TIMEOUT_MS: 45_000,
  S3_CONNECT_TIMEOUT_MS: 2000,
  S3_REQUEST_TIMEOUT_MS: 5000,
  S3_TRANSFER_TIMEOUT_MS: 20_000,
} as const;
