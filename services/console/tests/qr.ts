import jsQR from 'jsqr';
import type { Page } from 'playwright-core';
import sharp from 'sharp';

/** What a scanner reads from the QR code as the page shows it, or null. */
export async function readQrCode(page: Page): Promise<string | null> {
  const code = page.getByRole('img', { name: 'QR code of the guests’ link' });
  await code.waitFor();
  const { data, info } = await sharp(await code.screenshot())
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length);
  return jsQR(pixels, info.width, info.height, { inversionAttempts: 'dontInvert' })?.data ?? null;
}
