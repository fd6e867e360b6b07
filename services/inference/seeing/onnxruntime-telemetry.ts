import { isMainThread } from 'node:worker_threads';

const VARIABLE = 'ORT_DISABLE_TELEMETRY';
const OFF = '1';

// From 1.29 on ONNX Runtime writes a device id and events (command line, run counts, resource use) below
// ~/.cache/Microsoft and sends them to its maker, unless the variable is set before its library loads
// (microsoft/onnxruntime PR 27379). An import of this module stands before each import of `onnxruntime-node` and before
// each start of a worker: what a worker sets in its own `process.env` never reaches native code.
if (isMainThread && !process.env[VARIABLE]) process.env[VARIABLE] = OFF;

/**
 * Call it before ONNX Runtime loads a network.
 * @throws Error where its telemetry is on: the variable has another value, or this worker was started without it.
 */
export function requireTelemetryOff(): void {
  const value = process.env[VARIABLE];
  if (value === OFF) return;
  throw new Error(
    `${VARIABLE} must be ${OFF}, not ${value ? `"${value}"` : 'absent'}: otherwise ONNX Runtime reports to its vendor`,
  );
}
