import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cosineOfSimilarity } from '@facepass/contracts/model-pack';
import sharp from 'sharp';
import { Abandoned } from '../seeing/abandoned.ts';
import { fivePoints } from '../seeing/align.ts';
import { overlapOf, type Box, type Point } from '../seeing/boxes.ts';
import { createPipeline, type FoundFaces, type Pipeline } from '../seeing/faces.ts';
import { ImageError } from '../seeing/image.ts';
import { countFound, cutFaces, enlargeSample, pasteCrowd, readSample, SAMPLES, takeSelfie } from './pictures.ts';

const models = resolve(import.meta.dirname, '../../../models');
const photos = process.env['FACEPASS_TEST_PHOTOS'];
const limits = { maxBytes: 50e6, maxWidth: 8000, maxHeight: 8000, maxPixels: 30e6 };

const packs = ['sface', 'mobilefacenet'].map((name) => ({
  name,
  skip: existsSync(join(models, name, 'recogniser.onnx')) ? false : `npm run models -- --pack ${name} was not run`,
  config: { modelsDirectory: models, modelPack: name, limits },
}));

for (const { name, skip, config } of packs) {
  describe(`the pipeline with the pack ${name}`, { skip }, () => {
    let pipeline: Pipeline;
    before(async () => {
      pipeline = await createPipeline(config);
    });
    after(() => pipeline[Symbol.asyncDispose]());

    test('finds every face of the sample photos and nothing else, largest first', async () => {
      for (const sample of SAMPLES) {
        const { faces } = await pipeline.findFaces(await readSample(sample.name));
        assert.equal(
          countFound(
            sample.faces,
            faces.map(({ box }) => box),
          ),
          sample.faces.length,
          sample.name,
        );
        assert.equal(faces.length, sample.faces.length, sample.name);
        const areas = faces.map(({ box }) => box.width * box.height);
        assert.deepEqual(
          areas,
          areas.toSorted((a, b) => b - a),
        );
      }
    });

    test('gives embeddings of length 1, the same at every run', async () => {
      const photo = await readSample('sample5.jpg');
      const [first, second] = [await pipeline.findFaces(photo), await pipeline.findFaces(photo)];
      assert.deepEqual(first.faces, second.faces);
      for (const face of first.faces) {
        assert.equal(face.embedding.length, pipeline.pack.embedding_size);
        assert.ok(Math.abs(Math.hypot(...face.embedding) - 1) < 1e-5);
      }
    });

    test('knows a person again in a smaller, darker copy and takes none of the others for them', async () => {
      const decision = cosineOfSimilarity(0.5, pipeline.pack.calibration);
      const photo = await readSample('sample1.jpg');
      const copy = await sharp(photo)
        .resize({ width: 900 })
        .modulate({ brightness: 0.7 })
        .jpeg({ quality: 70 })
        .toBuffer();
      const [whole, small] = [await pipeline.findFaces(photo), await pipeline.findFaces(copy)];
      for (const face of whole.faces) {
        const scores = small.faces.map((other) => cosine(face.embedding, other.embedding)).sort((a, b) => b - a);
        assert.ok(scores[0]! > decision && scores[1]! < decision, `${scores}`);
      }
    });

    test('finds the same faces in all eight orientations, each box within a pixel or two of the others', async () => {
      const upright = await sharp(await readSample('sample4.jpg'))
        .resize(1200, 906)
        .png({ compressionLevel: 1 })
        .toBuffer();
      const expected = await pipeline.findFaces(upright);
      for (let orientation = 2; orientation <= 8; orientation++) {
        const found = await pipeline.findFaces(await storedAs(upright, orientation));
        assert.deepEqual(
          [found.width, found.height, found.faces.length],
          [1200, 906, expected.faces.length],
          `orientation ${orientation}`,
        );
        assertSamePlaces(found, expected, 2.5, `orientation ${orientation}`);
      }
    });

    test('finds the crowd: 150 faces of 32 pixels in 24 megapixels, 95 of 100 at least', async () => {
      const crowd = await pasteCrowd(await cutFaces(0.5), { width: 6000, height: 4000, count: 150, heights: [32] });
      const { faces, rejected } = await pipeline.findFaces(crowd.picture);
      const found = countFound(
        crowd.faces,
        [...faces, ...rejected].map(({ box }) => box),
      );
      assert.ok(found >= 0.95 * 150, `${found} of 150`);
      assert.ok(
        faces.length + rejected.length - found <= 3,
        `${faces.length + rejected.length - found} places that are no faces`,
      );
    });

    test('finds faces of 32 to 60 pixels in 24 megapixels behind three large ones, 9 of 10 at least', async () => {
      const ground = await enlargeSample(SAMPLES[1]!, 6000);
      const crowd = await pasteCrowd(await cutFaces(0.5), { ...ground, count: 40, heights: [32, 40, 50, 60], ground });
      const found = (await pipeline.findFaces(crowd.picture)).faces.map(({ box }) => box);
      assert.equal(countFound(ground.faces, found), 3);
      const small = countFound(crowd.faces, found);
      assert.ok(crowd.faces.length > 30 && small >= 0.9 * crowd.faces.length, `${small} of ${crowd.faces.length}`);
    });

    test('finds large and small faces in one photo', async () => {
      const crowd = await pasteCrowd(await cutFaces(0.3), {
        width: 3000,
        height: 2000,
        count: 22,
        heights: [40, 60, 90, 160, 240],
      });
      const { faces } = await pipeline.findFaces(crowd.picture);
      assert.ok(
        countFound(
          crowd.faces,
          faces.map(({ box }) => box),
        ) >= 21,
      );
    });

    test('finds the selfie: one face that fills 40 to 95 % of the frame', async () => {
      const missed: string[] = [];
      for (const { name: photo, faces } of SAMPLES.slice(0, 5)) {
        for (const fill of [0.4, 0.6, 0.8, 0.95]) {
          const selfie = await takeSelfie(photo, faces[0]!, fill, 0.75);
          const found = await pipeline.findFaces(selfie.picture);
          if (
            countFound(
              [selfie.face],
              found.faces.slice(0, 1).map(({ box }) => box),
            ) === 0
          )
            missed.push(`${photo} ${fill}`);
        }
      }
      assert.deepEqual(missed, []);
    });

    test('places the landmarks of faces of 50 to 70 pixels where it does in the same faces at four times the size', async () => {
      const distances: number[] = [];
      for (const { name, faces } of SAMPLES.slice(0, 4)) {
        const photo = await readSample(name);
        const { picture, placeOf } = await shrinkIntoGrey(photo, 0.25);
        const [near, far] = [await pipeline.findFaces(photo), await pipeline.findFaces(picture)];
        assert.ok(far.faces.length >= faces.length, name);
        for (const { box, landmarks } of near.faces) {
          const apart = far.faces.map((face) =>
            meanDistance(fivePoints(face.landmarks), fivePoints(landmarks).map(placeOf)),
          );
          distances.push(Math.min(...apart) / (0.25 * box.height));
        }
      }
      const mean = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
      assert.ok(mean < 0.05, `${mean} of the height of the face`);
    });

    test('finds no face where there is none', async () => {
      const wall = await sharp({ create: { width: 1200, height: 800, channels: 3, background: '#a08060' } })
        .jpeg()
        .toBuffer();
      const noise = await sharp({
        create: {
          width: 400,
          height: 300,
          channels: 3,
          background: '#808080',
          noise: { type: 'gaussian', mean: 128, sigma: 40 },
        },
      })
        .png()
        .toBuffer();
      const sofa = await sharp(await readSample('sample2.jpg'))
        .extract({ left: 0, top: 900, width: 900, height: 460 })
        .jpeg()
        .toBuffer();
      for (const picture of [wall, noise, sofa]) {
        const { faces, rejected } = await pipeline.findFaces(picture);
        assert.deepEqual([faces.length, rejected.length], [0, 0]);
      }
    });

    test('counts the faces of the group photos', { skip: photos ? false : 'needs FACEPASS_TEST_PHOTOS' }, async () => {
      const counts: number[] = [];
      for (const group of ['bbt1', 'bbt2', 'bbt3', 'bbt4', 'bbt5'])
        counts.push((await pipeline.findFaces(await readFile(join(photos!, 'groups', `${group}.jpg`)))).faces.length);
      assert.deepEqual(counts, [4, 3, 5, 6, 5]);
    });
  });
}

describe('the pipeline', () => {
  let pipeline: Pipeline;
  before(async () => {
    pipeline = await createPipeline(packs[0]!.config);
  });
  after(() => pipeline[Symbol.asyncDispose]());

  test('takes a face that the detector saw in two boxes, one around the other, for one', async () => {
    const portrait = await sharp(await readSample('sample4.jpg'))
      .extract({ left: 1160, top: 15, width: 381, height: 490 })
      .resize({ width: 290 })
      .jpeg()
      .toBuffer();
    for (const angle of [5, 6, 7, 8, 9, 10]) {
      const tilted = await sharp(portrait)
        .rotate(angle, { background: '#b9a58f' })
        .resize({ width: 230 })
        .modulate({ brightness: 1.1, saturation: 0.8 })
        .blur(0.8)
        .jpeg({ quality: 68 })
        .toBuffer();
      const { faces, rejected } = await pipeline.findFaces(tilted);
      assert.equal(
        faces.length + rejected.length,
        1,
        `${angle}° ${JSON.stringify(faces.map(({ box, confidence }) => ({ box, confidence })))}`,
      );
    }
  });

  test('keeps the largest faces when asked for few, and says of the others that they are over the limit', async () => {
    const photo = await readSample('sample5.jpg');
    const all = await pipeline.findFaces(photo);
    const two = await pipeline.findFaces(photo, { maxFaces: 2 });
    assert.deepEqual(two.faces, all.faces.slice(0, 2));
    assert.deepEqual(
      two.rejected,
      all.faces.slice(2).map(({ box, confidence }) => ({ box, confidence, reason: 'over_limit' })),
    );
  });

  test('keeps no more faces than the server does, whatever is asked for, and looks at no more than that allows', async () => {
    const crowd = await crowdOfTwenty();
    const reasonsOf = async (quality: { minSharpness?: number }) => {
      await using strict = await createPipeline({ ...packs[0]!.config, maxFaces: 1, quality });
      const { faces, rejected } = await strict.findFaces(crowd.picture, { maxFaces: 50 });
      const areas = rejected.map(({ box }) => box.width * box.height);
      assert.deepEqual(
        areas,
        areas.toSorted((a, b) => b - a),
      );
      assert.equal(faces.length + rejected.length, 20);
      return rejected.map(({ reason }) => reason);
    };
    assert.deepEqual(await reasonsOf({}), Array(19).fill('over_limit'));
    assert.deepEqual(await reasonsOf({ minSharpness: 1 }), [
      ...Array(8).fill('blurred'),
      ...Array(12).fill('over_limit'),
    ]);
  });

  test('asks more of a face when told to', async () => {
    const photo = await readSample('sample2.jpg');
    const { faces } = await pipeline.findFaces(photo, { minConfidence: 0.9 });
    assert.ok(faces.length > 0 && faces.length < 3 && faces.every(({ confidence }) => confidence >= 0.9));
  });

  test('refuses a face that is blurred and says so', async () => {
    const [crop] = await cutFaces(0.5);
    const strict = await createPipeline({ ...packs[0]!.config, quality: { minSharpness: 0.2 } });
    const blurred = await strict.findFaces(await sharp(crop!.picture).blur(3).png().toBuffer());
    await strict[Symbol.asyncDispose]();
    assert.deepEqual([blurred.faces.length, blurred.rejected.map(({ reason }) => reason)], [0, ['blurred']]);
  });

  test('gives up between two runs when nobody waits any more', async () => {
    let asked = 0;
    await assert.rejects(
      pipeline.findFaces(await readSample('sample1.jpg'), { abandoned: () => ++asked > 1 }),
      Abandoned,
    );
    assert.equal(asked, 2);
  });

  test('gives up after the faces are located, too: before each eight faces to be aligned, and each eight to be embedded', async () => {
    const crowd = await crowdOfTwenty();
    const timesAsked = async (maxFaces: number, patience = Infinity) => {
      let asked = 0;
      const found = pipeline.findFaces(crowd.picture, { maxFaces, abandoned: () => ++asked > patience });
      await (patience === Infinity ? found : assert.rejects(found, Abandoned));
      return asked;
    };
    const [forOne, forAll] = [await timesAsked(1), await timesAsked(20)];
    assert.equal(forAll - forOne, 4);
    for (const left of [1, 4]) assert.equal(await timesAsked(20, forAll - left), forAll - left + 1);
  });

  test('works on after bytes that are no picture', async () => {
    const photo = await readSample('sample1.jpg');
    await assert.rejects(
      pipeline.findFaces(photo.subarray(0, 50_000)),
      (error: ImageError) => error.problem === 'image_damaged',
    );
    await assert.rejects(
      pipeline.findFaces(Buffer.from('GIF89a')),
      (error: ImageError) => error.problem === 'unsupported_format',
    );
    assert.equal((await pipeline.findFaces(photo)).faces.length, 3);
  });
});

/**
 * A photo reduced to a share of its size, in the middle of a grey picture of 1600 by 1000 pixels, and where a point of
 * the photo lies there.
 */
async function shrinkIntoGrey(photo: Buffer, share: number) {
  const { width, height } = await sharp(photo).metadata();
  const [small, left, top] = [{ width: Math.round(width * share), height: Math.round(height * share) }, 400, 300];
  const input = await sharp(photo)
    .resize({ ...small, fit: 'fill' })
    .toBuffer();
  const picture = await sharp({ create: { width: 1600, height: 1000, channels: 3, background: '#7a7f86' } })
    .composite([{ input, left, top }])
    .png()
    .toBuffer();
  return {
    picture,
    placeOf: ({ x, y }: Point): Point => ({
      x: left + (x * small.width) / width,
      y: top + (y * small.height) / height,
    }),
  };
}

function meanDistance(points: readonly Point[], others: readonly Point[]): number {
  return points.reduce((sum, { x, y }, i) => sum + Math.hypot(x - others[i]!.x, y - others[i]!.y), 0) / points.length;
}

/** Twenty faces, all of which both packs find. */
async function crowdOfTwenty() {
  return pasteCrowd(await cutFaces(0.3), { width: 1600, height: 1000, count: 20, heights: [100, 120] });
}

function assertSamePlaces(found: FoundFaces, expected: FoundFaces, pixels: number, message: string): void {
  for (const { box } of found.faces) {
    const same = expected.faces.map((face) => face.box).toSorted((a, b) => overlapOf(b, box) - overlapOf(a, box))[0]!;
    for (const key of ['x', 'y', 'width', 'height'] as const satisfies (keyof Box)[])
      assert.ok(Math.abs(box[key] - same[key]) <= pixels, `${message}: ${key} ${box[key]} and ${same[key]}`);
  }
}

/** The upright picture stored so that `orientation` turns it upright again. */
async function storedAs(upright: Buffer, orientation: number): Promise<Buffer> {
  const inverse = [0, 1, 2, 3, 4, 5, 8, 7, 6][orientation]!;
  const turned = await sharp(
    await sharp(upright).withMetadata({ orientation: inverse }).png({ compressionLevel: 1 }).toBuffer(),
  )
    .autoOrient()
    .png({ compressionLevel: 1 })
    .toBuffer();
  return sharp(turned).withMetadata({ orientation }).png({ compressionLevel: 1 }).toBuffer();
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}
