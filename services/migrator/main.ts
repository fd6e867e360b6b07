import { runCommand } from './cli.ts';
import { exitCodeOf } from './exit.ts';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
process.once('SIGINT', () => stop.abort());

try {
  await runCommand(process.argv.slice(2), stop.signal);
} catch (error) {
  process.exitCode = exitCodeOf(error);
  process.stderr.write(`${(error as Error).message}\n`);
}
