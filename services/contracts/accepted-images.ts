/**
 * The image formats that the service decodes: the one list from which the API, the CLI, the indexer and the console
 * take names, content types and file extensions (lower case).
 */
export const ACCEPTED_IMAGES = [
  { name: 'JPEG', types: ['image/jpeg'], extensions: ['jpg', 'jpeg'] },
  { name: 'PNG', types: ['image/png'], extensions: ['png'] },
  { name: 'WebP', types: ['image/webp'], extensions: ['webp'] },
  { name: 'HEIC', types: ['image/heic', 'image/heif'], extensions: ['heic', 'heif', 'hif'] },
  { name: 'AVIF', types: ['image/avif'], extensions: ['avif'] },
] as const;

/** The formats in words: `JPEG, PNG, WebP, HEIC or AVIF`. */
export const ACCEPTED_IMAGE_NAMES = inWords(ACCEPTED_IMAGES.map(({ name }) => name));

/** Content types of the formats. */
export const ACCEPTED_IMAGE_TYPES: readonly string[] = ACCEPTED_IMAGES.flatMap(({ types }) => [...types]);

const EXTENSIONS: ReadonlySet<string> = new Set(ACCEPTED_IMAGES.flatMap(({ extensions }) => [...extensions]));

/** Whether a file of this name (or an object of this key) is one that the service decodes, by its extension. */
export function isAcceptedImageName(name: string): boolean {
  return EXTENSIONS.has(extensionOf(name));
}

/** How the photos of a raw file reach the service. */
export const RAW_ADVICE =
  'Raw files hold a JPEG preview: extract it with `exiftool -b -JpgFromRaw -w .jpg` (or `-PreviewImage`), or export JPEG files';

const CONVERT_ADVICE = 'Convert other pictures to JPEG';

const RAW = /^(3fr|arw|cr[23w]|dng|erf|iiq|kdc|mrw|nef|nrw|orf|pef|raf|raw|rw2|rwl|sr[2fw]|x3f)$/;
const OTHER_PICTURE = /^(bmp|gif|jp2|jxl|psd|svg|tiff?)$/;

/**
 * What helps with files whose names the service does not accept, one sentence for each kind among them: raw files and
 * other pictures. Empty where there is neither, as for videos.
 */
export function adviceForLeftOut(names: Iterable<string>): string[] {
  const extensions = [...names].map(extensionOf);
  return [
    ...(extensions.some((extension) => RAW.test(extension)) ? [`${RAW_ADVICE}.`] : []),
    ...(extensions.some((extension) => OTHER_PICTURE.test(extension)) ? [`${CONVERT_ADVICE}.`] : []),
  ];
}

function extensionOf(name: string): string {
  return /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
}

function inWords(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
