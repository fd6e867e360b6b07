import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../services/runtime/errors.ts';
import { startFacepass } from './start.ts';

const USAGE = `./scripts/start [--data DIR] [--port PORT] [--host]

  --data DIR    directory of the database, the keys and the logs (default: .facepass in the clone)
  --port PORT   port of the API and the console (default: PORT or 8080, or the next free port)
  --host        let phones and other devices of this network in; without it only this machine

You can set variables of docs/configuration.md, for example DATABASE_URL to use your own PostgreSQL, LOG_LEVEL=debug or
MODEL_PACK=mobilefacenet (models/README.md describes the packs). A start refuses the variables that it must set itself.`;

process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
try {
  const options = readArguments();
  if (options) await startFacepass({ ...options, signal: firstSignal(), say });
} catch (error) {
  say(messageOf(error));
  process.exitCode = 1;
}
process.exit();

function readArguments(): { data: string; port: number; onNetwork: boolean } | null {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: join(import.meta.dirname, '../../.facepass') },
      port: { type: 'string', default: process.env['PORT'] || '8080' },
      host: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return null;
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1024 || port > 65_000)
    throw new Error(`--port ${values.port}: must be a whole number from 1024 to 65000`);
  return { data: resolve(values.data), port, onNetwork: values.host };
}

/** A second signal ends the starter at once; its services notice and end too. */
function firstSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => (controller.signal.aborted ? process.exit(1) : controller.abort()));
  }
  return controller.signal;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
