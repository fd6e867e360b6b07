/**
 * `npm run test:ten [-- RUNS]`: full runs of ./scripts/test beside programs that keep every core busy; prints the files
 * that failed, and those that passed only alone. Hours of work: for the night.
 */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync } from 'node:fs';
import { once } from 'node:events';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = join(import.meta.dirname, '../..');
const RUNS = Number(process.argv[2] ?? 10);

/** How often each line `PASSED ONLY ALONE: file` and `FAILED TWICE: file` came. */
const counts = new Map<string, number>();
const logs = mkdtempSync(join(tmpdir(), 'facepass-runs-'));
const load = Array.from({ length: availableParallelism() }, () =>
  spawn(
    process.execPath,
    [
      '-e',
      'process.stdin.on("end", () => process.exit()).resume(); setInterval(() => { const until = Date.now() + 1000; while (Date.now() < until); }, 0)',
    ],
    {
      stdio: ['pipe', 'ignore', 'inherit'],
    },
  ),
);
try {
  for (let run = 1; run <= RUNS; run++) {
    const passed = await runOnce(join(logs, `${run}.log`));
    if (!passed) process.exitCode = 1;
    console.log(`run ${run} of ${RUNS}: ${passed ? 'passed' : 'FAILED'} (${join(logs, `${run}.log`)})`);
  }
} finally {
  for (const program of load) program.kill('SIGKILL');
}
console.log(counts.size === 0 ? 'No file passed only alone, none failed twice.' : '');
for (const [line, count] of counts) console.log(`${count} × ${line}`);

async function runOnce(log: string): Promise<boolean> {
  const child = spawn(join(root, 'scripts/test'), { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const file = createWriteStream(log);
  child.stderr.pipe(file, { end: false });
  createInterface(child.stdout).on('line', (line) => {
    file.write(`${line}\n`);
    if (/^(PASSED ONLY ALONE|FAILED TWICE)/.test(line)) counts.set(line, (counts.get(line) ?? 0) + 1);
  });
  const [code] = await once(child, 'close');
  file.end();
  return code === 0;
}
