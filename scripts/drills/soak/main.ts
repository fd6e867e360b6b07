import { parseArgs } from 'node:util';
import { rowsOf } from './watch.ts';
import { soak } from './soak.ts';

const USAGE = `Works the service at random beside a model of what it may hold, while its servers are killed, frozen, slow or full.

  npm run soak [-- --minutes 60] [--seed N] [--operations N]

--minutes     how long (60; 10 for a look)
--seed        repeats the operations and faults of a run, which prints it
--operations  how many (20,000 an hour)

Needs redis-server on the PATH, Linux, and FACEPASS_TEST_DATABASE_URL: a PostgreSQL of its own is started by the programs
of that one, which itself is left alone.`;

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, seed: { type: 'string' }, operations: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const operations = Number(values.operations ?? Math.round((20_000 * minutes) / 60));
const server = process.env['FACEPASS_TEST_DATABASE_URL'];
if (!server || !(minutes > 0) || !Number.isSafeInteger(seed) || !(operations > 0)) {
  console.error(`${server ? 'An option is no number.' : 'FACEPASS_TEST_DATABASE_URL is not set.'}\n\n${USAGE}`);
  process.exit(64);
}
const [found] = await rowsOf<{ bin: string }>(server, `select setting as bin from pg_config where name = 'BINDIR'`);
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
const objections = await soak({
  bin: found!.bin,
  minutes,
  seed,
  operations,
  interrupted: interrupted.signal,
  tell: console.log,
});
console.log(
  objections.length === 0 ? '\nThe service did what the model allows.' : `\n${objections.length} objections:`,
);
for (const objection of objections) console.log(`- ${objection}`);
process.exit(objections.length === 0 ? 0 : 1);
