import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Contestant, Face } from './contestants.ts';

/** What makes the peer available, in a virtual environment of its own. */
export const INSTALL =
  "pip install --no-deps dlib-bin face_recognition face_recognition_models && pip install numpy pillow click 'setuptools<81'";

/**
 * Python's face_recognition (dlib), compared by Euclidean distance, 0.6, as its README says. Null where `python` does not
 * have it.
 */
export async function faceRecognition(python: string): Promise<Contestant | null> {
  const version = await versionOf(python);
  if (version === null) return null;
  const child = spawn(python, [join(import.meta.dirname, 'face-recognition.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`face_recognition ended with ${code}`)));
  exited.catch(() => undefined);
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const folder = mkdtempSync(join(tmpdir(), 'facepass-face-recognition-'));
  const picturePath = join(folder, 'picture');
  return {
    name: `face_recognition ${version}`,
    key: `face-recognition-${version}`,
    likeness: 'euclidean',
    defaultThreshold: -0.6,
    async facesOf(picture) {
      writeFileSync(picturePath, picture);
      child.stdin.write(`${picturePath}\n`);
      const { value } = await Promise.race([answers.next(), exited]);
      const faces = JSON.parse(value as string) as { box: Face['box']; embedding: number[] }[];
      return faces.map(({ box, embedding }) => ({
        box,
        confidence: 1,
        quality: Number.NaN,
        embedding: Float32Array.from(embedding),
      }));
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited.catch(() => undefined);
      rmSync(folder, { recursive: true });
    },
  };
}

async function versionOf(python: string): Promise<string | null> {
  const program = "import face_recognition; from importlib.metadata import version; print(version('face_recognition'))";
  const child = spawn(python, ['-c', program], { stdio: ['ignore', 'pipe', 'ignore'] });
  const output = child.stdout.toArray() as Promise<Buffer[]>;
  const code = await once(child, 'close').then(
    ([status]) => status as number,
    () => 1,
  );
  return code === 0
    ? Buffer.concat(await output)
        .toString()
        .trim()
    : null;
}
