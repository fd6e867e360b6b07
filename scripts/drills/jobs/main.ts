import { parseArgs } from 'node:util';
import { rowsOf } from '../soak/watch.ts';
import { killsDuringAJob } from './kills.ts';

const USAGE = `Indexes photos by one job while its processes are killed at random, and compares what is stored with a clean run.

  npm run test:jobs [-- --photos 20000] [--kills 50] [--seed N]

--photos  small pictures of the job (20,000: some hours on two cores; 600 for a look)
--kills   of PostgreSQL, the API, two indexers and two inference servers, evenly over the job (50)
--seed    repeats the kills of a run, which prints it

Needs Linux and FACEPASS_TEST_DATABASE_URL: a PostgreSQL of its own is started by the programs of that one, which itself
is left alone.`;

const { values } = parseArgs({
  options: {
    photos: { type: 'string', default: '20000' },
    kills: { type: 'string', default: '50' },
    seed: { type: 'string' },
  },
});
const [photos, kills] = [Number(values.photos), Number(values.kills)];
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const server = process.env['FACEPASS_TEST_DATABASE_URL'];
const isUsable =
  Number.isSafeInteger(photos) && photos > 0 && photos <= 100_000 && kills >= 0 && Number.isSafeInteger(seed);
if (!server || !isUsable) {
  console.error(`${server ? 'An option is out of its range.' : 'FACEPASS_TEST_DATABASE_URL is not set.'}\n\n${USAGE}`);
  process.exit(64);
}
const [found] = await rowsOf<{ bin: string }>(server, `select setting as bin from pg_config where name = 'BINDIR'`);
await killsDuringAJob({ bin: found!.bin, photos, kills, seed, tell: console.log });
process.exit(0);
