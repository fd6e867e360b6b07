import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readModelPack } from '@facepass/contracts/model-pack';
import { facesOfPhotos } from './event/cache.ts';
import { calibrate, ratesAt, writeCalibration, writeCentre } from './event/calibration.ts';
import { centreOf, moveCentre } from './event/centre.ts';
import { faceApi, ourPack, type Contestant } from './event/contestants.ts';
import { faceRecognition, INSTALL } from './event/face-recognition.ts';
import { crowdOf, measure, type Measured } from './event/measure.ts';
import { searchOverHttp } from './event/over-http.ts';
import { halvesOf, readPeople, readPhotos } from './event/people.ts';
import { reportOf } from './event/report.ts';
import { outcomeOf, planSessions, searchSession } from './event/sessions.ts';
import { tablesOf } from './event/tables.ts';
import { KEY, startStack } from '../drills/observability/stack.ts';

/**
 * How well a search of an event finds a person, and whom else it shows: docs/how-to/measure-your-own-photos.md.
 *
 *   npm run bench:event -- --people DIR [--crowd DIR]… [--pack sface]… [--peer face-api | face_recognition]…
 *     [--python python3] [--http | --url URL --key KEY] [--seed 1] [--report FILE] [--models DIR]
 *   npm run bench:event -- --people DIR [--crowd DIR]… [--pack sface]… --calibrate [--centre]
 */
const { values: options } = parseArgs({
  options: {
    people: { type: 'string' },
    crowd: { type: 'string', multiple: true, default: [] },
    pack: { type: 'string', multiple: true, default: ['sface'] },
    peer: { type: 'string', multiple: true, default: [] },
    python: { type: 'string', default: 'python3' },
    models: { type: 'string', default: resolve(import.meta.dirname, '../../models') },
    seed: { type: 'string', default: '1' },
    http: { type: 'boolean', default: false },
    url: { type: 'string' },
    key: { type: 'string' },
    report: { type: 'string' },
    calibrate: { type: 'boolean', default: false },
    centre: { type: 'boolean', default: false },
  },
});
if (!options.people) throw new Error('--people: name a folder that holds a folder of photos for each person.');
const PEERS = new Map<string, () => Promise<Contestant | null>>([
  ['face-api', faceApi],
  ['face_recognition', () => faceRecognition(options.python)],
]);
const unknown = options.peer.find((peer) => !PEERS.has(peer));
if (unknown) throw new Error(`--peer: there is no ${unknown}; there are ${[...PEERS.keys()].join(' and ')}.`);
const people = readPeople(options.people);
const crowd = options.crowd.flatMap((folder) => readPhotos(folder));
const seed = Number(options.seed);

if (options.calibrate) for (const pack of options.pack) await calibratePack(pack);
else await report();

async function report(): Promise<void> {
  const [known, reported] = halvesOf(people, seed);
  console.log(
    `${people.length} people; ${known.length} calibrate, ${reported.length} are reported (seed ${seed}): ${reported.map(({ name }) => name).join(' ')}\n`,
  );
  const measured: Measured[] = [];
  for (const pack of options.pack) {
    await using contestant = await ourPack(options.models, pack);
    measured.push(await measure(contestant, people, crowd, seed));
  }
  for (const peer of options.peer) {
    await using contestant = await PEERS.get(peer)!();
    if (contestant) measured.push(await measure(contestant, people, crowd, seed));
    else console.log(`${peer} is left out: ${options.python} does not have it (${INSTALL}).\n`);
  }
  if (options.http || options.url) await addHttp(measured[0]!);
  console.log(tablesOf(measured));
  if (options.report) writeFileSync(options.report, reportOf(measured, { people, seed }));
}

/**
 * One session of 100 people by the first pack, in this process and through a service that runs it, at the default
 * threshold.
 */
async function addHttp(measured: Measured): Promise<void> {
  await using contestant = await ourPack(options.models, options.pack[0]!);
  const all = {
    MODEL_PACK: options.pack[0]!,
    INFERENCE_TIMEOUT_MS: '120000',
    INFERENCE_IMAGE_TIMEOUT_MS: '120000',
  };
  await using stack = options.url ? null : await startStack({ all });
  const service = { url: options.url ?? stack!.url, apiKey: options.key ?? KEY };
  const [, reported] = halvesOf(people, seed);
  const faces = await facesOfPhotos(
    contestant,
    reported.flatMap(({ photos }) => photos),
  );
  for (const selfies of [1, 2]) {
    const [session] = planSessions(reported, [], { size: 100, count: 1, selfies, seed });
    const here = searchSession(session!, faces, contestant, contestant.defaultThreshold);
    const there = await searchOverHttp(service, session!, `bench-event-${Date.now()}`);
    measured.sessions.push({ size: 100, selfies, threshold: 'the session of HTTP', ...outcomeOf(here) });
    measured.sessions.push({ size: 100, selfies, threshold: 'over HTTP', ...outcomeOf(there) });
    const differ = here.filter(({ photos }, i) => there[i]!.photos.toSorted().join() !== photos.toSorted().join());
    console.log(`${selfies} selfies: ${here.length} searches, ${differ.length} of them find other photos over HTTP.`);
  }
}

/** Writes the table of a pack into its manifest, with `--centre` what all faces share as well. */
async function calibratePack(pack: string): Promise<void> {
  await using contestant = await ourPack(options.models, pack);
  const manifest = join(options.models, pack, 'manifest.json');
  let faces = await facesOfPhotos(contestant, [...people.flatMap(({ photos }) => photos), ...crowd]);
  if (options.centre) {
    const { recogniser } = await readModelPack(options.models, pack);
    const centre = centreOf(people, crowd, moveCentre(faces, recogniser.centre, undefined));
    faces = moveCentre(faces, recogniser.centre, centre);
    writeCentre(manifest, centre);
  }
  const strangers = crowdOf(crowd, faces);
  const table = calibrate(people, faces, strangers);
  const decision = table.false_match_rates.find((point) => point.false_match_rate === 1e-4)!.cosine;
  const rates = ratesAt(table.strangers, decision);
  const groups = [...rates.groups].map(([group, rate]) => `${rate.toExponential(1)} within ${group}`);
  const photos = people.reduce((sum, person) => sum + person.photos.length, 0);
  const evidence = [
    `npm run bench:event -- --calibrate: ${people.length} people, ${photos} photos, ${table.strangers.all.length} pairs of different people;`,
    `at cosine ${decision} (standard error ${table.errorAt(1e-4).toFixed(3)}, which every point includes)`,
    `the false match rate is ${rates.all.toExponential(1)} over all pairs, ${groups.join(', ')},`,
    `${rates.crowd.toExponential(1)} against ${strangers.length} faces of other photos.`,
  ].join(' ');
  writeCalibration(manifest, table, evidence);
  console.log(`${pack}: ${evidence}`);
  for (const { cosine, false_match_rate } of table.false_match_rates) console.log(`  ${cosine}  ${false_match_rate}`);
}
