/**
 * Speed of the inference server beside the bare pipeline and the package @vladmandic/face-api, on the same photos, in
 * rounds that take turns, since on a busy machine only ratios of one run mean something. Prints Markdown. Linux only:
 * CPU time and memory are read in /proc.
 *
 *   npm run bench:inference [-- --rounds 9 --passes 2 --full-load 30 --soak --pack sface --kinds-only]
 *
 * FACEPASS_TEST_PHOTOS adds the group photos of a folder, and a table of photos of one face and of groups apart
 * (--kinds-only: nothing else). --full-load is how many seconds health checks and refusals
 * are timed while every place is taken. --soak sends 2,000 photos through one server and prints its memory on the way.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { availableCores } from '../../services/inference/cores.ts';
import { forkContestant, type Contestant, type Round } from './inference/contestant.ts';
import { median, percentile, sum, table } from './inference/figures.ts';
import { startInstallation, type InstallationRound } from './inference/over-http.ts';
import { measureResponsiveness, type Responsiveness } from './inference/responsiveness.ts';
import { benchPhotos, photoKinds, type PhotoKind } from './inference/photos.ts';
import { QUEUE_LIMIT, requireProc, startService, type ServiceRound } from './inference/service.ts';
import { memoryRows, soak } from './inference/soak.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    passes: { type: 'string', default: '2' },
    'full-load': { type: 'string', default: '30' },
    soak: { type: 'boolean', default: false },
    pack: { type: 'string', multiple: true, default: ['sface', 'mobilefacenet'] },
    'kinds-only': { type: 'boolean', default: false },
  },
});
requireProc();
const photos = benchPhotos();
const workers = availableCores();
const models = fileURLToPath(new URL('../../models', import.meta.url));

console.log(`## Inference

\`npm run bench:inference\`, ${new Date().toISOString().slice(0, 10)}, ${workers} of ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)} at the start.
${photos.length} photos, ${workers} workers, ${options.rounds} rounds of ${options.passes} passes that take turns. Only ratios of one run mean something.
`);
for (const modelPack of options['kinds-only'] ? [] : options.pack) await benchPack(modelPack);
for (const kind of photoKinds()) for (const modelPack of options.pack) await benchKind(modelPack, kind);

/** The first three contestants on photos of one kind. */
async function benchKind(modelPack: string, { name, photos: some }: PhotoKind): Promise<void> {
  const setup = { photos: some, workers, pipeline: { modelsDirectory: models, modelPack } };
  const environment = { MODEL_PACK: modelPack, INFERENCE_IMAGE_TIMEOUT_MS: '600000' };
  await using service = await startService({ ...setup, environment });
  await using bare = await forkContestant('bare pipeline', './bare.ts', setup);
  await using peer = await forkContestant('@vladmandic/face-api', './peer.ts', { ...setup, workers: 1 });
  const rounds: Rounds = { service: [], bare: [], peer: [], api: [] };
  for (const contestant of [service, bare, peer]) await contestant.round(1);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    rounds.service.push(await service.round(1));
    rounds.bare.push(await bare.round(1));
    rounds.peer.push(await peer.round(1));
  }
  console.log(`### Pack \`${modelPack}\`, ${name}: ${some.length} photos\n`);
  printContestants([
    [service, rounds.service],
    [bare, rounds.bare],
    [peer, rounds.peer],
  ]);
  printRatios(rounds);
  printStages(rounds.service);
  console.log(table(['memory of the server', 'MB'], memoryRows(service)));
}

async function benchPack(modelPack: string): Promise<void> {
  const pipeline = { modelsDirectory: models, modelPack };
  await using service = await startService({ photos, workers, environment: { MODEL_PACK: modelPack } });
  await using bare = await forkContestant('bare pipeline', './bare.ts', { photos, workers, pipeline });
  await using peer = await forkContestant('@vladmandic/face-api', './peer.ts', { photos, workers: 1, pipeline });

  await using api = modelPack === 'sface' ? await startInstallation({ photos, workers }) : undefined;

  const passes = Number(options.passes);
  const rounds: Rounds = { service: [], bare: [], peer: [], api: [] };
  for (const contestant of [service, bare, peer, api]) await contestant?.round(1);
  for (let round = 0; round < Number(options.rounds); round += 1) {
    rounds.service.push(await service.round(passes));
    rounds.bare.push(await bare.round(passes));
    rounds.peer.push(await peer.round(1));
    if (api) rounds.api.push(await api.round(passes));
  }
  const alone = [await service.round(passes, 1)];

  console.log(`### Pack \`${modelPack}\`\n`);
  printContestants([
    [service, rounds.service],
    [bare, rounds.bare],
    [peer, rounds.peer],
    ...(api ? [[api, rounds.api] as [Contestant, Round[]]] : []),
  ]);
  printRatios(rounds);
  printStages(rounds.service);
  const latencies = alone.flatMap(({ latenciesMs }) => latenciesMs);
  console.log(
    table(
      ['one call at a time', 'p50 ms', 'p95 ms'],
      [['service', percentile(latencies, 50), percentile(latencies, 95)]],
    ),
  );
  if (options.soak) console.log(table(['photos sent', 'resident MB'], await soak(service, photos.length)));
  printFullLoad(
    await measureResponsiveness(service.server, {
      photos,
      places: workers + QUEUE_LIMIT,
      seconds: Number(options['full-load']),
    }),
  );
}

interface Rounds {
  service: ServiceRound[];
  bare: Round[];
  peer: Round[];
  /** Empty where the installation was not measured. */
  api: InstallationRound[];
}

function printContestants(entries: [Contestant, Round[]][]): void {
  const rows = entries.map(([{ name }, rounds]) => {
    const latencies = rounds.flatMap(({ latenciesMs }) => latenciesMs);
    return [
      name,
      median(rounds.map(photosPerSecond)),
      percentile(latencies, 50),
      percentile(latencies, 95),
      median(rounds.map(cpuMsPerPhoto)),
      Number.isNaN(rounds[0]!.faces) ? '' : rounds[0]!.faces / rounds[0]!.photos,
    ];
  });
  console.log(table(['all cores busy', 'photos/s', 'p50 ms', 'p95 ms', 'CPU ms a photo', 'faces a photo'], rows));
}

/** Medians of the rounds' own ratios: the load of the machine moves between rounds, less within one. */
function printRatios({ service, bare, peer, api }: Rounds): void {
  const ratio = (top: (index: number) => number, bottom: (index: number) => number) =>
    median(service.map((_, index) => top(index) / bottom(index)));
  const rows: [string, number, string][] = [
    [
      'service to bare pipeline, photos/s',
      ratio(
        (i) => photosPerSecond(service[i]!),
        (i) => photosPerSecond(bare[i]!),
      ),
      '≥ 0.93',
    ],
    [
      'service to @vladmandic/face-api, photos/s',
      ratio(
        (i) => photosPerSecond(service[i]!),
        (i) => photosPerSecond(peer[i]!),
      ),
      '≥ 6 (one face), ≥ 2 (groups)',
    ],
    [
      'the same for CPU time a photo',
      ratio(
        (i) => cpuMsPerPhoto(peer[i]!),
        (i) => cpuMsPerPhoto(service[i]!),
      ),
      '',
    ],
    [
      'transport CPU (client and server) to inference CPU',
      ratio(
        (i) => service[i]!.transportCpuMs / service[i]!.photos,
        (i) => cpuMsPerPhoto(bare[i]!),
      ),
      'below the next',
    ],
  ];
  if (api.length > 0) {
    rows.push([
      'API (with its SQL) and transport CPU to inference CPU',
      ratio(
        (i) => api[i]!.apiAndTransportCpuMs / api[i]!.photos,
        (i) => cpuMsPerPhoto(bare[i]!),
      ),
      '≤ 0.1',
    ]);
    rows.push([
      'indexing over HTTP to bare pipeline, photos/s',
      ratio(
        (i) => photosPerSecond(api[i]!),
        (i) => photosPerSecond(bare[i]!),
      ),
      '',
    ]);
  }
  console.log(table(['ratio, median of rounds', 'measured', 'goal'], rows));
}

function printStages(rounds: ServiceRound[]): void {
  const timings = rounds.flatMap(({ answers }) => answers.map((answer) => answer.timings!));
  const rows = (['queueMs', 'decodeMs', 'detectMs', 'alignMs', 'embedMs'] as const).map((stage) => {
    const times = timings.map((timing) => timing[stage]);
    return [stage.replace('Ms', ''), sum(times) / times.length, percentile(times, 50), percentile(times, 95)];
  });
  console.log(table(['stage', 'mean ms', 'p50 ms', 'p95 ms'], rows));
}

function printFullLoad({ healthMs, refusalMs, admitted, loopP50Ms, loopP99Ms, ownDelayP99Ms }: Responsiveness): void {
  const row = (name: string, values: number[]) => [
    name,
    String(values.length),
    percentile(values, 50),
    percentile(values, 99),
    Math.max(...values),
  ];
  const rows = [
    row('health check over gRPC', healthMs),
    row('refusal of a photo', refusalMs),
    ["timers of the server's main thread, late by", '', loopP50Ms, loopP99Ms, ''],
    ['timers of the probe, late by', '', '', ownDelayP99Ms, ''],
  ];
  console.log(
    table([`all workers busy, ${QUEUE_LIMIT} photos waiting`, 'answers', 'p50 ms', 'p99 ms', 'max ms'], rows),
  );
  console.log(`${admitted} photos of the probe met a free place and are not counted.\n`);
}

function photosPerSecond({ photos, wallMs }: Round): number {
  return (photos * 1000) / wallMs;
}

function cpuMsPerPhoto({ photos, cpuMs }: Round): number {
  return cpuMs / photos;
}
