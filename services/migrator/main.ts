import { runMigrator } from './cli.ts';
import { EXIT } from './exit.ts';

// Every statement may be the last one: what was begun is undone by the server, and the next run goes on from there.
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    process.stderr.write(`${signal}: stopped; run again to go on\n`);
    process.exit(EXIT.retry);
  });
}

process.exitCode = await runMigrator(process.argv.slice(2));
