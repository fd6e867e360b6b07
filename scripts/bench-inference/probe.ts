import { setTimeout as delay } from 'node:timers/promises';
import { connectFaceClient } from '../../services/inference/tests/grpc-client.ts';

/** A process that asks a server for its health every 10 ms until it is told to stop, and then answers with the latencies in milliseconds. */
const client = connectFaceClient(process.argv[2]!);
const latenciesMs: number[] = [];
let stopped = false;
process.once('message', () => (stopped = true));
await client.checkHealth();
process.send!('ready');
while (!stopped) {
  const began = performance.now();
  await client.checkHealth();
  latenciesMs.push(performance.now() - began);
  await delay(10);
}
process.send!(latenciesMs);
process.exit(0);
