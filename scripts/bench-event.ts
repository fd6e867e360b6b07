import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { facesOfPhotos } from './bench-event/cache.ts';
import { calibrate, ratesAt, writeCalibration } from './bench-event/calibration.ts';
import { ourPack } from './bench-event/contestants.ts';
import { readPeople, readPhotos, type Person } from './bench-event/people.ts';

/**
 * How well a search of an event finds a person, and whom else it shows.
 *
 *   npm run bench:event -- --people DIR [--crowd DIR]… [--pack sface]… [--models DIR] --calibrate
 *
 * `--people`: a folder for each person, `groups.tsv` beside them. `--crowd`: photos without any of these people.
 * `--calibrate` writes the table of each pack into its manifest.
 */
const { values: options } = parseArgs({
  options: {
    people: { type: 'string' },
    crowd: { type: 'string', multiple: true, default: [] },
    pack: { type: 'string', multiple: true, default: ['sface'] },
    models: { type: 'string', default: resolve(import.meta.dirname, '../models') },
    calibrate: { type: 'boolean', default: false },
  },
});
if (!options.people) throw new Error('--people: name a folder that holds a folder of photos for each person.');
const people = readPeople(options.people);
const crowd = options.crowd.flatMap((folder) => readPhotos(folder));

for (const pack of options.pack) await calibratePack(pack, people);

async function calibratePack(pack: string, some: readonly Person[]): Promise<void> {
  await using contestant = await ourPack(options.models, pack);
  const faces = await facesOfPhotos(contestant, [...some.flatMap(({ photos }) => photos), ...crowd]);
  const strangers = crowd.flatMap(({ path }) => faces.get(path)!.map(({ embedding }) => embedding));
  const table = calibrate(some, faces, strangers);
  const decision = table.false_match_rates.find((point) => point.false_match_rate === 1e-4)!.cosine;
  const rates = ratesAt(table.strangers, decision);
  const groups = [...rates.groups].map(([group, rate]) => `${rate.toExponential(1)} within ${group}`);
  const photos = some.reduce((sum, person) => sum + person.photos.length, 0);
  const evidence = [
    `npm run bench:event -- --calibrate: ${some.length} people, ${photos} photos, ${table.strangers.all.length} pairs of different people;`,
    `at cosine ${decision} (standard error ${table.errorAt(1e-4).toFixed(3)}, which every point includes)`,
    `the false match rate is ${rates.all.toExponential(1)} over all pairs, ${groups.join(', ')},`,
    `${rates.crowd.toExponential(1)} against ${strangers.length} faces of other photos.`,
  ].join(' ');
  writeCalibration(join(options.models, pack, 'manifest.json'), table, evidence);
  console.log(`${pack}: ${evidence}`);
  for (const { cosine, false_match_rate } of table.false_match_rates) console.log(`  ${cosine}  ${false_match_rate}`);
}
