import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { closeConnections } from './client.ts';
import { FaultLog, faultOf, inflict, READY_WITHIN_MS, type Fault } from './faults.ts';
import { startInstallation, type Installation } from './installation.ts';
import { Keys } from './keys.ts';
import { now } from './model.ts';
import { operationOf, perform, type Operation, type World } from './operations.ts';
import { learnPictures } from './pictures.ts';
import { SessionModels } from './sessions.ts';
import { allReady, descriptorsOf, growthOf, memoryOf, quiet, type Sample } from './watch.ts';

export interface SoakOptions {
  /** The folder of PostgreSQL's programs. */
  bin: string;
  minutes: number;
  seed: number;
  operations: number;
  interrupted: AbortSignal;
  tell: (line: string) => void;
}

/** Between two looks at what the database holds. */
const ROUND_MS = 40_000;
const FAULTS_A_ROUND = 3;
const CLIENTS = 8;
/** Memory settles during this share of a run. */
const WARM_UP = 0.25;
/** A shorter run says little of an hour. */
const LEAST_JUDGED_MINUTES = 45;
const MOST_GROWTH_PERCENT = 1;

/**
 * Runs `operations` at random within `minutes`, in rounds; in each some servers are broken for a time, and after each
 * the database is compared with the model.
 * @returns what the model did not allow, one sentence each
 */
export async function soak(options: SoakOptions): Promise<string[]> {
  const { tell, seed, operations, minutes } = options;
  tell(`seed ${seed}, ${operations} operations in ${minutes} minutes`);
  using keys = new Keys();
  await using installation = await startInstallation(options.bin, keys);
  const run = await prepare(installation, keys, options);
  // Each API has looked at the database and at every inference server by then.
  while (!(await allReady(installation.apis))) await delay(50);
  const descriptors = installation.lasting.map((server) => descriptorsOf(server.pids()[0]!));
  const started = now();
  for (let round = 0; !run.over(started); round += 1) {
    await playRound(run, round);
    run.sample((now() - started) / 3_600_000);
  }
  closeConnections();
  await leftOver(run, descriptors);
  report(run, (now() - started) / 60_000);
  return run.objections;
}

/** One run: what is to be done, what is known, and what was seen. */
interface Run extends SoakOptions {
  installation: Installation;
  world: World & { sessions: SessionModels };
  /** By round. */
  operationsOf(round: number): Operation[];
  faultsOf(round: number): Fault[];
  performed: number;
  objections: string[];
  slowestReady: number;
  memory: Sample[][];
  over(started: number): boolean;
  sample(hours: number): void;
}

async function prepare(installation: Installation, keys: Keys, options: SoakOptions): Promise<Run> {
  const { apis, servers, lasting, databaseUrl, s3 } = installation;
  const pictures = await learnPictures(apis[0]!.port, keys.current, databaseUrl);
  for (const [n, { bytes }] of pictures.entries()) s3.objects.set(`/photos/${n}.jpg`, bytes);
  const { seed, minutes } = options;
  const mayKill = servers.map((server) => !lasting.some((one) => one === server));
  const rounds = Math.ceil((minutes * 60_000) / ROUND_MS);
  const share = Math.ceil(options.operations / rounds);
  const drawn = {
    operations: fc.sample(fc.noBias(operationOf(pictures.length, apis.length)), { seed, numRuns: options.operations }),
    faults: fc.sample(fc.noBias(faultOf(mayKill)), { seed, numRuns: rounds * FAULTS_A_ROUND }),
  };
  const run: Run = {
    ...options,
    installation,
    world: {
      ports: apis.map(({ port }) => port),
      keys,
      pictures,
      sessions: new SessionModels(),
      faults: new FaultLog(),
      tally: new Map(),
    },
    operationsOf: (round) => drawn.operations.slice(round * share, (round + 1) * share),
    faultsOf: (round) => drawn.faults.slice(round * FAULTS_A_ROUND, (round + 1) * FAULTS_A_ROUND),
    performed: 0,
    objections: [],
    slowestReady: 0,
    memory: lasting.map(() => []),
    over: (started) =>
      options.interrupted.aborted || run.performed >= options.operations || now() - started > minutes * 60_000,
    sample: (hours) =>
      lasting.forEach((server, n) => run.memory[n]!.push({ hours, megabytes: memoryOf(server.pids()[0]!) })),
  };
  return run;
}

/** Clients work while faults come and go; then everything ends, and the database is compared with the model. */
async function playRound(run: Run, round: number): Promise<void> {
  const { world, installation, objections, tell } = run;
  const before = { performed: run.performed, objections: objections.length };
  const [faults] = await Promise.all([breakThings(run, run.faultsOf(round)), work(run, run.operationsOf(round))]);
  while (!(await allReady(installation.apis))) await delay(50);
  await quiet(installation.databaseUrl, installation.apis, installation.lasting);
  objections.push(...(await world.sessions.settle(installation.databaseUrl, world.pictures)));
  tell(
    `round ${round + 1}: ${run.performed - before.performed} operations; ${faults.join(', ')}; ${objections.length - before.objections} objections`,
  );
  for (const objection of objections.slice(before.objections)) tell(`  ${objection}`);
}

/** The faults of one round, one after the other; every other one with the next at the same time. */
async function breakThings(run: Run, faults: Fault[]): Promise<string[]> {
  const told: string[] = [];
  const { servers, apis } = run.installation;
  const one = async (fault: Fault) => {
    const server = servers[fault.server]!;
    const readyMs = await inflict(run.world.faults, server, fault, () => allReady(apis));
    const what = `${fault.kind} ${server.name} for ${(fault.ms / 1000).toFixed(1)} s, ready ${Math.round(readyMs)} ms later`;
    told.push(what);
    run.slowestReady = Math.max(run.slowestReady, readyMs);
    if (readyMs > READY_WITHIN_MS)
      run.objections.push(`${what}: the service must be ready within ${READY_WITHIN_MS} ms`);
  };
  const [first, second, third] = faults;
  if (first) await one(first);
  const both = [second, third].filter((fault) => fault !== undefined);
  const apart = both.filter((fault, n) => both.findIndex(({ server }) => server === fault.server) === n);
  await Promise.all(apart.map(one));
  return told;
}

/** The operations of one round, as evenly as the clients keep up. */
async function work(run: Run, operations: Operation[]): Promise<void> {
  const began = now();
  const left = operations.values();
  let next = 0;
  const client = async () => {
    for (const operation of left) {
      next += 1;
      await delay(Math.max(0, began + (next * ROUND_MS) / operations.length - now()));
      run.objections.push(...(await perform(run.world, operation)));
      run.performed += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
}

/** Connections that are idle close after half a minute; then nothing of all the work is left. */
async function leftOver({ installation, objections }: Run, before: number[]): Promise<void> {
  const giveUp = now() + 90_000;
  const more = () =>
    installation.lasting.flatMap((server, n) => {
      const count = descriptorsOf(server.pids()[0]!);
      return count > before[n]! ? [`${server.name} has ${count} descriptors, and had ${before[n]}`] : [];
    });
  while (more().length > 0 && now() < giveUp) await delay(500);
  objections.push(...more());
}

function report(run: Run, minutes: number): void {
  const { tell, installation, world, memory } = run;
  tell(`\n${run.performed} operations in ${minutes.toFixed(1)} minutes, ${world.faults.broken.length} faults`);
  tell(`ready at the latest ${Math.round(run.slowestReady)} ms after a fault's end`);
  for (const [what, count] of [...world.tally].sort(([a], [b]) => (a < b ? -1 : 1))) tell(`  ${count}  ${what}`);
  for (const [n, server] of installation.lasting.entries()) {
    const samples = memory[n]!.slice(Math.floor(memory[n]!.length * WARM_UP));
    const growth = growthOf(samples);
    const ends = [samples[0], samples.at(-1)].map((sample) => `${sample?.megabytes.toFixed(0)} MB`);
    tell(`memory of ${server.name} after the warm-up: ${ends.join(' to ')}, ${growth.toFixed(1)} % an hour`);
    if (run.minutes >= LEAST_JUDGED_MINUTES && !(growth < MOST_GROWTH_PERCENT))
      run.objections.push(`the memory of ${server.name} grows by ${growth.toFixed(1)} % an hour`);
  }
}
