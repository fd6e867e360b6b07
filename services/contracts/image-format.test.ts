import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceForLeftOut, isAcceptedImageName, RAW_ADVICE } from './accepted-images.ts';
import { formatProblemOf, imageFormatOf } from './image-format.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');

/** First bytes by which programs tell formats apart, with the name that the answer gives them. */
const FORMATS: [bytes: string, name: string][] = [
  ['\xff\xd8\xff\xe0\0\x10JFIF\0', 'JPEG'],
  ['\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'PNG'],
  ['RIFF\x24\0\0\0WEBPVP8 ', 'WebP'],
  ['GIF89a', 'GIF'],
  ['\0\0\0\x18ftypheic\0\0\0\0', 'HEIC'],
  ['\0\0\0\x20ftypavif\0\0\0\0', 'AVIF'],
  ['\0\0\0\x18ftypmif1\0\0\0\0', 'HEIF'],
  ['\0\0\0\x1cftypmif1\0\0\0\0miafavif', 'AVIF'],
  ['\0\0\0\x18ftypcrx \0\0\0\0', 'raw (Canon CR3)'],
  ['II*\0\x10\0\0\0CR\x02\0', 'raw (Canon CR2)'],
  ['FUJIFILMCCD-RAW 0201', 'raw (Fujifilm RAF)'],
  ['II*\0\x08\0\0\0', 'TIFF, or raw in TIFF (DNG, NEF, ARW)'],
  ['\0\0\0\x0cjP  \r\n\x87\n', 'JPEG 2000'],
  ['\xff\x4f\xff\x51\0\x2f', 'JPEG 2000'],
  ['\xff\x0a\xfa', 'JPEG XL'],
  ['8BPS\0\x01\0\0', 'PSD'],
  ['%PDF-1.7', 'PDF'],
  ['BM\x36\0\x0c\0\0\0\0\0', 'BMP'],
  ['P6\n# by a program\n640 480\n255\n', 'PNM'],
  ['\0\0\x01\0\x01\0\x10\x10', 'ICO'],
  ['<svg xmlns="http://www.w3.org/2000/svg">', 'SVG'],
  ['\xef\xbb\xbf<?xml version="1.0"?>\n<!-- drawn -->\n<!DOCTYPE svg PUBLIC "a" "b">\n<svg:svg>', 'SVG'],
];

test('each format is told by its first bytes', () => {
  for (const [bytes, name] of FORMATS) assert.equal(imageFormatOf(latin1(bytes)), name);
});

test('accepted formats have no problem; every other format is named with what helps', () => {
  for (const [bytes, name] of FORMATS) {
    const problem = formatProblemOf(latin1(bytes));
    if (['JPEG', 'PNG', 'WebP', 'HEIC', 'HEIF', 'AVIF'].includes(name)) assert.equal(problem, null);
    else {
      assert.equal(problem?.problem, 'unsupported_format');
      const advice = name.includes('raw') ? RAW_ADVICE : 'Send a JPEG, PNG, WebP, HEIC or AVIF file';
      assert.equal(problem.detail, `The image is ${name}. ${advice}.`);
    }
  }
});

test('names of files are accepted by their extension, and what is left out comes with advice that helps', () => {
  for (const name of ['a.JPG', 'IMG_1.HEIC', 'x/y.avif', 'a.b.hif', 'c.jpeg', 'd.png', 'e.webp'])
    assert.equal(isAcceptedImageName(name), true, name);
  for (const name of ['a', 'a.cr3', '.heic/a', 'jpg', 'film.mov']) assert.equal(isAcceptedImageName(name), false, name);
  assert.deepEqual(adviceForLeftOut(['film.mov', 'notes']), []);
  assert.deepEqual(adviceForLeftOut(['DSC1.NEF', 'DSC2.NEF', 'a.tiff']), [
    `${RAW_ADVICE}.`,
    'Convert other pictures to JPEG.',
  ]);
});

test('what announces no image is not an image: nothing, words, a page, a film', () => {
  const others = ['', 'a letter, not a photo', '<!doctype html><svg>', 'BM', 'P6 or not P6', '\0\0\0\x18ftypisom\0\0'];
  for (const bytes of others) assert.equal(formatProblemOf(latin1(bytes))?.problem, 'not_an_image', bytes);
});

test('a JPEG of a kind that is not decoded is told by its frame, behind any other segments', () => {
  const jpeg = (marker: number, precision: number) =>
    Buffer.from([
      0xff,
      0xd8,
      0xff,
      0xe1,
      0,
      4,
      0xff,
      0xc3,
      0xff,
      0xff,
      marker,
      0,
      11,
      precision,
      0,
      8,
      0,
      8,
      1,
      1,
      17,
      0,
    ]);
  assert.equal(imageFormatOf(jpeg(0xc0, 8)), 'JPEG');
  assert.equal(imageFormatOf(jpeg(0xc2, 8)), 'JPEG');
  assert.equal(imageFormatOf(jpeg(0xc1, 12)), '12-bit JPEG');
  assert.equal(imageFormatOf(jpeg(0xc3, 8)), 'lossless JPEG');
  assert.equal(imageFormatOf(jpeg(0xc5, 8)), 'hierarchical JPEG');
  assert.equal(imageFormatOf(jpeg(0xf7, 8)), 'JPEG-LS');
});

test('the search for an SVG ends soon, whatever precedes it', () => {
  for (const part of ['<!--', '<?xml ', '<!DOCTYPE svg [', ' ', '<!----><!--'])
    assert.equal(imageFormatOf(latin1(part.repeat(1_000_000))), null);
});
