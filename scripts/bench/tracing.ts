/**
 * What tracing costs the API: five processes of it on one database and one inference server, from "never loaded" to
 * "every request", in rounds that take turns, since on a busy machine only ratios of one run mean something. Prints
 * Markdown.
 *
 *   npm run bench:tracing [-- --rounds 15 --calls 1000 --searches 10]
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { median, table } from './inference/figures.ts';
import { startContestants, type Contestant, type Round } from './tracing/contestants.ts';

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    calls: { type: 'string', default: '1000' },
    searches: { type: 'string', default: '10' },
  },
});
const rounds = Number(options.rounds);
const counts = { status: Number(options.calls), search: Number(options.searches) };

console.log(`## Tracing

\`npm run bench:tracing\`, ${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, load ${loadavg()[0]!.toFixed(1)} at the start.
${rounds} rounds that take turns, in each ${counts.status} calls of GET /api/v1/search/status and ${counts.search} searches. Only ratios of one run mean something.
`);
await using contestants = await startContestants();
for (const [call, count] of Object.entries(counts) as ['status' | 'search', number][]) {
  const results = await inTurns(contestants.all, (contestant) => contestant.round(call, count));
  printCall(call === 'status' ? 'GET /api/v1/search/status' : 'POST /api/v1/search', results);
}
for (const { name, received } of contestants.all)
  if (received() > 0) console.log(`The receiver got ${(received() / 1e6).toFixed(1)} MB of spans from “${name}”.`);

/** Each round begins with another one: who comes first meets the caches as the last one left them. */
async function inTurns(
  all: Contestant[],
  play: (contestant: Contestant) => Promise<Round>,
): Promise<Map<Contestant, Round[]>> {
  const results = new Map(all.map((contestant) => [contestant, [] as Round[]]));
  for (const contestant of all) await play(contestant);
  for (let round = 0; round < rounds; round += 1) {
    const order = all.map((_, place) => all[(place + round) % all.length]!);
    for (const contestant of order) results.get(contestant)!.push(await play(contestant));
  }
  return results;
}

/** Medians of the rounds' own ratios: the load of the machine moves between rounds, less within one. */
function printCall(call: string, results: Map<Contestant, Round[]>): void {
  const [bare = []] = results.values();
  const rows = [...results].map(([{ name }, own]) => {
    const ratio = (of: (round: Round) => number) => median(own.map((round, index) => of(round) / of(bare[index]!)));
    const [cpu, p50] = [ratio(({ cpuMsPerCall }) => cpuMsPerCall), ratio(({ p50Ms }) => p50Ms)];
    return [
      name,
      median(own.map(({ cpuMsPerCall }) => cpuMsPerCall)),
      cpu.toFixed(3),
      median(own.map(({ p50Ms }) => p50Ms)),
      p50.toFixed(3),
    ];
  });
  console.log(table([call, 'CPU ms of the API a call', 'to the first', 'p50 ms', 'to the first'], rows));
}
